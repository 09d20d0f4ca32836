/** The speaker of one node against a real API server; in place of the packet thread a list of what it was told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EventRecorder } from "../../../capabilities/cluster/events";
import { SpeakerMetrics } from "../../../capabilities/speaker/metrics";
import { Speaker } from "../../../capabilities/speaker/speaker";
import type { OwnerReference, ServiceL2Status } from "../../../lib/config/generated/resources";
import { DEFAULT_CONFLICT_SETTINGS } from "../../../lib/net/address-conflict";
import { recordingLog, startTestCluster, until, type TestCluster } from "../cluster/support";
import { noneWhileBusy, type EventObject } from "./answers";
import { RecordingThread } from "./recording-thread";

const NAMESPACE = "metallb-system";
const NODE = "node-a";
const METALLB = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}`;
const STATUSES = `${METALLB}/servicel2statuses`;

let cluster: TestCluster;
let thread: RecordingThread;
let speaker: Speaker;
let metrics: SpeakerMetrics;
let events: EventRecorder;
let lines: readonly string[];
let services = 0;

beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.server.kubectl(["apply", "-f", "crds/"]);
  await cluster.server.kubectl([
    "wait",
    "--for=condition=Established",
    "--timeout=30s",
    "crd",
    "--all",
  ]);
  const { client } = cluster;
  await client.post("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  for (const [index, name] of [NODE, "node-b"].entries()) {
    await client.post("/api/v1/nodes", { metadata: { name } });
    await client.patch(`/api/v1/nodes/${name}/status`, {
      status: { addresses: [{ type: "InternalIP", address: `192.168.1.${11 + index}` }] },
    });
  }
  await client.post(`${METALLB}/ipaddresspools`, {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: "first", namespace: NAMESPACE },
    spec: { addresses: ["192.168.1.240/28"] },
  });
  await client.post(`${METALLB}/l2advertisements`, {
    apiVersion: "metallb.io/v1beta1",
    kind: "L2Advertisement",
    metadata: { name: "all", namespace: NAMESPACE },
  });
});

afterAll(() => cluster.end());

function startSpeaker(owner?: OwnerReference): Promise<void> {
  const { client } = cluster;
  thread = new RecordingThread();
  metrics = new SpeakerMetrics({ lastContactMs: () => undefined, nowMs: () => 0 });
  const { log, lines: written } = recordingLog();
  lines = written;
  events = new EventRecorder({ client, component: "metallb-speaker", host: NODE, log });
  speaker = new Speaker({
    nodeName: NODE,
    namespace: NAMESPACE,
    options: { loadBalancerClass: "", ignoreExcludeLabel: false },
    heartbeat: { port: 7946, bindAddresses: [], secret: undefined },
    liveness: { restartHoldMs: 0 },
    conflicts: DEFAULT_CONFLICT_SETTINGS,
    client,
    thread,
    events,
    findOwner: () => Promise.resolve(owner),
    metrics,
    log,
    onFatal: () => undefined,
  });
  thread.report({ type: "started" });
  return speaker.start(["^veth.*"]);
}

beforeEach(() => startSpeaker());

afterEach(async () => {
  await speaker.stop();
  await events.stop();
  await cluster.server.kubectl(["delete", "service,endpointslice", "--all", "-n", "default"]);
});

/** A Service as the controller leaves it, with an endpoint on the own node. Returns its name. */
async function createService(address: string): Promise<string> {
  services += 1;
  const name = `web-${services}`;
  const { client } = cluster;
  await client.post("/api/v1/namespaces/default/services", {
    metadata: { name },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }], allocateLoadBalancerNodePorts: false },
  });
  await client.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.5"], nodeName: NODE, conditions: { ready: true } }],
    ports: [],
  });
  await client.patch(`/api/v1/namespaces/default/services/${name}/status`, {
    status: { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } },
  });
  await until(`${address} is planned`, 5_000, () => thread.addresses.includes(address));
  return name;
}

async function statusesOf(service: string): Promise<readonly ServiceL2Status[]> {
  const query = { labelSelector: `metallb.io/service-name=${service}` };
  const list = await cluster.client.get<{ items: ServiceL2Status[] }>(STATUSES, { query });
  return list.items;
}

