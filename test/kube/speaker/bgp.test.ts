/** BGP in the speaker of one node against a real API server; in place of the BGP thread a list of what it was told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EventRecorder } from "../../../capabilities/cluster/events";
import { BgpSpeaker } from "../../../capabilities/speaker/bgp-speaker";
import { ClusterState } from "../../../capabilities/speaker/cluster-state";
import { SpeakerMetrics } from "../../../capabilities/speaker/metrics";
import type { OwnerReference, ServiceBGPStatus } from "../../../lib/config/generated/resources";
import type { BgpSessionReport } from "../../../node/bgp-protocol";
import { recordingLog, startTestCluster, until, type TestCluster } from "../cluster/support";
import { RecordingBgpThread } from "./bgp-support";

const NAMESPACE = "metallb-system";
const NODE = "node-a";
const METALLB = "/apis/metallb.io";
const PEERS = `${METALLB}/v1beta2/namespaces/${NAMESPACE}/bgppeers`;
const ADVERTISEMENTS = `${METALLB}/v1beta1/namespaces/${NAMESPACE}/bgpadvertisements`;
const STATUSES = `${METALLB}/v1beta1/namespaces/${NAMESPACE}/servicebgpstatuses`;
const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;

let cluster: TestCluster;
let thread: RecordingBgpThread;
let state: ClusterState;
let speaker: BgpSpeaker;
let metrics: SpeakerMetrics;
let events: EventRecorder;
let lines: readonly string[];
let services = 0;

beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.server.kubectl(["apply", "-f", "crds/"]);
  await cluster.server.kubectl([
    ...["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"],
  ]);
  const { client } = cluster;
  await client.post("/api/v1/namespaces", { metadata: { name: NAMESPACE } });
  await client.post("/api/v1/nodes", { metadata: { name: NODE } });
  await client.patch(`/api/v1/nodes/${NODE}/status`, {
    status: { addresses: [{ type: "InternalIP", address: "192.168.1.11" }] },
  });
  await client.post(`${METALLB}/v1beta1/namespaces/${NAMESPACE}/ipaddresspools`, {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: "first", namespace: NAMESPACE },
    spec: { addresses: ["198.51.100.0/24"] },
  });
});

afterAll(() => cluster.end());

beforeEach(async () => {
  await cluster.client.post(ADVERTISEMENTS, {
    apiVersion: "metallb.io/v1beta1",
    kind: "BGPAdvertisement",
    metadata: { name: "all", namespace: NAMESPACE },
    spec: { communities: ["64512:1"] },
  });
  await createPeer("router", {});
});

afterEach(async () => {
  state.stop();
  await speaker.stop(1_000);
  await events.stop();
  const kinds = "bgppeers,bgpadvertisements,servicebgpstatuses,secrets";
  await cluster.server.kubectl(["delete", kinds, "--all", "-n", NAMESPACE]);
  await cluster.server.kubectl(["delete", "service,endpointslice", "--all", "-n", "default"]);
});

async function startSpeaker(owner?: OwnerReference, drainMs = 0): Promise<void> {
  const { client } = cluster;
  thread = new RecordingBgpThread();
  metrics = new SpeakerMetrics({ lastContactMs: () => undefined, nowMs: () => 0 });
  const { log, lines: written } = recordingLog();
  lines = written;
  events = new EventRecorder({ client, component: "metallb-speaker", host: NODE, log });
  state = new ClusterState({
    client,
    namespace: NAMESPACE,
    log,
    onChange: change => speaker.mark(change),
  });
  speaker = new BgpSpeaker(
    {
      nodeName: NODE,
      namespace: NAMESPACE,
      options: { loadBalancerClass: "", ignoreExcludeLabel: false },
      client,
      bgp: { thread, drainMs, restartSeconds: 120, withFrrK8sNames: false },
      events,
      metrics,
      log,
      onFatal: () => undefined,
      onConfiguration: () => undefined,
    },
    state,
  );
  state.start();
  speaker.watch();
  await state.whenSynced();
  await speaker.start(Promise.resolve(owner));
}

function createPeer(name: string, spec: object): Promise<unknown> {
  return cluster.client.post(PEERS, {
    apiVersion: "metallb.io/v1beta2",
    kind: "BGPPeer",
    metadata: { name, namespace: NAMESPACE },
    spec: { myASN: 64512, peerASN: 64513, peerAddress: "192.168.1.21", ...spec },
  });
}

/** A Service as the controller leaves it, with an endpoint on the own node. Returns its name. */
async function createService(address: string, endpointNode = NODE): Promise<string> {
  services += 1;
  const name = `web-${services}`;
  const { client } = cluster;
  await client.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    metadata: { name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.5"], nodeName: endpointNode, conditions: { ready: true } }],
    ports: [],
  });
  await client.post("/api/v1/namespaces/default/services", {
    metadata: { name },
    spec: {
      type: "LoadBalancer",
      ports: [{ port: 80 }],
      allocateLoadBalancerNodePorts: false,
      externalTrafficPolicy: "Local",
    },
  });
  await client.patch(`/api/v1/namespaces/default/services/${name}/status`, {
    status: { loadBalancer: { ingress: [{ ip: address, ipMode: "VIP" }] } },
  });
  return name;
}

