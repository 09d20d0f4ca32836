/**
 * Metrics of the BGP sessions, under the names of MetalLB's own BGP and of its FRR mode; on request also under those of frr-k8s.
 * Values are taken over from the BGP thread's reports at each scrape, so the series of a session go with it.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { BgpSessionCounters, BgpSessionReport, BgpSessionSpec } from "../../node/bgp-protocol";

/** What is known of one session. */
interface SessionFigures {
  readonly labels: SessionLabels;
  isUp: boolean;
  counters: BgpSessionCounters | undefined;
  lastError:
    | { readonly direction: string; readonly code: number; readonly subcode: number }
    | undefined;
  lastErrorAtMs: number;
  flaps: number;
}

interface SessionLabels {
  readonly peer: string;
  /** As `peer`, without the port. */
  readonly address: string;
  readonly vrf: string;
}

type Read = (session: SessionFigures) => number;
type Table = Readonly<Record<string, readonly [help: string, read: Read]>>;

const GAUGES: Table = {
  session_up: ["1 while the BGP session is Established", session => (session.isUp ? 1 : 0)],
  announced_prefixes_total: [
    "Prefixes the peer was told",
    session => session.counters?.sentPrefixes ?? 0,
  ],
};

const PENDING: Table = {
  pending_prefixes_total: [
    "Prefixes the peer shall have",
    session => session.counters?.desiredPrefixes ?? 0,
  ],
};

const RECEIVED: Table = {
  received_prefixes_total: [
    "Prefixes in UPDATE messages of the peer; none is kept",
    session => session.counters?.announcedPrefixes ?? 0,
  ],
};

const COUNTERS: Table = {
  updates_total: ["UPDATE messages sent", ({ counters }) => counters?.sent.update ?? 0],
  opens_sent: ["OPEN messages sent", ({ counters }) => counters?.sent.open ?? 0],
  opens_received: ["OPEN messages received", ({ counters }) => counters?.received.open ?? 0],
  notifications_sent: [
    "NOTIFICATION messages sent",
    ({ counters }) => counters?.sent.notification ?? 0,
  ],
  updates_total_received: [
    "UPDATE messages received",
    ({ counters }) => counters?.received.update ?? 0,
  ],
  keepalives_sent: ["KEEPALIVE messages sent", ({ counters }) => counters?.sent.keepalive ?? 0],
  keepalives_received: [
    "KEEPALIVE messages received",
    ({ counters }) => counters?.received.keepalive ?? 0,
  ],
  route_refresh_sent: [
    "ROUTE-REFRESH messages sent",
    ({ counters }) => counters?.sent.routeRefresh ?? 0,
  ],
  total_sent: ["Messages sent", ({ counters }) => sumOf(counters?.sent)],
  total_received: ["Messages received", ({ counters }) => sumOf(counters?.received)],
};

/** From the change in the API server's copy to the last octet of the UPDATE in the kernel. */
const ADVERTISE_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

export class BgpMetrics {
  readonly #sessions = new Map<string, SessionFigures>();
  readonly #advertised: Histogram;

