/** Builders for Services and pools, and a small cluster in memory that carries out plans as the controller does. */
import { Allocator, inPassOrder, type AllocatorOptions } from "../../lib/allocation/allocator";
import type { Report, WrittenState } from "../../lib/allocation/plan";
import type { NamespaceLabels } from "../../lib/allocation/pool-index";
import { ALLOCATED_FROM_POOL, type ServiceView } from "../../lib/allocation/service";
import type { Pool, ServiceAllocation } from "../../lib/config/configuration";
import type { LabelSelector } from "../../lib/config/generated/resources";
import { parseSelector, type Selector } from "../../lib/config/labels";
import { parseIpRange } from "../../lib/net/ip-prefix";

export const V4 = ["10.96.0.10"];
export const V6 = ["fd00::10"];
export const DUAL = ["10.96.0.10", "fd00::10"];

export interface PoolOptions {
  readonly autoAssign?: boolean;
  readonly avoidBuggyIps?: boolean;
  readonly addressOrder?: Pool["addressOrder"];
  readonly sharing?: Pool["sharing"];
  readonly maxAddressesPerNamespace?: number;
  readonly serviceAllocation?: {
    readonly priority?: number;
    readonly namespaces?: readonly string[];
    readonly namespaceSelectors?: readonly LabelSelector[];
    readonly serviceSelectors?: readonly LabelSelector[];
  };
}

/** A pool as the configuration has it; addresses as a user writes them. */
export function pool(name: string, addresses: readonly string[], options: PoolOptions = {}): Pool {
  const { serviceAllocation: pin, addressOrder, sharing, maxAddressesPerNamespace } = options;
  return {
    name,
    namespace: "metallb-system",
    entries: addresses.map(text => {
      const range = parseIpRange(text);
      if (!range.ok) throw new Error(`no range: ${text}`);
      return { text, range: range.value };
    }),
    labels: {},
    autoAssign: options.autoAssign ?? true,
    avoidBuggyIps: options.avoidBuggyIps ?? false,
    ...(pin === undefined ? {} : { serviceAllocation: serviceAllocation(pin) }),
    ...(addressOrder === undefined ? {} : { addressOrder }),
    ...(sharing === undefined ? {} : { sharing }),
    ...(maxAddressesPerNamespace === undefined ? {} : { maxAddressesPerNamespace }),
  };
}

function serviceAllocation(pin: NonNullable<PoolOptions["serviceAllocation"]>): ServiceAllocation {
  return {
    priority: pin.priority ?? 0,
    namespaces: pin.namespaces ?? [],
    namespaceSelectors: (pin.namespaceSelectors ?? []).map(selector),
    serviceSelectors: (pin.serviceSelectors ?? []).map(selector),
  };
}

function selector(source: LabelSelector): Selector {
  const parsed = parseSelector(source);
  if (!parsed.ok) throw new Error("no selector");
  return parsed.value;
}

export interface ServiceOptions
  extends Partial<Omit<ServiceView, "key" | "namespace" | "ingress">> {
  readonly namespace?: string;
  /** Addresses that the status holds already. */
  readonly ingress?: readonly string[];
  /** Value of ip-allocated-from-pool. */
  readonly allocatedFrom?: string;
}

/** A Service of type LoadBalancer in namespace ns1, SingleStack IPv4, port 80/TCP, unless told otherwise. */
export function service(name: string, options: ServiceOptions = {}): ServiceView {
  const { namespace = "ns1", ingress = [], allocatedFrom, annotations = {}, ...rest } = options;
  return {
    key: `${namespace}/${name}`,
    namespace,
    createdAt: "2026-01-01T00:00:00Z",
    type: "LoadBalancer",
    loadBalancerClass: undefined,
    clusterIps: V4,
    ipFamilies: [],
    ipFamilyPolicy: "SingleStack",
    loadBalancerIp: "",
    externalTrafficPolicy: "Cluster",
    selector: { app: name },
    ports: ["TCP/80"],
    labels: {},
    ingress: ingress.map(ip => ({ ip })),
    pending: undefined,
    ...rest,
    annotations: {
      ...annotations,
      ...(allocatedFrom === undefined ? {} : { [ALLOCATED_FROM_POOL]: allocatedFrom }),
    },
  };
}

export interface TestEvent {
  readonly key: string;
  readonly type: Report["type"];
  readonly reason: Report["reason"];
  readonly message: string;
}

/** Services in memory and an allocator on them; every change is settled at once, in the order in which it was made. */
export class TestCluster {
  readonly services = new Map<string, ServiceView>();
  readonly events: TestEvent[] = [];
  allocator: Allocator;
  /** Writes of status, by key. */
  readonly writes = new Map<string, number>();
  nowMs = 0;
  private readonly options: AllocatorOptions;
  private pools: readonly Pool[];
  private namespaces: NamespaceLabels = new Map();
  private clock = 0;

  constructor(pools: readonly Pool[], options: Partial<AllocatorOptions> = {}) {
    this.options = { lbClass: "", reservationMs: 0, ...options };
    this.allocator = new Allocator(this.options);
    this.pools = pools;
    this.allocator.setPools(pools, this.namespaces);
  }

