/** The built admission process as a plain process beside a real API server: what kubectl shows, and what is stored. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_ENTRIES } from "../../../scripts/manifest/mutation-conditions";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { WEBHOOK_SECRET } from "../../../capabilities/admission/webhook-secret";
import { install } from "../../../lab/install";
import { poll, type RunResult } from "../../../lab/run";
import { accountKubeconfig, Part } from "./part";

const NAMESPACE = "metallb-system";

interface Stored {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

interface StoredPool extends Stored {
  readonly spec: { readonly addresses: readonly string[] };
}

interface StoredPeer extends Stored {
  readonly spec: { readonly peerAddress: string; readonly peerPort: number };
}

/** What Pepr leaves on an object whose mutation it was asked for. */
const MUTATED = { "herald.pepr.dev/admission": "succeeded" };

let stateDir: string;
let server: ApiServer;
let admission: Part;
/** Of the account of the admission Pods: all of this works with their rights. */
let kubeconfig: string;
let ports: { webhook: number; metrics: number; probe: number };

function object(kind: string, name: string, spec: unknown, namespace = NAMESPACE): string {
  const version = kind === "BGPPeer" ? "v1beta2" : "v1beta1";
  const apiVersion = `metallb.io/${version}`;
  return JSON.stringify({ apiVersion, kind, metadata: { name, namespace }, spec });
}

const pool = (name: string, ...addresses: string[]) => object("IPAddressPool", name, { addresses });

/** Runs kubectl on one object; never rejects. */
function kubectl(argv: readonly string[], input?: string): Promise<RunResult> {
  const from = input === undefined ? [] : ["-f", "-"];
  return server.kubectl([...argv, ...from], { check: false, ...(input ? { input } : {}) });
}

async function stored(kind: string, name: string): Promise<Stored> {
  const which = ["get", kind, name, "-n", NAMESPACE, "-o", "json"];
  const { stdout } = await server.kubectl(which);
  return JSON.parse(stdout) as Stored;
}