function untilPrefixes(session: string, wanted: readonly string[]): Promise<void> {
  return until(`${session} has ${wanted.join()}`, 5_000, () => {
    return thread.prefixes(session).join() === wanted.join();
  });
}

async function statusesOf(service: string): Promise<readonly ServiceBGPStatus[]> {
  const query = { labelSelector: `metallb.io/service-name=${service}` };
  return (await cluster.client.get<{ items: ServiceBGPStatus[] }>(STATUSES, { query })).items;
}

async function messagesAbout(namespace: string, name: string): Promise<readonly string[]> {
  await events.whenSent();
  const query = { fieldSelector: `involvedObject.name=${name}` };
  const path = `/api/v1/namespaces/${namespace}/events`;
  const { items } = await cluster.client.get<{ items: { message: string }[] }>(path, { query });
  return items.map(({ message }) => message);
}

function sessionReport(given: Partial<BgpSessionReport>): BgpSessionReport {
  const plain = { type: "session", session: "router", flaps: 0, warnings: [] } as const;
  return { ...plain, state: "Idle", words: "not started", ...given };
}

describe("what the BGP thread is told", () => {
  it("gets sessions before routes, and `synced` last", async () => {
    await createService("198.51.100.1");
    await startSpeaker();
    expect(thread.commands.map(({ type }) => type)).toEqual(["sessions", "routes", "synced"]);
    expect(thread.sessions).toEqual([
      {
        name: "router",
        target: { type: "address", address: "192.168.1.21" },
        port: 179,
        configuration: {
          localAs: 64512,
          expectedAs: { type: "exactly", as: 64513 },
          bgpIdentifier: 0xc0a8_010b,
          holdTimeSeconds: 90,
          keepaliveSeconds: 30,
          families: ["ipv4-unicast"],
          offersExtendedNextHop: false,
          offersExtendedMessages: false,
        },
        isMultihop: false,
      },
    ]);
    expect(thread.routes.get("router")).toEqual(
      new Map([["198.51.100.1/32", { communities: [0xfc00_0001], largeCommunities: [] }]]),
    );
    expect(speaker.whyNotReady()).toBeUndefined();
  });

  it("gets the change of one Service and nothing else", async () => {
    await createService("198.51.100.1");
    await startSpeaker();
    const before = thread.commands.length;
    const name = await createService("198.51.100.2");
    await untilPrefixes("router", ["198.51.100.1/32", "198.51.100.2/32"]);
    await cluster.client.delete(`/api/v1/namespaces/default/services/${name}`);
    await untilPrefixes("router", ["198.51.100.1/32"]);
    const later = thread.commands.slice(before);
    expect(later.map(({ type }) => type)).toEqual(["routes", "routes"]);
    expect(later.at(-1)).toMatchObject({
      changes: [{ session: "router", withdrawn: ["198.51.100.2/32"], announced: [] }],
    });
  });

  it("gets a new session with its whole table, and none that selects other nodes", async () => {
    await createService("198.51.100.1");
    await startSpeaker();
    const elsewhere = { nodeSelectors: [{ matchLabels: { rack: "2" } }] };
    await createPeer("elsewhere", { peerAddress: "192.168.1.23", ...elsewhere });
    await createPeer("second", { peerAddress: "192.168.1.22" });
    await untilPrefixes("second", ["198.51.100.1/32"]);
    expect(thread.sessions.map(({ name }) => name)).toEqual(["router", "second"]);
    // Without it the session would hold its table back for 30 s.
    expect(thread.commands.at(-1)).toEqual({ type: "synced" });
    await cluster.client.patch(`/api/v1/nodes/${NODE}`, { metadata: { labels: { rack: "2" } } });
    await untilPrefixes("elsewhere", ["198.51.100.1/32"]);
    await cluster.client.patch(`/api/v1/nodes/${NODE}`, { metadata: { labels: { rack: null } } });
    await until("the session is gone", 5_000, () => thread.sessions.length === 2);
  });

  it("does not announce a Service of policy Local whose endpoints are elsewhere", async () => {
    await createService("198.51.100.1", "node-b");
    await createService("198.51.100.2");
    await startSpeaker();
    expect(thread.prefixes("router")).toEqual(["198.51.100.2/32"]);
  });

  it("asks peers to prefer others and then withdraws when the node is excluded", async () => {
    await createService("198.51.100.1");
    await startSpeaker(undefined, 300);
    const label = "node.kubernetes.io/exclude-from-external-load-balancers";
    const setLabel = (value: "" | null): Promise<unknown> =>
      cluster.client.patch(`/api/v1/nodes/${NODE}`, { metadata: { labels: { [label]: value } } });
    await setLabel("");
    const leaving = { localPreference: 0, communities: [0xfc00_0001, 0xffff_0000] };
    await until("the peers are asked", 5_000, () => {
      const route = thread.routes.get("router")?.get("198.51.100.1/32");
      return JSON.stringify(route) === JSON.stringify({ ...route, ...leaving });
    });
    await untilPrefixes("router", []);
    await setLabel(null);
    await untilPrefixes("router", ["198.51.100.1/32"]);
    expect(thread.routes.get("router")?.get("198.51.100.1/32")).toEqual({
      communities: [0xfc00_0001],
      largeCommunities: [],
    });
  });
});