  /** Registers everything; `withFrrK8sNames` adds the names and labels that MetalLB's frr-k8s mode exports. */
  constructor(registry: Registry, { withFrrK8sNames }: { readonly withFrrK8sNames: boolean }) {
    const metallb = (session: SessionFigures) => ({
      peer: session.labels.peer,
      vrf: session.labels.vrf,
    });
    const prefix = "metallb_bgp_";
    this.#addGauges(registry, { prefix, table: { ...GAUGES, ...PENDING }, labels: metallb });
    this.#addCounters(registry, { prefix, table: COUNTERS, labels: metallb });
    if (withFrrK8sNames) {
      const frrK8s = ({ labels: { address, vrf } }: SessionFigures) => ({ peer: address, vrf });
      const alias = { prefix: "frrk8s_bgp_", labels: frrK8s };
      this.#addGauges(registry, { ...alias, table: { ...GAUGES, ...RECEIVED } });
      this.#addCounters(registry, { ...alias, table: COUNTERS });
    }
    this.#addOwn(registry);
    this.#advertised = new Histogram({
      name: "herald_bgp_advertise_seconds",
      help: "Time from a change in the cluster until the kernel has its UPDATE messages",
      buckets: ADVERTISE_BUCKETS,
      registers: [registry],
    });
  }

  /** The sessions there are now; the others are forgotten. */
  setSessions(specs: readonly BgpSessionSpec[]): void {
    const names = new Set(specs.map(({ name }) => name));
    for (const name of [...this.#sessions.keys()]) {
      if (!names.has(name)) this.#sessions.delete(name);
    }
    for (const spec of specs) {
      const before = this.#sessions.get(spec.name);
      this.#sessions.set(spec.name, { ...(before ?? NEW), labels: toLabels(spec) });
    }
  }

  noteSession({ session, state, flaps, lastSent, lastReceived }: BgpSessionReport): void {
    const figures = this.#sessions.get(session);
    if (figures === undefined) return;
    figures.isUp = state === "Established";
    figures.flaps = flaps;
    for (const [direction, notification] of [
      ["sent", lastSent],
      ["received", lastReceived],
    ] as const) {
      if (notification === undefined || notification.atMs < figures.lastErrorAtMs) continue;
      figures.lastErrorAtMs = notification.atMs;
      figures.lastError = { direction, ...notification };
    }
  }

  noteCounters(counters: readonly BgpSessionCounters[]): void {
    for (const each of counters) {
      const figures = this.#sessions.get(each.session);
      if (figures !== undefined) figures.counters = each;
    }
  }

  observeAdvertised(seconds: number): void {
    this.#advertised.observe(Math.max(0, seconds));
  }

  #addGauges(registry: Registry, given: Family): void {
    const sessions = this.#sessions;
    for (const [name, [help, read]] of Object.entries(given.table)) {
      const gauge: Gauge<"peer" | "vrf"> = new Gauge({
        name: `${given.prefix}${name}`,
        help,
        labelNames: ["peer", "vrf"],
        registers: [registry],
        collect() {
          gauge.reset();
          for (const session of sessions.values()) gauge.inc(given.labels(session), read(session));
        },
      });
    }
  }

  #addCounters(registry: Registry, given: Family): void {
    const sessions = this.#sessions;
    for (const [name, [help, read]] of Object.entries(given.table)) {
      const counter: Counter<"peer" | "vrf"> = new Counter({
        name: `${given.prefix}${name}`,
        help,
        labelNames: ["peer", "vrf"],
        registers: [registry],
        collect() {
          counter.reset();
          for (const session of sessions.values()) {
            counter.inc(given.labels(session), read(session));
          }
        },
      });
    }
  }

  #addOwn(registry: Registry): void {
    const sessions = this.#sessions;
    const table: Table = {
      session_flaps_total: ["Times the session left Established", ({ flaps }) => flaps],
    };
    const labels = (session: SessionFigures) => ({
      peer: session.labels.peer,
      vrf: session.labels.vrf,
    });
    this.#addCounters(registry, { prefix: "herald_bgp_", table, labels });
    const lastError = new Gauge({
      name: "herald_bgp_last_error",
      help: "1 for the last NOTIFICATION of a session, sent or received",
      labelNames: ["peer", "vrf", "direction", "code", "subcode"],
      registers: [registry],
      collect() {
        lastError.reset();
        for (const session of sessions.values()) {
          if (session.lastError === undefined) continue;
          const { direction, code, subcode } = session.lastError;
          lastError.set({ ...labels(session), direction, code, subcode }, 1);
        }
      },
    });
    const malformed = new Counter({
      name: "herald_bgp_malformed_total",
      help: "Defects of received messages that cost no session, by code, subcode and reaction",
      labelNames: ["peer", "vrf", "reason"],
      registers: [registry],
      collect() {
        malformed.reset();
        for (const session of sessions.values()) {
          for (const [reason, count] of Object.entries(session.counters?.malformed ?? {})) {
            malformed.inc({ ...labels(session), reason }, count);
          }
        }
      },
    });
  }
}

interface Family {
  readonly prefix: string;
  readonly table: Table;
  readonly labels: (session: SessionFigures) => { readonly peer: string; readonly vrf: string };
}

const NEW: Omit<SessionFigures, "labels"> = {
  isUp: false,
  counters: undefined,
  lastError: undefined,
  lastErrorAtMs: 0,
  flaps: 0,
};

function toLabels({ target, port, vrf = "default" }: BgpSessionSpec): SessionLabels {
  const address = target.type === "address" ? target.address : target.interface;
  return { peer: `${address}:${port}`, address, vrf };
}

function sumOf(counts: Readonly<Record<string, number>> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}