async function untilStatuses(
  service: string,
  holds: (statuses: readonly ServiceL2Status[]) => boolean,
): Promise<readonly ServiceL2Status[]> {
  let found: readonly ServiceL2Status[] = [];
  await until(`statuses of ${service}`, 5_000, async () => {
    found = await statusesOf(service).catch(noneWhileBusy);
    return holds(found);
  });
  return found;
}

/** A status object as a process that crashed left it, of this node unless another is named. Returns its name. */
async function leaveStatus(
  service: string,
  owner?: OwnerReference,
  node: string = NODE,
): Promise<string> {
  const created = await cluster.client.post<ServiceL2Status>(STATUSES, {
    apiVersion: "metallb.io/v1beta1",
    kind: "ServiceL2Status",
    metadata: {
      generateName: "l2-",
      labels: {
        "metallb.io/node": node,
        "metallb.io/service-name": service,
        "metallb.io/service-namespace": "default",
      },
      ...(owner && { ownerReferences: [owner] }),
    },
  });
  return created.metadata.name ?? "";
}

const isWritten = (statuses: readonly ServiceL2Status[]): boolean =>
  statuses.length === 1 && statuses[0]!.status?.node === NODE;

async function eventsOf(service: string): Promise<readonly EventObject[]> {
  await events.whenSent();
  const query = { fieldSelector: `involvedObject.name=${service}` };
  const path = "/api/v1/namespaces/default/events";
  return (await cluster.client.get<{ items: EventObject[] }>(path, { query })).items;
}

describe("what the packet thread is told", () => {
  it("gets the heartbeats' peers before anything to announce", () => {
    expect(thread.commands.map(command => command.type)).toEqual(["configure", "announce"]);
    expect(thread.configured).toEqual({
      type: "configure",
      nodeName: NODE,
      heartbeat: {
        port: 7946,
        bindAddresses: ["192.168.1.11"],
        peers: [{ nodeName: "node-b", addresses: ["192.168.1.12"] }],
        namespace: NAMESPACE,
      },
      excludedInterfaces: ["^veth.*"],
      conflicts: DEFAULT_CONFLICT_SETTINGS,
      restartHoldMs: 0,
    });
    expect(speaker.whyNotReady()).toBeUndefined();
  });

  it("gets the address of a Service with its candidates in election order", async () => {
    await createService("192.168.1.240");
    expect(thread.announced?.entries).toEqual([
      { address: "192.168.1.240", interfaces: "all", candidates: ["node-a", "node-b"] },
    ]);
  });

  it("learns of a new Node and of one that is excluded from load balancing", async () => {
    await createService("192.168.1.240");
    const { client } = cluster;
    await client.post("/api/v1/nodes", { metadata: { name: "node-c" } });
    await client.patch("/api/v1/nodes/node-c/status", {
      status: { addresses: [{ type: "InternalIP", address: "192.168.1.13" }] },
    });
    await until("node-c is a peer", 5_000, () =>
      Boolean(thread.configured?.heartbeat.peers.some(peer => peer.nodeName === "node-c")),
    );
    await until("node-c is a candidate", 5_000, () =>
      Boolean(thread.announced?.entries[0]?.candidates.includes("node-c")),
    );
    await client.patch("/api/v1/nodes/node-c", {
      metadata: { labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } },
    });
    await until("node-c is no candidate", 5_000, () =>
      Boolean(thread.announced?.entries[0]?.candidates.every(name => name !== "node-c")),
    );
    await client.delete("/api/v1/nodes/node-c");
    await until("node-c is no peer", 5_000, () => thread.configured?.heartbeat.peers.length === 1);
  });

  it("is told to withdraw when the last endpoint goes", async () => {
    const name = await createService("192.168.1.240");
    const path = `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/${name}`;
    await cluster.client.patch(path, {
      endpoints: [{ addresses: ["10.244.0.5"], nodeName: NODE, conditions: { ready: false } }],
    });
    await until("nothing is announced", 5_000, () => thread.addresses.length === 0);
  });
});