describe("a password in a Secret", () => {
  const secret = (password: string) => ({
    metadata: { name: "router-password", namespace: NAMESPACE },
    type: "kubernetes.io/basic-auth",
    stringData: { password },
  });

  it("is waited for with an event, and kept while the Secret is away", async () => {
    await createService("198.51.100.1");
    await createPeer("locked", {
      peerAddress: "192.168.1.22",
      passwordSecret: { name: "router-password" },
    });
    await startSpeaker();
    expect(thread.sessions.map(({ name }) => name)).toEqual(["router"]);
    await cluster.client.post(SECRETS, secret("canary-8h2k"));
    await untilPrefixes("locked", ["198.51.100.1/32"]);
    expect(thread.sessions[0]).toMatchObject({ name: "locked", password: "canary-8h2k" });
    expect(await messagesAbout(NAMESPACE, "locked")).toEqual([
      'no BGP session from node "node-a" yet: the namespace metallb-system has no Secret router-password of type ' +
        "kubernetes.io/basic-auth with a key password",
    ]);
    await cluster.client.delete(`${SECRETS}/router-password`);
    await createPeer("third", { peerAddress: "192.168.1.23" });
    await until("the third session", 5_000, () => thread.sessions.length === 3);
    expect(thread.sessions[0]).toMatchObject({ name: "locked", password: "canary-8h2k" });
    await cluster.client.post(SECRETS, secret("canary-9x3m"));
    await until("the new password", 5_000, () => thread.sessions[0]?.password === "canary-9x3m");
    expect(lines.join("\n")).not.toContain("canary");
  });
});

