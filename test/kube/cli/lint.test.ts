/**
 * The built `kubectl herald lint` beside a real API server and the real admission: with `--live` it judges by what is stored and writes
 * nothing, and its verdict on a manifest is the one that kubectl gets.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { REPOSITORY } from "../../../lab/paths";
import { run, type RunResult } from "../../../lab/run";
import { accountKubeconfig, Part } from "../admission/part";

const PROGRAM = join(REPOSITORY, "dist/kubectl-herald.js");

let stateDir: string;
let server: ApiServer;
let admission: Part;
/** Of an account that may read and no more. */
let kubeconfig: string;

const object = (version: string, kind: string, name: string, rest = ""): string =>
  `apiVersion: metallb.io/${version}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: metallb-system}\n${rest}`;
const pool = (name: string, addresses: string): string =>
  object("v1beta1", "IPAddressPool", name, `spec:\n  addresses:\n    - ${addresses}\n`);
const peer = (name: string, spec: string, version = "v1beta2"): string =>
  object(version, "BGPPeer", name, `spec: {myASN: 64500, peerASN: 64501, ${spec}}\n`);

function kubectl(argv: readonly string[], input: string): Promise<RunResult> {
  return server.kubectl([...argv, "-f", "-"], { check: false, input, timeoutMs: 20_000 });
}

function lint(argv: readonly string[], input: string): Promise<RunResult> {
  return run([PROGRAM, "lint", "-f", "-", ...argv], { check: false, input, timeoutMs: 20_000 });
}

function lintLive(input: string): Promise<RunResult> {
  return lint(["--live", "--kubeconfig", kubeconfig], input);
}

/** What the cluster says about the manifest, and what lint says. */
function bothVerdicts(text: string): Promise<[RunResult, RunResult]> {
  return Promise.all([kubectl(["create", "--dry-run=server"], text), lintLive(text)]);
}

async function storedVersions(): Promise<string> {
  const kinds = "ipaddresspools,l2advertisements,bgppeers,services,configmaps";
  const output =
    "jsonpath={range .items[*]}{.kind}/{.metadata.name}/{.metadata.resourceVersion} {end}";
  return (await server.kubectl(["get", kinds, "-A", "-o", output])).stdout;
}

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-cli-"));
  server = await startApiServer({ stateDir });
  const [webhook = 0, metrics = 0, probe = 0] = await freePorts(3);
  await install({
    kubectl: server.kubectl.bind(server),
    admissionUrl: `https://127.0.0.1:${webhook}`,
  });
  kubeconfig = await accountKubeconfig(server, "admission", stateDir);
  const flags = [`--webhook-port=${webhook}`, `--port=${metrics}`, `--health-probe-port=${probe}`];
  admission = Part.start("admission", flags, { KUBECONFIG: kubeconfig });
  await admission.untilReady(probe);
  await server.kubectl(["create", "-f", "-"], { input: pool("stored", "192.0.2.0/24") });
});

afterAll(async () => {
  await admission.end("SIGKILL");
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("--live", () => {
  it("judges new objects beside those that are stored", async () => {
    const clash = pool("new", "192.0.2.128/25");
    expect((await lint([], clash)).status).toBe(0);
    const live = await lintLive(clash);
    expect(live.status).toBe(1);
    expect(live.stdout).toMatch(/^stdin:6:7: refused: IPAddressPool "new": .+"stored".+\(V-L4\)$/m);
    expect(live.stdout).toContain("1 object checked against the cluster: 1 refused");
  });

  it("takes an object of the same name for a change, and says which addresses Services would lose", async () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
      status: { loadBalancer: { ingress: [{ ip: "192.0.2.200" }] } },
    };
    await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
    await server.kubectl(["replace", "--subresource=status", "-f", "-"], {
      input: JSON.stringify(service),
    });
    const changed = await lintLive(pool("stored", "192.0.2.0/25"));
    expect(changed.status).toBe(0);
    expect(changed.stdout).toMatch(/warning: .+default\/web \(192\.0\.2\.200\).+\(V-X6\)/);
    const unchanged = await lintLive(pool("stored", "192.0.2.0/24"));
    expect(unchanged.stdout).not.toContain("V-X6");
  });

  it("resolves references to what is stored", async () => {
    const advertisement = object(
      "v1beta1",
      "L2Advertisement",
      "l2",
      "spec: {ipAddressPools: [stored]}\n",
    );
    expect((await lint([], advertisement)).stdout).toContain("(H-R1)");
    const live = await lintLive(advertisement);
    expect(live.stdout).not.toContain("(H-R1)");
    expect(live.status).toBe(0);
  });

  it("knows what the cluster uses itself: addresses of nodes, networks of Pods, cluster IPs", async () => {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "rack-1" } };
    const spec = { podCIDRs: ["10.79.1.0/24"], podCIDR: "10.79.1.0/24" };
    await server.kubectl(["create", "-f", "-"], { input: JSON.stringify({ ...node, spec }) });
    const status = '{"status":{"addresses":[{"type":"InternalIP","address":"10.78.0.11"}]}}';
    await server.kubectl(["patch", "node/rack-1", "--subresource=status", "-p", status]);
    const which = ["get", "servicecidr", "kubernetes", "-o", "jsonpath={.spec.cidrs[0]}"];
    const { stdout: cidr } = await server.kubectl(which);
    for (const [addresses, rule] of [
      ["10.78.0.0/24", "H-R9"],
      ["10.79.1.128/25", "H-R10"],
      [cidr, "H-R11"],
    ] as const) {
      expect((await lintLive(pool("new", addresses))).stdout).toContain(`(${rule})`);
    }
  });

  it("writes nothing", async () => {
    const before = await storedVersions();
    await lintLive(`${pool("new", "10.0.0.0/24")}---\n${pool("stored", "10.1.0.0/24")}`);
    expect(before).toContain("IPAddressPool/stored/");
    expect(await storedVersions()).toBe(before);
  });
});