describe("what is said about an announced Service", () => {
  it("writes one ServiceL2Status, with MetalLB's labels and without interfaces for all", async () => {
    const name = await createService("192.168.1.241");
    thread.own("192.168.1.241");
    const [status] = await untilStatuses(name, isWritten);
    expect(status?.metadata.name).toMatch(/^l2-/);
    expect(status?.metadata.labels).toEqual({
      "metallb.io/node": NODE,
      "metallb.io/service-name": name,
      "metallb.io/service-namespace": "default",
    });
    expect(status?.status).toEqual({ node: NODE, serviceName: name, serviceNamespace: "default" });
  });

  it("removes what another node left behind, and its own when it loses", async () => {
    const name = await createService("192.168.1.242");
    await leaveStatus(name, undefined, "node-b");
    thread.own("192.168.1.242");
    await untilStatuses(name, isWritten);
    thread.lose("192.168.1.242", "node-b");
    await untilStatuses(name, statuses => statuses.length === 0);
  });

  it("writes its status again when somebody deletes it", async () => {
    const name = await createService("192.168.1.243");
    thread.own("192.168.1.243");
    const [first] = await untilStatuses(name, isWritten);
    await cluster.client.delete(`${STATUSES}/${first?.metadata.name ?? ""}`);
    const [second] = await untilStatuses(name, isWritten);
    expect(second?.metadata.name).not.toBe(first?.metadata.name);
  });

  it("records nodeAssigned once, however often the Service is looked at", async () => {
    const name = await createService("192.168.1.244");
    thread.own("192.168.1.244");
    thread.own("192.168.1.244");
    const path = `/api/v1/namespaces/default/services/${name}`;
    await cluster.client.patch(path, { metadata: { labels: { touched: "yes" } } });
    await untilStatuses(name, isWritten);
    const service = await cluster.client.get<{ metadata: { uid: string } }>(path);
    expect(await eventsOf(name)).toMatchObject([
      {
        type: "Normal",
        reason: "nodeAssigned",
        message: 'announcing from node "node-a" with protocol "layer2"',
        count: 1,
        involvedObject: { uid: service.metadata.uid },
        source: { component: "metallb-speaker" },
      },
    ]);
  });

  it("warns with announceFailed when the elected node lacks the interfaces", async () => {
    const name = await createService("192.168.1.245");
    thread.own("192.168.1.245", []);
    expect(await eventsOf(name)).toMatchObject([{ type: "Warning", reason: "announceFailed" }]);
    expect(await statusesOf(name)).toEqual([]);
    expect(await metrics.registry.metrics()).not.toContain("192.168.1.245");
  });

  it("names a foreign host that has the address: event, condition, metrics; and says when it is over", async () => {
    const name = await createService("192.168.1.249");
    const stranger = {
      type: "conflict",
      address: "192.168.1.249",
      mac: "02:00:00:00:00:66",
      interfaceName: "eth0",
      defences: 0,
    } as const;
    thread.report({ ...stranger, state: "withheld", claims: 3, retryInMs: 60_000 });
    thread.report({ ...stranger, state: "withheld", claims: 2, retryInMs: 59_000 });
    const message =
      '192.168.1.249 is used by 02:00:00:00:00:66, which is no node of the cluster, on eth0 of node "node-a": ' +
      "it is not announced, and asked for again in 60 s; take the address from that host, or give the Service another one";
    expect(await eventsOf(name)).toMatchObject([
      { type: "Warning", reason: "AddressConflict", message, count: 1 },
    ]);
    const [withheld] = await untilStatuses(name, isWritten);
    expect(withheld?.status?.conditions).toMatchObject([
      { type: "AddressConflict", status: "True", reason: "Withheld", message },
    ]);
    const series = '{ip="192.168.1.249",mac="02:00:00:00:00:66"}';
    expect(await metrics.registry.metrics()).toContain(`herald_layer2_conflicts_total${series} 5`);
    thread.report({ ...stranger, state: "over", claims: 0 });
    thread.own("192.168.1.249");
    const [free] = await untilStatuses(
      name,
      statuses => isWritten(statuses) && statuses[0]?.status?.conditions === undefined,
    );
    expect(free?.status?.interfaces).toBeUndefined();
    expect((await eventsOf(name)).map(({ reason }) => reason)).toContain("AddressConflictOver");
  });

  it("logs who announces what and why, and shows it in the metrics", async () => {
    const name = await createService("192.168.1.246");
    thread.own("192.168.1.246");
    const logged = lines.map(line => JSON.parse(line) as Record<string, unknown>);
    expect(logged).toContainEqual(
      expect.objectContaining({
        event: "serviceAnnounced",
        service: `default/${name}`,
        ip: "192.168.1.246",
        protocol: "layer2",
        node: NODE,
        interfaces: ["eth0"],
        candidates: 2,
      }),
    );
    const series = `{service="default/${name}",protocol="layer2",node="node-a",ip="192.168.1.246"}`;
    expect(await metrics.registry.metrics()).toContain(`metallb_speaker_announced${series} 1`);
    await cluster.client.delete(`/api/v1/namespaces/default/services/${name}`);
    await until("withdrawn", 5_000, () =>
      lines.some(line => line.includes("serviceWithdrawn") && line.includes("serviceDeleted")),
    );
    expect(await metrics.registry.metrics()).not.toContain("192.168.1.246");
  });

  it("takes its statuses away when it ends, after the packet thread was stopped", async () => {
    const name = await createService("192.168.1.247");
    thread.own("192.168.1.247");
    await untilStatuses(name, isWritten);
    const startMs = performance.now();
    await speaker.stop();
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect(thread.isStopped).toBe(true);
    expect(await statusesOf(name)).toEqual([]);
  });
});