describe("ServiceBGPStatus", () => {
  it("names the peers, sorted, and goes with the last route", async () => {
    await createPeer("a-second", { peerAddress: "192.168.1.22" });
    const name = await createService("198.51.100.1");
    const owner = { apiVersion: "v1", kind: "Pod", name: "speaker-x", uid: "u-1" };
    await startSpeaker(owner);
    let found: readonly ServiceBGPStatus[] = [];
    await until("the status", 5_000, async () => {
      found = await statusesOf(name);
      return found[0]?.status?.node === NODE;
    });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      metadata: {
        generateName: "bgp-",
        labels: {
          "metallb.io/node": NODE,
          "metallb.io/service-name": name,
          "metallb.io/service-namespace": "default",
        },
        ownerReferences: [owner],
      },
      status: {
        node: NODE,
        serviceName: name,
        serviceNamespace: "default",
        peers: ["a-second", "router"],
      },
    });
    await cluster.client.delete(`${PEERS}/a-second`);
    await until("one peer is left", 5_000, async () => {
      return (await statusesOf(name))[0]?.status?.peers?.join() === "router";
    });
    await cluster.client.delete(`${PEERS}/router`);
    await until("no status", 5_000, async () => (await statusesOf(name)).length === 0);
  });
});

describe("events and metrics", () => {
  it("say once that the node announces the Service", async () => {
    const name = await createService("198.51.100.1");
    await startSpeaker();
    await createService("198.51.100.2");
    await untilPrefixes("router", ["198.51.100.1/32", "198.51.100.2/32"]);
    expect(await messagesAbout("default", name)).toEqual([
      'announcing from node "node-a" with protocol "bgp"',
    ]);
    const text = await metrics.registry.metrics();
    expect(text).toContain(
      `metallb_speaker_announced{service="default/${name}",protocol="bgp",node="node-a",ip="198.51.100.1"} 1`,
    );
  });

  it("say when a session is up, why it went down, and why it does not come back", async () => {
    await startSpeaker();
    thread.report(sessionReport({}));
    thread.report(sessionReport({ state: "Connect", words: "started" }));
    thread.report(sessionReport({ state: "Established", words: "KEEPALIVE received" }));
    const up = 'metallb_bgp_session_up{peer="192.168.1.21:179",vrf="default"}';
    expect(await metrics.registry.metrics()).toContain(`${up} 1`);
    thread.report(sessionReport({ state: "Idle", words: "hold timer expired", flaps: 1 }));
    expect(await metrics.registry.metrics()).toContain(`${up} 0`);
    for (const words of ["connection refused", "connection refused", "no answer"]) {
      thread.report(sessionReport({ state: "Connect", words: "retry", flaps: 1 }));
      thread.report(sessionReport({ state: "Active", words, flaps: 1 }));
    }
    const about = 'BGP session from node "node-a"';
    expect([...(await messagesAbout(NAMESPACE, "router"))].sort()).toEqual([
      `${about} does not come up: connection refused`,
      `${about} does not come up: no answer`,
      `${about} is down: hold timer expired`,
      `${about} is up`,
    ]);
    await cluster.client.delete(`${PEERS}/router`);
    await until("its series are gone", 5_000, async () => {
      return !(await metrics.registry.metrics()).includes(up);
    });
  });
});

describe("the end of the speaker", () => {
  it("leaves so that peers keep the routes, and takes its statuses away", async () => {
    const name = await createService("198.51.100.1");
    await startSpeaker();
    await until("the status", 5_000, async () => (await statusesOf(name)).length === 1);
    await speaker.stop(1_000);
    expect(thread.left).toMatchObject({ reason: "restart" });
    expect(await statusesOf(name)).toEqual([]);
  });

  it("drains when the machine shuts down", async () => {
    await createService("198.51.100.1");
    await startSpeaker(undefined, 100);
    const ready = (message: string) => ({
      status: {
        conditions: [{ type: "Ready", status: "False", reason: "KubeletNotReady", message }],
      },
    });
    const path = `/api/v1/nodes/${NODE}/status`;
    await cluster.client.patch(path, ready("node is shutting down"));
    await untilPrefixes("router", []);
    await speaker.stop(1_000);
    expect(thread.left).toMatchObject({ reason: "drain", drainMs: 100 });
    await cluster.client.patch(path, ready("starting"));
  });
});
