/** Herald in Pods as the documents install it: by manifest, and by Helm with Lokomotive's options (cases 2.6, 4.3). */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { convertInput } from "../../../cli/convert-input";
import { formatValues } from "../../../cli/convert-yaml";
import { ensureHelm } from "../../../lab/helm/helm";
import { CHART, INSTALL_MANIFEST, World } from "../e2e/world";

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

let world: World;
beforeAll(async () => {
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

it("2.6 helm install with Lokomotive's options and --wait: Pods where its selectors say", async () => {
  const helm = await ensureHelm();
  const input = { file: "metallb.lokocfg", text: COMPONENT, from: "auto" } as const;
  const [conversion] = convertInput({ ...input, namespace: "metallb-system" });
  const values = join(world.lab.directory, "lokomotive-values.yaml");
  writeFileSync(values, formatValues(conversion?.values ?? {}));
  const labels = ["ingress_node=true", "node-role.kubernetes.io/node="];
  await world.kubectl(["label", "node", "n1", "n2", ...labels]);
  await world.command([
    ...[helm, "install", "metallb", CHART, "-n", "metallb-system", "--create-namespace"],
    ...["-f", values, "--wait", "--timeout", "100s"],
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