describe("a speaker that starts again", () => {
  const owner = { apiVersion: "v1", kind: "Pod", name: "speaker-x", uid: "5ca1ab1e" };
  it("says nodeAssigned again only when no status of its node said so before", async () => {
    const name = await createService("192.168.1.250");
    thread.own("192.168.1.250");
    await untilStatuses(name, isWritten);
    expect(await eventsOf(name)).toMatchObject([{ reason: "nodeAssigned", count: 1 }]);
    // As a restart leaves it: the status stays, and belongs to the Pod before.
    await speaker.stop();
    const again = await leaveStatus(name);
    await cluster.client.patch(`${STATUSES}/${again}/status`, {
      status: { node: NODE, serviceName: name, serviceNamespace: "default" },
    });
    await startSpeaker(owner);
    thread.own("192.168.1.250");
    await untilStatuses(
      name,
      statuses => isWritten(statuses) && statuses[0]!.metadata.name !== again,
    );
    expect(await eventsOf(name)).toMatchObject([{ reason: "nodeAssigned", count: 1 }]);
    thread.lose("192.168.1.250", "node-b");
    await untilStatuses(name, statuses => statuses.length === 0);
    thread.own("192.168.1.250");
    await untilStatuses(name, isWritten);
    expect((await eventsOf(name)).map(({ count }) => count)).toEqual([1, 1]);
  });

  it("adopts the status of its own Pod and replaces that of an older one", async () => {
    const name = await createService("192.168.1.248");
    await speaker.stop();
    const orphan = await leaveStatus(name);
    const adopted = await leaveStatus(name, owner);
    await startSpeaker(owner);
    thread.own("192.168.1.248");
    const [kept] = await untilStatuses(name, isWritten);
    expect(kept?.metadata.name).toBe(adopted);
    expect(kept?.metadata.name).not.toBe(orphan);
  });

  it("removes what it does not announce any more", async () => {
    await leaveStatus("long-gone");
    await untilStatuses("long-gone", statuses => statuses.length === 0);
  });
});

describe("while the API server is away", () => {
  it("announces nothing when it starts then, and ends in order", async () => {
    const before = speaker;
    await cluster.server.kill();
    try {
      const started = startSpeaker();
      await until("refused", 10_000, () => lines.some(line => line.includes("ECONNREFUSED")));
      expect(speaker.whyNotReady()).toBe(
        "not listed yet: Services, EndpointSlices, Nodes, IPAddressPools, L2Advertisements",
      );
      await speaker.stop();
      await started;
      expect(thread.commands).toEqual([]);
    } finally {
      await before.stop();
      await cluster.server.restart();
    }
  });

  it("keeps what it announces, and writes the status when the server is back", async () => {
    const name = await createService("192.168.1.249");
    await cluster.server.kill();
    const before = thread.commands.length;
    thread.own("192.168.1.249");
    await until("announced", 1_000, () => lines.some(line => line.includes("serviceAnnounced")));
    expect(thread.commands).toHaveLength(before);
    expect(thread.addresses).toEqual(["192.168.1.249"]);
    await cluster.server.restart();
    await until("the status is written", 20_000, async () => isWritten(await statusesOf(name)));
  });
});
