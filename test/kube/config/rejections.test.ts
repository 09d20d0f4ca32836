/**
 * docs/configuration-examples.md is written by this test: what kubectl prints, word for word, with a real API server and the built
 * admission process. `npx vitest run --project kube test/kube/config/rejections -u` writes the page anew.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { accountKubeconfig, Part } from "../admission/part";

const NAMESPACE = "metallb-system";

let stateDir: string;
let server: ApiServer;
let admission: Part;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-rejections-"));
  server = await startApiServer({ stateDir });
  const [webhook = 0, metrics = 0, probe = 0] = await freePorts(3);
  const admissionUrl = `https://127.0.0.1:${webhook}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  const kubeconfig = await accountKubeconfig(server, "admission", stateDir);
  const flags = [`--webhook-port=${webhook}`, `--port=${metrics}`];
  admission = Part.start("admission", [...flags, "--health-probe-port", String(probe)], {
    KUBECONFIG: kubeconfig,
  });
  await admission.untilReady(probe);
});

afterAll(async () => {
  await admission.end("SIGKILL");
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

interface Step {
  readonly what: string;
  /** As typed; the namespace is the one of the context. */
  readonly argv: readonly string[];
  /** The manifest, when the command reads one. */
  readonly file?: string;
}

function manifest(kind: string, name: string, spec: string): string {
  const version = kind === "BGPPeer" ? "v1beta2" : "v1beta1";
  const body = spec === "" ? "" : `\nspec:\n${spec}`;
  return `apiVersion: metallb.io/${version}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  namespace: ${NAMESPACE}${body}`;
}

const pool = (name: string, ...addresses: readonly string[]): string =>
  manifest("IPAddressPool", name, `  addresses: [${addresses.join(", ")}]`);

const PEER = "  myASN: 64500\n  peerASN: 64501\n  peerAddress: 192.168.1.1";
const apply = ["apply", "-f", "-"];
const create = ["create", "-f", "-"];
const at = (...argv: string[]): string[] => [...argv, "-n", NAMESPACE];

const PREPARATION: readonly Step[] = [
  { what: "", argv: apply, file: manifest("L2Advertisement", "everything", "") },
  { what: "", argv: apply, file: pool("first", "192.168.1.240/28") },
  { what: "", argv: apply, file: manifest("BFDProfile", "fast", "  receiveInterval: 50") },
  { what: "", argv: apply, file: manifest("BGPPeer", "router", `${PEER}\n  bfdProfile: fast`) },
];

const REJECTIONS: readonly Step[] = [
  { what: "An address that is none", argv: create, file: pool("second", "192.168.1.300") },
  {
    what: "All problems at once",
    argv: create,
    file: pool("second", "192.168.2.9-192.168.2.1", "192.168.3.0/33"),
  },
  {
    what: "Two pools with one address",
    argv: apply,
    file: pool("second", "192.168.1.250-192.168.2.10"),
  },
  {
    what: "The wrong namespace",
    argv: create,
    file: pool("second", "192.168.2.0/24").replace(NAMESPACE, "default"),
  },
  {
    what: "A hold time that BGP does not allow",
    argv: create,
    file: manifest("BGPPeer", "second", `${PEER.replace("1.1", "1.2")}\n  holdTime: 2s`),
  },
  {
    what: "Address and interface together",
    argv: at("patch", "bgppeer", "router", "--type=merge", "-p", '{"spec":{"interface":"eth0"}}'),
  },
  {
    what: "An aggregate that is wider than the pool",
    argv: create,
    file: manifest("BGPAdvertisement", "wide", "  aggregationLength: 24"),
  },
  {
    what: "A community that is out of range, tried out",
    argv: ["apply", "--dry-run=server", "-f", "-"],
    file: manifest("BGPAdvertisement", "tagged", '  communities: ["65536:1"]'),
  },
  {
    what: "A selector without values",
    argv: create,
    file: manifest(
      "L2Advertisement",
      "racks",
      "  nodeSelectors:\n  - matchExpressions:\n    - {key: rack, operator: In}",
    ),
  },
  {
    what: "A profile that is in use",
    argv: at("delete", "bfdprofile", "fast"),
  },
];

const WARNINGS: readonly Step[] = [
  {
    what: "A pool that does not exist",
    argv: create,
    file: manifest("L2Advertisement", "misspelt", "  ipAddressPools: [frist]"),
  },
  {
    what: "A profile that is still to come",
    argv: create,
    file: manifest("BGPPeer", "third", `${PEER.replace("1.1", "1.3")}\n  bfdProfile: later`),
  },
  {
    what: "Two peers that are one session",
    argv: create,
    file: manifest("BGPPeer", "twin", PEER),
  },
  {
    what: "A pool that nobody announces any more",
    argv: at("delete", "l2advertisement", "everything"),
  },
  {
    what: "Addresses that Services hold",
    argv: at("delete", "ipaddresspool", "first"),
  },
];

async function holdAddress(): Promise<void> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "default" },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  };
  await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
  const status = JSON.stringify({
    status: { loadBalancer: { ingress: [{ ip: "192.168.1.240" }] } },
  });
  const patch = ["patch", "service", "web", "--subresource=status", "--type=merge", "-p", status];
  await server.kubectl(patch);
}

interface Printed {
  readonly step: Step;
  readonly status: number | null;
  readonly output: string;
}

/** One line after the other: each command is run on what the ones before have left. */
async function run(steps: readonly Step[]): Promise<readonly Printed[]> {
  const printed: Printed[] = [];
  for (const step of steps) {
    const input = step.file === undefined ? {} : { input: step.file };
    const { status, stdout, stderr } = await server.kubectl(step.argv, { check: false, ...input });
    printed.push({ step, status, output: `${stderr}${stdout}`.trim() });
  }
  return printed;
}

function section({ step, output }: Printed): string {
  const quoted = step.argv.map(word => (/[{" ]/.test(word) ? `'${word}'` : word)).join(" ");
  const command = step.file === undefined ? quoted : `${quoted} <<EOF\n${step.file}\nEOF`;
  return `### ${step.what}\n\n\`\`\`console\n$ kubectl ${command}\n${output}\n\`\`\`\n`;
}

it("is what kubectl prints", async () => {
  const prepared = await run(PREPARATION);
  expect(prepared.filter(({ status }) => status !== 0)).toEqual([]);
  await holdAddress();
  const rejections = await run(REJECTIONS);
  expect(rejections.filter(({ status }) => status === 0)).toEqual([]);
  const warnings = await run(WARNINGS);
  expect(warnings.filter(({ status }) => status !== 0)).toEqual([]);
  expect(warnings.filter(({ output }) => !output.startsWith("Warning: "))).toEqual([]);
  const page = [
    "# What kubectl prints",
    "",
    "Written by `test/kube/config/rejections.test.ts` from a real API server; do not edit. A pool `first` (192.168.1.240/28), an",
    "L2Advertisement of all pools, a BFDProfile `fast`, a BGPPeer `router` that uses it and a Service with an address of the pool are there.",
    "",
    "## Refused",
    "",
    ...rejections.map(section),
    "## Stored, with a warning",
    "",
    ...warnings.map(section),
  ].join("\n");
  await expect(page).toMatchFileSnapshot("../../../docs/configuration-examples.md");
});