  /** Creates or replaces Services; replaced ones keep their status and pool annotation, as in the API. */
  apply(...services: readonly ServiceView[]): void {
    for (const given of services) {
      const before = this.services.get(given.key);
      this.services.set(
        given.key,
        before === undefined ? this.stamped(given) : merged(before, given),
      );
      this.reconcile(given.key);
    }
  }

  /** Changes some fields of a Service. */
  change(name: string, fields: Partial<ServiceView>): void {
    const key = toKey(name);
    const before = this.get(key);
    this.apply({ ...before, ...fields });
  }

  /** Sets an annotation, or removes it. */
  annotate(name: string, key: string, value: string | undefined): void {
    const service = this.get(name);
    const rest = without(service.annotations, key);
    this.change(name, { annotations: value === undefined ? rest : { ...rest, [key]: value } });
  }

  /** Edits the status by hand. */
  editIngress(name: string, ips: readonly string[]): void {
    const key = toKey(name);
    this.services.set(key, { ...this.get(key), ingress: ips.map(ip => ({ ip })) });
    this.reconcile(key);
  }

  delete(name: string): void {
    this.services.delete(toKey(name));
    this.reconcile(toKey(name));
  }

  /** Loads pools and plans everything, as one configuration load. */
  load(pools: readonly Pool[], namespaces: NamespaceLabels = this.namespaces): void {
    this.pools = pools;
    this.namespaces = namespaces;
    this.allocator.setPools(pools, namespaces);
    this.pass();
  }

  /** A new controller: nothing in memory but the reservations, which it reads. */
  restart(): void {
    const kept = [...this.allocator.book.reservations()];
    this.allocator = new Allocator(this.options);
    this.allocator.setPools(this.pools, this.namespaces);
    this.allocator.adopt(this.services.values());
    this.allocator.restoreReservations(kept, this.nowMs);
    this.pass();
  }

  pass(): void {
    this.allocator.adopt(this.services.values());
    for (const { key } of inPassOrder(this.services.values())) this.reconcile(key);
  }

  /** Plans the Service and whoever it helps, until nothing is left to do. */
  reconcile(name: string): void {
    const queue = new Set([toKey(name)]);
    for (const key of queue) {
      queue.delete(key);
      const service = this.services.get(key);
      const { write, retry } = this.allocator.reconcile(key, service, this.nowMs);
      if (write !== undefined && service !== undefined) {
        this.services.set(key, written(service, write));
        this.writes.set(key, (this.writes.get(key) ?? 0) + 1);
      }
      for (const { type, reason, message } of this.allocator.takeReports(key)) {
        this.events.push({ key, type, reason, message });
      }
      for (const other of retry) queue.add(other);
    }
  }

  get(name: string): ServiceView {
    const found = this.services.get(toKey(name));
    if (found === undefined) throw new Error(`no Service ${name}`);
    return found;
  }

  /** Addresses in the status, or "-" when there is neither address nor pool annotation. */
  addressesOf(name: string): readonly string[] | "-" {
    const found = this.get(name);
    const ips = found.ingress.map(entry => entry.ip ?? `host ${entry.hostname ?? ""}`);
    return ips.length === 0 && this.poolOf(name) === undefined ? "-" : ips;
  }

  poolOf(name: string): string | undefined {
    return this.get(name).annotations[ALLOCATED_FROM_POOL];
  }

  reasonsOf(name: string): readonly string[] {
    return this.events.filter(event => event.key === toKey(name)).map(event => event.reason);
  }

  messagesOf(name: string): string {
    return this.events
      .filter(event => event.key === toKey(name))
      .map(event => `${event.reason}: ${event.message}`)
      .join("\n");
  }

  /** Writes and events so far. */
  activity(): { readonly writes: number; readonly events: number } {
    const writes = [...this.writes.values()].reduce((sum, count) => sum + count, 0);
    return { writes, events: this.events.length };
  }

  private stamped(given: ServiceView): ServiceView {
    this.clock += 1;
    const createdAt = new Date(Date.UTC(2026, 0, 1) + this.clock * 1_000).toISOString();
    return { ...given, createdAt };
  }
}

function toKey(name: string): string {
  return name.includes("/") ? name : `ns1/${name}`;
}

function merged(before: ServiceView, given: ServiceView): ServiceView {
  const pool = before.annotations[ALLOCATED_FROM_POOL];
  const own = pool === undefined ? {} : { [ALLOCATED_FROM_POOL]: pool };
  return {
    ...given,
    createdAt: before.createdAt,
    ingress: before.ingress,
    pending: before.pending,
    annotations: { ...given.annotations, ...own },
  };
}

function written(service: ServiceView, state: WrittenState): ServiceView {
  const { ingress, pool: poolName, pending } = state;
  const rest = without(service.annotations, ALLOCATED_FROM_POOL);
  return {
    ...service,
    ingress: ingress.map(ip => ({ ip, ipMode: "VIP" })),
    pending,
    annotations: poolName === undefined ? rest : { ...rest, [ALLOCATED_FROM_POOL]: poolName },
  };
}

function without<Value>(
  record: Readonly<Record<string, Value>>,
  key: string,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
