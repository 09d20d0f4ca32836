/** Statuses of nodes without a speaker, against a real API server. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { StatusCleanup } from "../../../capabilities/controller/status-cleanup";
import { recordingLog, startTestCluster, type TestCluster } from "../cluster/support";

const NAMESPACE = "metallb-system";
const METALLB = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}`;

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  const { client, server } = cluster;
  await server.kubectl(["apply", "-f", "crds/"]);
  await server.kubectl([
    ...["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"],
  ]);
  await client.post("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
});

afterAll(() => cluster.end());

async function createStatus(kind: string, plural: string, node: string): Promise<void> {
  await cluster.client.post(`${METALLB}/${plural}`, {
    apiVersion: "metallb.io/v1beta1",
    kind,
    metadata: { generateName: "s-", labels: { "metallb.io/node": node } },
  });
}

async function nodesOf(plural: string): Promise<readonly string[]> {
  const list = await cluster.client.get<{
    items: { metadata: { labels: Record<string, string> } }[];
  }>(`${METALLB}/${plural}`);
  return list.items.map(({ metadata }) => metadata.labels["metallb.io/node"] ?? "").sort();
}

it("go when two looks in a row found no speaker on the node, and never while there is none at all", async () => {
  const { client } = cluster;
  for (const node of ["node-a", "node-b"]) {
    await createStatus("ServiceL2Status", "servicel2statuses", node);
    await createStatus("ServiceBGPStatus", "servicebgpstatuses", node);
  }
  const cleanup = new StatusCleanup({ client, namespace: NAMESPACE, log: recordingLog().log });
  await cleanup.look();
  await cleanup.look();
  expect(await nodesOf("servicel2statuses")).toEqual(["node-a", "node-b"]);
  await client.post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, {
    metadata: { name: "default" },
  });
  await client.post(`/api/v1/namespaces/${NAMESPACE}/pods`, {
    metadata: { name: "speaker-x", labels: { component: "speaker" } },
    spec: { nodeName: "node-a", containers: [{ name: "speaker", image: "herald" }] },
  });
  await cleanup.look();
  expect(await nodesOf("servicel2statuses")).toEqual(["node-a", "node-b"]);
  await cleanup.look();
  expect(await nodesOf("servicel2statuses")).toEqual(["node-a"]);
  expect(await nodesOf("servicebgpstatuses")).toEqual(["node-a"]);
});
