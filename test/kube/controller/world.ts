/** A real API server with Herald's kinds, a controller in this process, and the few verbs that the cases need. */
import { isDeepStrictEqual } from "node:util";
import { Controller } from "../../../capabilities/controller/controller";
import { ownIdentity } from "../../../capabilities/controller/leadership";
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { isNotFound } from "../../../capabilities/cluster/api-error";
import type { ApiServerOptions } from "../../../lab/api-server";
import type { IPAddressPoolStatus } from "../../../lib/config/generated/resources";
import type { PoolOptions } from "../../support/services";
import { quietLog, startTestCluster, until, type TestCluster } from "../cluster/support";

export const NAMESPACE = "metallb-system";
export const ALLOCATED_FROM = "metallb.io/ip-allocated-from-pool";
const NAMESPACES = [NAMESPACE, "ns1", "team", "other", "barrier"];
const POOLS = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/ipaddresspools`;

/** How long anything may take; the machine of a CI run may be busy. */
const LIMIT_MS = 15_000;

export interface StoredService {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly type: string };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
    readonly loadBalancer?: {
      readonly ingress?: readonly { ip?: string; hostname?: string; ipMode?: string }[];
    };
  };
}

export interface PoolSpec {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly autoAssign?: boolean;
  readonly avoidBuggyIPs?: boolean;
  readonly addressOrder?: PoolOptions["addressOrder"];
  readonly sharing?: PoolOptions["sharing"];
  readonly maxAddressesPerNamespace?: number;
  readonly serviceAllocation?: PoolOptions["serviceAllocation"];
}

export interface StoredPool {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status?: IPAddressPoolStatus;
}

export interface ServiceSpec {
  readonly namespace?: string;
  /** Default: one IPv4 cluster IP. */
  readonly families?: "v4" | "v6" | "dual" | "dual-v6-first";
  readonly policy?: "SingleStack" | "PreferDualStack" | "RequireDualStack";
  readonly type?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly loadBalancerIP?: string;
  readonly loadBalancerClass?: string;
  readonly externalTrafficPolicy?: string;
  readonly selector?: Readonly<Record<string, string>>;
  /** As `TCP/80`; default that. */
  readonly ports?: readonly string[];
}

export interface StoredEvent {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly source: { readonly component?: string };
  readonly involvedObject: { readonly namespace?: string };
}

export class World {
  readonly cluster: TestCluster;
  controller: Controller;
  /** Mostly 0: cases reuse names, and must not find the address of the one before. */
  private readonly reservationMs: number;
  private lbClass = "";

  private constructor(cluster: TestCluster, reservationMs: number) {
    this.cluster = cluster;
    this.reservationMs = reservationMs;
    this.controller = this.newController();
  }

  static async start(
    options: Partial<ApiServerOptions> & { readonly reservationMs?: number } = {},
  ): Promise<World> {
    const { reservationMs = 0, ...serverOptions } = options;
    const cluster = await startTestCluster(serverOptions);
    await cluster.server.kubectl(["apply", "-f", "crds"]);
    for (const name of NAMESPACES) {
      await cluster.client.post("/api/v1/namespaces", { metadata: { name } });
    }
    const world = new World(cluster, reservationMs);
    await world.startController();
    return world;
  }

  async end(): Promise<void> {
    await this.controller.stop();
    await this.cluster.end();
  }

  get client(): ApiClient {
    return this.cluster.client;
  }

  /** Ends the controller, does something that it does not see happen, and starts another one. */
  async whileDown(
    work: () => Promise<unknown> = () => Promise.resolve(),
    options: { readonly lbClass?: string } = {},
  ): Promise<void> {
    await this.controller.stop();
    await work();
    this.lbClass = options.lbClass ?? "";
    this.controller = this.newController();
    await this.startController();
  }

  /** Removes every Service and pool. */
  async clear(): Promise<void> {
    for (const { metadata } of await this.services()) {
      await this.delete(metadata.name, metadata.namespace);
    }
    await this.load([]);
  }

  /** Makes these the pools and resolves when they are in force. */
  async load(pools: readonly PoolSpec[]): Promise<void> {
    const { items } = await this.client.get<{ items: StoredPool[] }>(POOLS);
    for (const { metadata } of items) {
      const isWanted = pools.some(pool => pool.name === metadata.name);
      if (!isWanted) await this.client.delete(`${POOLS}/${metadata.name}`);
    }
    for (const pool of pools) await this.putPool(pool);
    await this.inForce(pools);
  }

  async putPool({ name, ...spec }: PoolSpec): Promise<void> {
    await this.client.patch(
      `${POOLS}/${name}`,
      { apiVersion: "metallb.io/v1beta1", kind: "IPAddressPool", metadata: { name }, spec },
      {
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: "test", force: true },
      },
    );
  }

  pool(name: string): Promise<StoredPool> {
    return this.client.get<StoredPool>(`${POOLS}/${name}`);
  }

  /** Resolves with the status of the pool once it is as wanted. */
  async expectStatus(
    name: string,
    what: string,
    isRight: (status: IPAddressPoolStatus) => boolean,
  ): Promise<void> {
    await untilSeen(`status of pool ${name}: ${what}`, async () => {
      const { status } = await this.pool(name);
      return { isRight: status !== undefined && isRight(status), seen: status };
    });
  }

  async deletePool(name: string): Promise<void> {
    await this.client.delete(`${POOLS}/${name}`);
  }

  /** Resolves once the controller gives from exactly these pools and has planned every Service for them. */
  async inForce(pools: readonly PoolSpec[]): Promise<void> {
    const wanted = pools.map(describePool).sort();
    await until(`in force: ${wanted.join(" ")}`, LIMIT_MS, () => {
      const now = this.controller.poolsInForce?.map(pool =>
        describePool({
          name: pool.name,
          addresses: pool.entries.map(entry => entry.text),
          autoAssign: pool.autoAssign,
          avoidBuggyIPs: pool.avoidBuggyIps,
        }),
      );
      return isDeepStrictEqual(now?.sort(), wanted);
    });
    await this.barrier();
  }

  async create(name: string, spec: ServiceSpec = {}): Promise<StoredService> {
    const path = servicePath("", spec.namespace ?? "ns1");
    return this.client.post<StoredService>(path, toService(name, spec));
  }

  /** Changes the Service by a merge patch; null takes a field away. */
  async patch(name: string, body: object, namespace = "ns1"): Promise<StoredService> {
    return this.client.patch<StoredService>(servicePath(name, namespace), body);
  }

  async annotate(name: string, annotations: Record<string, string | null>): Promise<void> {
    await this.patch(name, { metadata: { annotations } });
  }

  async setStatus(name: string, ingress: readonly object[], namespace = "ns1"): Promise<void> {
    const path = `${servicePath(name, namespace)}/status`;
    await this.client.patch(path, { status: { loadBalancer: { ingress } } });
  }

  async delete(name: string, namespace = "ns1"): Promise<void> {
    await this.client.delete(servicePath(name, namespace));
  }

  get(name: string, namespace = "ns1"): Promise<StoredService> {
    return this.client.get<StoredService>(servicePath(name, namespace));
  }

  /** All Services but the API server's own and the barrier. */
  async services(): Promise<readonly StoredService[]> {
    const { items } = await this.client.get<{ items: StoredService[] }>("/api/v1/services");
    return items.filter(({ metadata }) => !["default", "barrier"].includes(metadata.namespace));
  }

  /** Resolves once the Service has these addresses and a pool annotation (`pool` if given); "-" is neither. */
  async expect(name: string, addresses: readonly string[] | "-", pool?: string): Promise<void> {
    const { namespace, bare } = splitName(name);
    const what = `${name} has ${String(addresses)} ${pool ?? ""}`;
    await untilSeen(what, async () => {
      const stored = await this.get(bare, namespace);
      const ips = addressesOf(stored);
      const annotation = stored.metadata.annotations?.[ALLOCATED_FROM];
      const isPool = addresses === "-" ? annotation === undefined : annotation !== undefined;
      const isSo = isDeepStrictEqual(ips, addresses === "-" ? [] : [...addresses]);
      const isRight = isSo && isPool && (pool === undefined || annotation === pool);
      return { isRight, seen: { ips, annotation } };
    });
  }

  async events(name: string): Promise<readonly StoredEvent[]> {
    const { namespace, bare } = splitName(name);
    const { metadata } = await this.client.get<{ metadata: { uid: string } }>(
      servicePath(bare, namespace),
    );
    const { items } = await this.client.get<{ items: StoredEvent[] }>(
      `/api/v1/namespaces/${namespace}/events`,
      { query: { fieldSelector: `involvedObject.uid=${metadata.uid}` } },
    );
    return items;
  }

  /** Resolves with the messages once Events with all these reasons are there, as often as they are named. */
  async expectEvents(name: string, reasons: readonly string[]): Promise<string> {
    let found: readonly StoredEvent[] = [];
    await untilSeen(`${name} has Events ${reasons.join()}`, async () => {
      found = await this.events(name);
      const isRight = reasons.every(reason => {
        return countOf(found, reason) >= reasons.filter(other => other === reason).length;
      });
      return { isRight, seen: found.map(event => event.reason) };
    });
    return found.map(event => `${event.reason}: ${event.message}`).join("\n");
  }

  /** Resolves once the controller has worked on everything that was written before this call. */
  async barrier(): Promise<void> {
    const path = servicePath("barrier", "barrier");
    const annotations = { [ALLOCATED_FROM]: String(performance.now()) };
    try {
      await this.client.patch(path, { metadata: { annotations } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const service = toService("barrier", { type: "ClusterIP", annotations });
      await this.client.post(servicePath("", "barrier"), service);
    }
    await until("the controller has caught up", LIMIT_MS, async () => {
      const { metadata } = await this.get("barrier", "barrier");
      return metadata.annotations?.[ALLOCATED_FROM] === undefined;
    });
  }

  /** Touches every Service and says what the controller then wrote or told: nothing, when all is settled. */
  async secondReconcile(): Promise<readonly string[]> {
    await this.eventsSettled();
    const touched: StoredService[] = [];
    for (const { metadata } of await this.services()) {
      const body = { metadata: { labels: { touched: String(Math.round(performance.now())) } } };
      touched.push(await this.patch(metadata.name, body, metadata.namespace));
    }
    const before = await this.eventsSettled();
    const after = await this.eventsSettled();
    const moved: string[] = [];
    for (const { metadata } of touched) {
      const now = await this.get(metadata.name, metadata.namespace);
      if (now.metadata.resourceVersion !== metadata.resourceVersion) moved.push(metadata.name);
    }
    return after === before ? moved : [...moved, `${after - before} Events`];
  }

  /** Resolves with the number of Events once all that was recorded is stored. */
  async eventsSettled(): Promise<number> {
    await this.barrier();
    await this.controller.whenTold();
    const { items } = await this.client.get<{ items: StoredEvent[] }>("/api/v1/events");
    return items
      .filter(event => event.source.component === "metallb-controller")
      .filter(event => event.involvedObject.namespace !== NAMESPACE)
      .reduce((sum, event) => sum + event.count, 0);
  }

  private async startController(): Promise<void> {
    await this.controller.start();
    await until("the controller gives addresses", LIMIT_MS, () => {
      return this.controller.poolsInForce !== undefined;
    });
    if (this.lbClass === "") await this.barrier();
  }

  private newController(): Controller {
    const { access } = this.cluster;
    return new Controller({
      client: new ApiClient(access),
      sideClient: new ApiClient(access, { maxSockets: 4 }),
      namespace: NAMESPACE,
      lbClass: this.lbClass,
      podName: undefined,
      reservationMs: this.reservationMs,
      identity: ownIdentity(),
      log: quietLog(),
    });
  }
}

/** As `until`, and the error says what was seen last. */
async function untilSeen(
  what: string,
  look: () => Promise<{ readonly isRight: boolean; readonly seen: unknown }>,
): Promise<void> {
  let last: unknown;
  try {
    await until(what, LIMIT_MS, async () => {
      const { isRight, seen } = await look();
      last = seen;
      return isRight;
    });
  } catch (cause) {
    throw new Error(`${String(cause)}; seen: ${JSON.stringify(last)}`, { cause });
  }
}

function describePool({ name, addresses, autoAssign, avoidBuggyIPs }: PoolSpec): string {
  return JSON.stringify([name, addresses, autoAssign ?? true, avoidBuggyIPs ?? false]);
}

function splitName(name: string): { readonly namespace: string; readonly bare: string } {
  const [first = "", second] = name.split("/");
  return second === undefined
    ? { namespace: "ns1", bare: first }
    : { namespace: first, bare: second };
}

export function addressesOf(service: StoredService): readonly string[] {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  return ingress.map(entry => entry.ip ?? `host ${entry.hostname ?? ""}`);
}

export function countOf(events: readonly StoredEvent[], reason: string): number {
  return events
    .filter(event => event.reason === reason)
    .reduce((sum, event) => sum + event.count, 0);
}

export function servicePath(name: string, namespace: string): string {
  return `/api/v1/namespaces/${namespace}/services${name === "" ? "" : `/${name}`}`;
}

const IP_FAMILIES = {
  v4: ["IPv4"],
  v6: ["IPv6"],
  dual: ["IPv4", "IPv6"],
  "dual-v6-first": ["IPv6", "IPv4"],
} as const;

/** The object as a user would apply it. */
export function toService(name: string, options: ServiceSpec): object {
  const { families = "v4", ports = ["TCP/80"], selector = { app: "same" } } = options;
  const { type = "LoadBalancer", labels = {}, annotations = {} } = options;
  const policy = families.startsWith("dual") ? "PreferDualStack" : "SingleStack";
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels, annotations },
    spec: {
      type,
      ipFamilies: IP_FAMILIES[families],
      ipFamilyPolicy: options.policy ?? policy,
      selector,
      ports: ports.map(toPort),
      ...(type === "LoadBalancer" && { allocateLoadBalancerNodePorts: false }),
      loadBalancerIP: options.loadBalancerIP,
      loadBalancerClass: options.loadBalancerClass,
      externalTrafficPolicy: options.externalTrafficPolicy,
    },
  };
}

export function toPort(text: string): object {
  const [protocol, port] = text.split("/");
  return { name: text.toLowerCase().replace("/", "-"), protocol, port: Number(port) };
}
