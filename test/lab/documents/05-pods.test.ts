/**
 * Herald in Pods as the documents install and remove it: by manifest (4.3), by Helm without a namespace (3.2), with the values of an
 * old chart (5.16), with Lokomotive's options (2.6); and the end of its namespace with everything in it (2.11).
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { convertInput } from "../../../cli/convert-input";
import { formatValues } from "../../../cli/convert-yaml";
import { ensureHelm } from "../../../lab/helm/helm";
import { poll } from "../../../lab/run";
import { CHART, INSTALL_MANIFEST, World } from "../e2e/world";
import { plainService } from "./support";

const COMPONENT = `component "metallb" {
  address_pools = {
    pool1 = ["147.63.8.20/32"]
    pool2 = ["147.85.47.16/29", "147.85.47.24/29"]
  }
  controller_node_selectors = { "kubernetes.io/hostname" = "n3" }
  speaker_node_selectors = {
    "ingress_node" = "true"
    "node-role.kubernetes.io/node" = ""
  }
  speaker_toleration {
    key      = "nodepool"
    operator = "Equal"
    value    = "ingress"
  }
}
`;

/** The ConfigMap of Konvoy's document, as values of a chart of 0.10 to 0.12. */
const CONFIG_INLINE = `configInline:
  address-pools:
  - name: default
    protocol: layer2
    addresses:
    - 192.168.1.240-192.168.1.250
`;

/** A pool of the Dutch article, in a namespace. */
const FIRST_POOL = (namespace: string): string => `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata:
  name: first-pool
  namespace: ${namespace}
spec:
  addresses:
  - 192.168.10.0/24
  - 192.168.9.1-192.168.9.5
  - fc00:f853:0ccd:e799::/124
`;

/** A peer and the BFDProfile that it uses: the profile cannot be deleted, but with its namespace. */
const PEER = `
apiVersion: metallb.io/v1beta1
kind: BFDProfile
metadata: {name: fast, namespace: metallb-system}
spec: {receiveInterval: 100}
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: {name: r1, namespace: metallb-system}
spec: {myASN: 64500, peerASN: 64501, peerAddress: 192.168.1.3, bfdProfile: fast}
`;

const WAIT = ["--wait", "--timeout", "100s"];

let world: World;
let helm: string;
beforeAll(async () => {
  helm = await ensureHelm();
  world = await World.up("doc5");
});
afterAll(() => world.down());

interface Pod {
  readonly name: string;
  readonly node: string;
  readonly isReady: boolean;
}

async function pods(): Promise<readonly Pod[]> {
  const { stdout } = await world.kubectl(["get", "pods", "-n", "metallb-system", "-o", "json"]);
  const { items } = JSON.parse(stdout) as {
    items: readonly {
      metadata: { name: string };
      spec: { nodeName: string };
      status: { phase: string; containerStatuses?: readonly { ready: boolean }[] };
    }[];
  };
  return items.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    node: spec.nodeName,
    isReady:
      status.phase === "Running" && status.containerStatuses?.every(({ ready }) => ready) === true,
  }));
}

it("4.3 kubectl get pods: one controller, and one speaker on every node", async () => {
  expect((await world.kubectl(["apply", "-f", INSTALL_MANIFEST])).status).toBe(0);
  for (const workload of ["deploy/controller", "daemonset/speaker"]) {
    const wait = ["rollout", "status", workload, "-n", "metallb-system", "--timeout=90s"];
    expect((await world.kubectl(wait)).stderr).toBe("");
  }
  const found = await pods();
  const ready = (name: RegExp): readonly string[] =>
    found.filter(pod => name.test(pod.name) && pod.isReady).map(({ node }) => node);
  expect(ready(/^controller-/)).toHaveLength(1);
  expect([...ready(/^speaker-/)].sort()).toEqual([...world.lab.nodes].sort());
  expect((await world.kubectl(["delete", "-f", INSTALL_MANIFEST])).status).toBe(0);
});

function writeValues(text: string): string {
  const path = join(world.lab.directory, "values.yaml");
  writeFileSync(path, text);
  return path;
}

/** Names and specs of the objects of a kind. */
async function specs(kind: string, namespace: string): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await world.kubectl(["get", kind, "-n", namespace, "-o", "json"]);
  const { items } = JSON.parse(stdout) as {
    items: readonly { metadata: { name: string }; spec: unknown }[];
  };
  return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, spec]));
}