const storedPool = async (name: string) => (await stored("ipaddresspool", name)) as StoredPool;
const storedPeer = async (name: string) => (await stored("bgppeer", name)) as StoredPeer;
function startAdmission(): Part {
  const { webhook, metrics, probe } = ports;
  const flags = [`--webhook-port=${webhook}`, `--port=${metrics}`, "--health-probe-port"];
  return Part.start("admission", [...flags, String(probe)], { KUBECONFIG: kubeconfig });
}

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-admission-"));
  server = await startApiServer({ stateDir });
  const [webhook = 0, metrics = 0, probe = 0] = await freePorts(3);
  ports = { webhook, metrics, probe };
  const admissionUrl = `https://127.0.0.1:${webhook}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  kubeconfig = await accountKubeconfig(server, "admission", stateDir);
  admission = startAdmission();
  await admission.untilReady(probe);
});

afterAll(async () => {
  await admission.end("SIGKILL");
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("a change that is good", () => {
  it("is stored at the first try, right after the installation", async () => {
    const created = await kubectl(["create"], pool("first", "192.168.1.240/28"));
    expect(created.stderr).not.toContain("Error");
    expect(created.status).toBe(0);
    expect((await storedPool("first")).spec.addresses).toEqual(["192.168.1.240/28"]);
  });

  it("is stored in its normal form, whatever a person wrote", async () => {
    const written = ["10.0.0.1", "10.1.0.1  -  10.1.0.5", "FC00:F853:CCD:E799::/124"];
    const created = await kubectl(["create"], pool("normal", ...written));
    expect(created.status).toBe(0);
    const normal = ["10.0.0.1/32", "10.1.0.1-10.1.0.5", "fc00:f853:ccd:e799::/124"];
    expect((await storedPool("normal")).spec.addresses).toEqual(normal);
  });

  it("may be applied again: no difference remains to be applied", async () => {
    const input = pool("applied", "10.9.0.0-10.9.0.9");
    expect((await kubectl(["apply"], input)).stdout).toContain("created");
    expect((await kubectl(["apply"], input)).stdout).toContain("unchanged");
  });

  it("brings its warnings to the person", async () => {
    const spec = { ipAddressPools: ["nowhere"] };
    const created = await kubectl(["create"], object("L2Advertisement", "dangling", spec));
    expect(created.status).toBe(0);
    expect(created.stderr).toMatch(/^Warning: L2Adv.+ "dangling": spec.ipAddressPools\[0\]/);
    expect(created.stderr).toContain('"nowhere" names no existing IPAddressPool');
  });

  it("warns of a pool that holds the address of a node", async () => {
    await kubectl(["create"], '{"apiVersion":"v1","kind":"Node","metadata":{"name":"rack-1"}}');
    const status = '{"status":{"addresses":[{"type":"InternalIP","address":"10.77.0.11"}]}}';
    await server.kubectl(["patch", "node/rack-1", "--subresource=status", "-p", status]);
    const rack = pool("rack", "10.77.0.0/24");
    const limits = { timeoutMs: 10_000, describe: () => "no warning came" };
    const say = async () => (await kubectl(["create", "--dry-run=server"], rack)).stderr;
    const seen = await poll(async () => (await say()) || undefined, limits);
    expect(seen).toMatch(/Warning: IPAddressPool "rack": spec.addresses\[0\].*10\.77\.0\.11/);
  });
});

describe("a pool over addresses that cluster IPs are from", () => {
  it("is warned about, with the ServiceCIDR that the API server has", async () => {
    const which = ["get", "servicecidr", "kubernetes", "-o", "jsonpath={.spec.cidrs[0]}"];
    const { stdout: cidr } = await server.kubectl(which);
    const created = await kubectl(["create", "--dry-run=server"], pool("inside", cidr));
    expect(created.stderr).toContain(`overlaps "${cidr}", where the cluster IPs of Services are`);
    expect(created.stderr).toContain("(H-R11)");
  });
});

describe("the mutation", () => {
  it.each([
    {
      how: "a bare address",
      ordinary: "10.41.1.0/24",
      written: "10.40.1.1",
      normal: "10.40.1.1/32",
    },
    {
      how: "blanks",
      ordinary: "10.41.2.0-10.41.2.9",
      written: "10.40.2.1 - 10.40.2.5",
      normal: "10.40.2.1-10.40.2.5",
    },
    {
      how: "upper case",
      ordinary: "fd00:41::/64",
      written: "FD00:40:3::/64",
      normal: "fd00:40:3::/64",
    },
    {
      how: "an IPv4-mapped prefix",
      ordinary: "10.41.4.0/24",
      written: "::ffff:10.40.4.0/120",
      normal: "10.40.4.0/24",
    },
    {
      how: "many blanks",
      ordinary: "10.41.5.0/24",
      written: `10.40.5.0/24${" ".repeat(50_000)}`,
      normal: "10.40.5.0/24",
    },
  ])(
    "is asked for at $how, behind an ordinary entry",
    async ({ how, ordinary, written, normal }) => {
      const name = how.toLowerCase().replaceAll(" ", "-");
      expect((await kubectl(["create"], pool(name, ordinary, written))).status).toBe(0);
      const { spec, metadata } = await storedPool(name);
      expect(spec.addresses).toEqual([ordinary, normal]);
      expect(metadata.annotations).toEqual(MUTATED);
    },
  );

  it("is asked for at a change that needs it, of an object that did not", async () => {
    await kubectl(["create"], pool("changed", "10.42.0.0/24"));
    expect((await storedPool("changed")).metadata.annotations).toBeUndefined();
    const patch = JSON.stringify({ spec: { addresses: ["10.42.0.0/24", "10.42.1.1"] } });
    const which = ["patch", "ipaddresspool", "changed", "-n", NAMESPACE, "--type=merge"];
    expect((await kubectl([...which, "-p", patch])).status).toBe(0);
    expect((await storedPool("changed")).spec.addresses).toEqual(["10.42.0.0/24", "10.42.1.1/32"]);
  });

  it("is not asked for where everything is in normal form already", async () => {
    const addresses = [
      "10.43.0.0/24",
      "10.43.1.1-10.43.1.9",
      "fd00:43::/64",
      "fd00:44::1-fd00:44::9",
    ];
    await kubectl(["create"], pool("ordinary", ...addresses));
    await kubectl(
      ["create"],
      object("L2Advertisement", "ordinary", { ipAddressPools: ["ordinary"] }),
    );
    const peer = { myASN: 64500, peerASN: 64501, peerAddress: "10.43.2.1", routerID: "10.43.2.2" };
    await kubectl(["create"], object("BGPPeer", "ordinary", peer));
    for (const kind of ["ipaddresspool", "l2advertisement", "bgppeer"]) {
      expect((await stored(kind, "ordinary")).metadata.annotations).toBeUndefined();
    }
    expect((await storedPool("ordinary")).spec.addresses).toEqual(addresses);
  });

  it("is decided within what CEL may spend, up to the number from which on it is always asked for", async () => {
    const range = (index: number) => {
      const start = `fd45:${(0x1000 + index).toString(16)}:1111:1111:1111:1111:1111`;
      return `${start}:1111-${start}:9999`;
    };
    const ranges = Array.from({ length: MAX_ENTRIES + 1 }, (_, index) => range(index));
    const created = await kubectl(["create"], pool("many", ...ranges.slice(0, MAX_ENTRIES)));
    expect(created.stderr).not.toContain("Error");
    expect((await storedPool("many")).metadata.annotations).toBeUndefined();
    expect((await kubectl(["replace"], pool("many", ...ranges))).status).toBe(0);
    expect((await storedPool("many")).metadata.annotations).toEqual(MUTATED);
  });

  it("is asked for at a peer's port 0, in the version that allows it, and at its addresses", async () => {
    const spec = { myASN: 64500, peerASN: 64501, peerAddress: "10.46.0.1", peerPort: 0 };
    const old = JSON.parse(object("BGPPeer", "port-zero", spec)) as object;
    const input = JSON.stringify({ ...old, apiVersion: "metallb.io/v1beta1" });
    expect((await kubectl(["create"], input)).status).toBe(0);
    expect((await storedPeer("port-zero")).spec.peerPort).toBe(179);
    const upper = { ...spec, peerPort: 179, peerAddress: "FD00:46::1" };
    expect((await kubectl(["create"], object("BGPPeer", "upper", upper))).status).toBe(0);
    expect((await storedPeer("upper")).spec.peerAddress).toBe("fd00:46::1");
  });

  it.each([
    { kind: "IPAddressPool", spec: "text" },
    { kind: "IPAddressPool", spec: { addresses: "10.47.0.1" } },
    { kind: "IPAddressPool", spec: { addresses: [5, null, {}] } },
    { kind: "BGPPeer", spec: ["text"] },
    { kind: "BGPPeer", spec: { peerAddress: 5, sourceAddress: [], routerID: {}, peerPort: "0" } },
  ])("leaves the unexpected $kind $spec to the schema", async ({ kind, spec }) => {
    const created = await kubectl(["create", "--validate=false"], object(kind, "unexpected", spec));
    expect(created.status).toBe(1);
    expect(created.stderr).toContain(`The ${kind} "unexpected" is invalid`);
  });
});

describe("a change that is refused", () => {
  const refusal = (webhook: string) => `admission webhook "${webhook}" denied the request: `;

  it("names object, field, value and reason", async () => {
    const created = await kubectl(["create"], pool("bad", "10.2.0.0/24", "192.168.1.300"));
    expect(created.status).toBe(1);
    expect(created.stderr).toContain(refusal("ipaddresspoolvalidationwebhook.metallb.io"));
    const sentence = 'IPAddressPool "bad": spec.addresses[1] "192.168.1.300" is not an address';
    expect(created.stderr).toContain(sentence);
  });

  it("names both pools that overlap", async () => {
    await kubectl(["create"], pool("left", "10.3.0.0/24"));
    const created = await kubectl(["create"], pool("right", "10.3.0.128-10.3.0.140"));
    expect(created.status).toBe(1);
    expect(created.stderr).toContain('IPAddressPool "right"');
    expect(created.stderr).toContain("left");
    expect(created.stderr).toContain("10.3.0.0/24");
    expect(created.stderr).toContain("10.3.0.128-10.3.0.140");
  });

  it("tells every problem, not the first", async () => {
    const created = await kubectl(["create"], pool("worse", "10.4.0.300", "10.4.1.9-10.4.1.1"));
    expect(created.stderr).toContain("spec.addresses[0]");
    expect(created.stderr).toContain("spec.addresses[1]");
  });

  it("names the right namespace for an object elsewhere", async () => {
    const spec = { addresses: ["10.5.0.0/24"] };
    const created = await kubectl(["create"], object("IPAddressPool", "lost", spec, "default"));
    expect(created.status).toBe(1);
    expect(created.stderr).toContain('"default"');
    expect(created.stderr).toContain('"metallb-system"');
  });

  it.each([
    { how: "replace", argv: ["replace"], number: 1 },
    { how: "apply", argv: ["apply"], number: 2 },
    { how: "server-side apply", argv: ["apply", "--server-side"], number: 3 },
    { how: "dry run", argv: ["apply", "--dry-run=server"], number: 4 },
  ])("is refused by $how and leaves the stored object alone", async ({ argv, number }) => {
    const name = `kept-${number}`;
    const addresses = [`10.6.${number}.0/24`];
    await kubectl(["apply"], pool(name, ...addresses));
    const changed = await kubectl(argv, pool(name, "10.6.0.0/33"));
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('"10.6.0.0/33"');
    expect((await storedPool(name)).spec.addresses).toEqual(addresses);
  });

  it("is refused by patch and leaves the stored object alone", async () => {
    await kubectl(["create"], pool("patched", "10.7.0.0/24"));
    const patch = JSON.stringify({ spec: { addresses: ["10.7.0.0/24", "10.7.0.9"] } });
    const which = ["patch", "ipaddresspool", "patched", "-n", NAMESPACE, "--type=merge"];
    const changed = await kubectl([...which, "-p", patch]);
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain("10.7.0.9");
    expect((await storedPool("patched")).spec.addresses).toEqual(["10.7.0.0/24"]);
  });
});

describe("a deletion", () => {
  const remove = (kind: string, name: string) => kubectl(["delete", kind, name, "-n", NAMESPACE]);

  it("of a BFDProfile that a peer names is refused, and names the peer (V-W2)", async () => {
    await kubectl(["create"], object("BFDProfile", "fast", { receiveInterval: 100 }));
    const spec = { myASN: 64500, peerASN: 64501, peerAddress: "10.20.0.1", bfdProfile: "fast" };
    const peer = await kubectl(["create"], object("BGPPeer", "router", spec));
    expect(peer.status).toBe(0);
    const refused = await remove("bfdprofile", "fast");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("bfdprofiledeletionwebhook.metallb.io");
    expect(refused.stderr).toContain('BGPPeer "router"');
    expect((await remove("bgppeer", "router")).status).toBe(0);
    expect((await remove("bfdprofile", "fast")).status).toBe(0);
  });

  it("of a pool says which Services would be left with an address of no pool, and how many", async () => {
    await kubectl(["create"], pool("in-use", "10.30.0.0/24"));
    for (const [index, name] of ["one", "two"].entries()) {
      const service = {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "default" },
        spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
      };
      await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
      const ingress = [{ ip: `10.30.0.${index}` }];
      const patch = JSON.stringify({ status: { loadBalancer: { ingress } } });
      const how = ["--subresource=status", "--type=merge", "-p", patch];
      await server.kubectl(["patch", "service", name, ...how]);
    }
    const deleted = await remove("ipaddresspool", "in-use");
    expect(deleted.status).toBe(0);
    expect(deleted.stderr).toContain("would take 2 addresses from Services");
    expect(deleted.stderr).toContain("default/one (10.30.0.0)");
  });
});

describe("what webhooks are registered for", () => {
  it("is our kinds alone, and only where we may refuse it fails without us", async () => {
    const { stdout } = await server.kubectl([
      "get",
      "mutatingwebhookconfigurations,validatingwebhookconfigurations",
      "-o",
      "json",
    ]);
    interface Webhook {
      readonly name: string;
      readonly failurePolicy: string;
      readonly rules: readonly { apiGroups: string[]; operations: string[] }[];
    }
    const { items } = JSON.parse(stdout) as { items: { webhooks: Webhook[] }[] };
    const webhooks = items.flatMap(({ webhooks: some }) => some);
    expect(webhooks.length).toBeGreaterThan(12);
    for (const { name, rules, failurePolicy } of webhooks) {
      expect(rules.flatMap(rule => rule.apiGroups)).toEqual(["metallb.io"]);
      const deletes = rules.some(rule => rule.operations.includes("DELETE"));
      const mayPass = deletes && !name.startsWith("bfdprofile");
      expect(failurePolicy).toBe(mayPass ? "Ignore" : "Fail");
    }
  });

  it("does not touch Services", async () => {
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "untouched", namespace: "default" },
      spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
    };
    await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
    const { stdout } = await server.kubectl(["get", "service", "untouched", "-o", "json"]);
    const { metadata } = JSON.parse(stdout) as { metadata: { annotations?: unknown } };
    expect(metadata.annotations).toBeUndefined();
  });
});

describe("the process", () => {
  it("serves metrics of its reviews on a port of its own", async () => {
    const text = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
    expect(text).toMatch(
      /herald_admission_reviews_total\{kind="IPAddressPool",[^}]*"refused"\} \d/,
    );
  });

  it("speaks TLS 1.3 and nothing older", async () => {
    const handshake = (maxVersion: "TLSv1.2" | "TLSv1.3") =>
      new Promise<string | null>(resolve => {
        const options = { port: ports.webhook, host: "127.0.0.1", rejectUnauthorized: false };
        const socket = connect({ ...options, maxVersion }, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.on("error", () => resolve(null));
      });
    expect(await handshake("TLSv1.3")).toBe("TLSv1.3");
    expect(await handshake("TLSv1.2")).toBeNull();
  });

  it("leaves certificate and token as they are when it is installed again", async () => {
    const which = ["get", "secret", WEBHOOK_SECRET, "-n", NAMESPACE, "-o", "jsonpath={.data}"];
    const before = (await server.kubectl(which)).stdout;
    const admissionUrl = `https://127.0.0.1:${ports.webhook}`;
    await install({ kubectl: server.kubectl.bind(server), admissionUrl });
    expect((await server.kubectl(which)).stdout).toBe(before);
    expect((await kubectl(["create"], pool("after-install", "10.8.0.0/24"))).status).toBe(0);
  });

  it("ends with 0 within two seconds of SIGTERM, with the API server's connection open", async () => {
    await kubectl(["create"], object("BFDProfile", "kept", { receiveInterval: 100 }));
    const { code, signal, tookMs } = await admission.end("SIGTERM");
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(tookMs).toBeLessThan(2_000);
  });

  it("away, keeps BFDProfiles from being deleted, but not by the end of their namespace", async () => {
    const remove = ["delete", "bfdprofile", "kept", "-n", NAMESPACE];
    const refused = await kubectl(remove);
    expect(refused.stderr).toContain('failed calling webhook "bfdprofiledeletion');
    const asNamespace = "--as=system:serviceaccount:kube-system:namespace-controller";
    expect((await kubectl([...remove, asNamespace])).stdout).toContain("deleted");
  });

  it("away, is named by kubectl as what is missing, and other deletions still work", async () => {
    const created = await kubectl(["create"], pool("nobody", "10.10.0.0/24"));
    expect(created.status).toBe(1);
    expect(created.stderr).toContain('failed calling webhook "ipaddresspool');
    const deleted = await kubectl(["delete", "ipaddresspool", "normal", "-n", NAMESPACE]);
    expect(deleted.status).toBe(0);
  });

  it("started while the API server is away, waits for it and then serves", async () => {
    await server.kill();
    admission = startAdmission();
    await admission.until(() => admission.output.includes("waiting for"), { what: "waiting" });
    await server.restart();
    await admission.untilReady(ports.probe);
    expect((await kubectl(["create"], pool("again", "10.11.0.0/24"))).status).toBe(0);
  });
});
