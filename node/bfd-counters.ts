/** How the BFD sessions stand, as reports for main. */
import type { BfdDropReason, TableSession } from "../lib/bfd/session-table";
import { formatIpAddress } from "../lib/net/ip-address";
import type { BfdCountersReport, BfdSessionCountersReport } from "./bfd-protocol";
import { BFD_SESSIONS_PER_REPORT } from "./limits";

export interface CountersContext {
  /** BGP sessions that go by the BFD session of the key. */
  readonly names: (key: string) => readonly string[];
  readonly notifications: (key: string) => number;
  readonly dropped: Readonly<Partial<Record<BfdDropReason, number>>>;
  readonly sendErrors: number;
}

/** At least one report, in portions that do not hold up the thread. */
export function toCountersReports(
  sessions: readonly TableSession[],
  context: CountersContext,
): readonly BfdCountersReport[] {
  const all = sessions.map(session => toSessionReport(session, context));
  const reports: BfdCountersReport[] = [];
  for (let start = 0; start === 0 || start < all.length; start += BFD_SESSIONS_PER_REPORT) {
    reports.push({
      type: "bfdCounters",
      perSession: all.slice(start, start + BFD_SESSIONS_PER_REPORT),
      isFirst: start === 0,
      isLast: start + BFD_SESSIONS_PER_REPORT >= all.length,
      dropped: context.dropped,
      sendErrors: context.sendErrors,
    });
  }
  return reports;
}

function toSessionReport(
  { configuration, session }: TableSession,
  { names, notifications }: CountersContext,
): BfdSessionCountersReport {
  const { key, peer, vrf } = configuration;
  return {
    sessions: names(key),
    peer: formatIpAddress(peer),
    vrf,
    state: session.state,
    transmitIntervalMs: session.transmitIntervalMs,
    detectionTimeMs: session.detectionTimeMs,
    ...session.counters,
    notifications: notifications(key),
  };
}