it("3.2 helm install without a namespace: everything is in default, and pools too", async () => {
  const empty = writeValues("");
  await world.command([helm, "install", "metallb", CHART, "-f", empty, ...WAIT]);
  await world.kubectl(["create", "namespace", "metallb-system"]);
  const refused = await world.kubectl(["apply", "-f", "-"], FIRST_POOL("metallb-system"));
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('Create the object in the namespace "default". (V-W1)');
  expect((await world.kubectl(["apply", "-f", "-"], FIRST_POOL("default"))).status).toBe(0);

  const debug = writeValues("controller:\n  logLevel: debug\n");
  await world.command([helm, "upgrade", "metallb", CHART, "-f", debug]);
  const path = "jsonpath={.spec.template.spec.containers[0].args}";
  const where = ["deployment", "metallb-controller", "-n", "default"];
  const { stdout } = await world.kubectl(["get", ...where, "-o", path]);
  expect(stdout).toContain("--log-level=debug");
  expect(Object.keys(await specs("ipaddresspools", "default"))).toEqual(["first-pool"]);
  await world.command([helm, "uninstall", "metallb", ...WAIT]);
});

it("5.16 helm install with configInline: it is in force, and the notes say that it is deprecated", async () => {
  const values = writeValues(CONFIG_INLINE);
  const { stdout } = await world.command([
    ...[helm, "install", "metallb", CHART, "-n", "metallb-system", "--create-namespace"],
    ...["-f", values, ...WAIT],
  ]);
  expect(stdout).toMatch(/configInline is .* deprecated/);
  const pools = await poll(
    async () => {
      const found = await specs("ipaddresspools", "metallb-system");
      return Object.keys(found).length > 0 ? found : undefined;
    },
    { timeoutMs: 10_000, everyMs: 100, describe: () => "no pool was made of configInline" },
  );
  expect(pools).toMatchObject({ default: { addresses: ["192.168.1.240-192.168.1.250"] } });
  expect(await specs("l2advertisements", "metallb-system")).toEqual({
    l2advertisement1: { ipAddressPools: ["default"] },
  });
  await world.command([helm, "uninstall", "metallb", "-n", "metallb-system", ...WAIT]);
});

it("2.6 helm install with Lokomotive's options and --wait: Pods where its selectors say", async () => {
  const input = { file: "metallb.lokocfg", text: COMPONENT, from: "auto" } as const;
  const [conversion] = convertInput({ ...input, namespace: "metallb-system" });
  const values = writeValues(formatValues(conversion?.values ?? {}));
  const labels = ["ingress_node=true", "node-role.kubernetes.io/node="];
  await world.kubectl(["label", "node", "n1", "n2", ...labels]);
  await world.command([
    ...[helm, "install", "metallb", CHART, "-n", "metallb-system", "--create-namespace"],
    ...["-f", values, ...WAIT],
  ]);
  const found = await pods();
  const of = (name: RegExp): readonly Pod[] => found.filter(pod => name.test(pod.name));
  expect(of(/^metallb-controller-/).map(({ node, isReady }) => [node, isReady])).toEqual([
    ["n3", true],
  ]);
  expect(
    of(/^metallb-speaker-/)
      .map(({ node, isReady }) => [node, isReady])
      .sort(),
  ).toEqual([
    ["n1", true],
    ["n2", true],
  ]);
});

it("2.11 kubectl delete namespace ends, whatever is in it, and Services stay Pending afterwards", async () => {
  expect((await world.kubectl(["apply", "-f", "-"], PEER)).status).toBe(0);
  // As long as it is used, nobody may delete the profile alone.
  const inUse = await world.kubectl(["delete", "bfdprofile", "fast", "-n", "metallb-system"]);
  expect(inUse.stderr).toContain("denied the request");
  expect(Object.keys(await specs("ipaddresspools", "metallb-system"))).toEqual(["default"]);
  const remove = ["delete", "namespace", "metallb-system", "--timeout=60s"];
  expect(await world.kubectl(remove)).toMatchObject({ status: 0, stderr: "" });
  const left = await world.kubectl(["get", "bfdprofiles,bgppeers,ipaddresspools", "-A"]);
  expect(left.stdout).not.toContain("metallb-system");
  const created = JSON.stringify(plainService("late"));
  expect((await world.kubectl(["create", "-f", "-"], created)).status).toBe(0);
  const { stdout } = await world.kubectl(["get", "service", "late", "--no-headers"]);
  expect(stdout).toContain("<pending>");
});