describe("the verdict is the one of the cluster", () => {
  const good: readonly [string, string][] = [
    ["a pool", pool("a", "10.0.0.0/24")],
    ["a pool with yes for true", `${pool("a", "10.0.0.0/24")}  autoAssign: yes\n`],
    ["a range with blanks", pool("a", "10.0.0.1  -  10.0.0.9")],
    [
      "an advertisement of nothing",
      object("v1beta1", "L2Advertisement", "a", "spec: {ipAddressPools: [x]}\n"),
    ],
    ["an advertisement without spec", object("v1beta1", "L2Advertisement", "a")],
    ["port 0, which admission replaces", peer("a", "peerAddress: 10.0.0.1, peerPort: 0")],
    ["port 0 of the old version", peer("a", "peerAddress: 10.0.0.1, peerPort: 0", "v1beta1")],
    ["a peer that waits for its profile", peer("a", "peerAddress: 10.0.0.1, bfdProfile: x")],
    ["a deprecated field", peer("a", "peerAddress: 10.0.0.1, disableMP: true")],
  ];
  const bad: readonly [string, string][] = [
    ["no address", pool("a", "10.0.0.300")],
    ["an unknown field", `${pool("a", "10.0.0.0/24")}  autoAsign: true\n`],
    ["an unknown field at the top", `${pool("a", "10.0.0.0/24")}specs: {}\n`],
    ["an unknown field of metadata", pool("a, label: {a: b}", "10.0.0.0/24")],
    ["a number for a label", pool("a, labels: {a: 1}", "10.0.0.0/24")],
    ["a label that none may be", pool("a, labels: {a: -b}", "10.0.0.0/24")],
    ["a name that none may be", pool("A_b", "10.0.0.0/24")],
    ["a version that is not served", object("v1", "IPAddressPool", "a", "spec: {}\n")],
    ["a kind that is not there", object("v1beta1", "AddressPool", "a", "spec: {}\n")],
    ["a pool without spec", object("v1beta1", "IPAddressPool", "a")],
    ["another namespace", pool("a", "10.0.0.0/24").replace("metallb-system", "default")],
    ["an overlap with itself", pool("a", "10.0.0.0/24\n    - 10.0.0.9/32")],
    [
      "no system of the peer",
      peer("a", "peerAddress: 10.0.0.1, peerASN: 0").replace("peerASN: 64501, ", ""),
    ],
    ["a hold time below 3 s", peer("a", "peerAddress: 10.0.0.1, holdTime: 2s")],
    ["a deprecated field hides nothing", peer("a", "peerAddress: x, disableMP: true")],
    ["a text for a number", peer("a", "peerAddress: 10.0.0.1, peerPort: '179'")],
    [
      "a profile out of bounds",
      object("v1beta1", "BFDProfile", "a", "spec: {receiveInterval: 5}\n"),
    ],
    [
      "an alias without a value",
      object("v1beta1", "Community", "a", "spec: {communities: [{name: v}]}\n"),
    ],
  ];

  it.each(good)("accepts: %s", async (_what, text) => {
    const [created, linted] = await bothVerdicts(text);
    expect(created.stderr).not.toMatch(/rror/);
    expect(created.status).toBe(0);
    expect(linted.stdout).not.toContain("refused");
    expect(linted.status).toBe(0);
    for (const [rule] of created.stderr.matchAll(/\([VH]-[A-Z]+\d*\)/g)) {
      expect(linted.stdout).toContain(rule);
    }
  });

  it.each(bad)("refuses: %s", async (_what, text) => {
    const [created, linted] = await bothVerdicts(text);
    expect(created.status).toBe(1);
    expect(linted.stdout).toMatch(/^stdin:\d+:\d+: refused: /m);
    expect(linted.status).toBe(1);
    for (const [rule] of created.stderr.matchAll(/\([VH]-[A-Z]+\d*\)/g)) {
      expect(linted.stdout).toContain(rule);
    }
  });
});

describe("the program", () => {
  it("is a command of kubectl", async () => {
    const folder = join(stateDir, "bin");
    mkdirSync(folder);
    symlinkSync(PROGRAM, join(folder, "kubectl-herald"));
    chmodSync(folder, 0o755);
    const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
    const argv = ["herald", "lint", "-f", "-", "-o", "json"];
    const { stdout } = await run([join(server.binDir, "kubectl"), ...argv], {
      env,
      input: pool("a", "10.0.0.300"),
      check: false,
    });
    expect(JSON.parse(stdout)).toMatchObject({
      exitCode: 1,
      findings: [{ rule: "V-L2", line: 6, column: 7 }],
    });
  });

  it("says what went wrong when the cluster is not there", async () => {
    const away = await run([PROGRAM, "lint", "-", "--live"], {
      env: { PATH: process.env["PATH"] ?? "", KUBECONFIG: "/nowhere" },
      input: pool("a", "10.0.0.0/24"),
      check: false,
    });
    expect(away.status).toBe(2);
    expect(away.stderr).toContain(
      "The cluster's configuration cannot be read: no kubeconfig file at /nowhere",
    );
  });
});
