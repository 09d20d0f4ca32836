/**
 * What one node announces on layer 2, Services put together by address. Pure and without memory: a caller that recomputes one
 * Service keeps the plans of the others and puts them together again.
 */
import { rankCandidates, type Candidate } from "./election";
import { NO_ENDPOINTS } from "./endpoints";
import { uniteInterfaces, type InterfaceChoice } from "./interfaces";
import { planService, prepareAnnouncing, type ServicePlan } from "./plan-service";
import type { AnnouncementSnapshot } from "./snapshot";

/** One address for the packet thread: the first candidate that is alive owns it. */
export interface AnnouncementEntry {
  readonly address: string;
  readonly interfaces: InterfaceChoice;
  /** Names of Nodes in election order. */
  readonly candidates: readonly string[];
}

export interface AnnouncementPlan {
  /** One entry an address that this node is a candidate for, sorted by the text of the address. */
  readonly entries: readonly AnnouncementEntry[];
  /** By key of the Service, one for each. */
  readonly plans: ReadonlyMap<string, ServicePlan>;
}

/** The announcements of `nodeName` and, for each Service, the plan or the reason against it. */
export function planAnnouncements(
  snapshot: AnnouncementSnapshot,
  nodeName: string,
): AnnouncementPlan {
  const context = prepareAnnouncing(snapshot, nodeName);
  const plans = new Map<string, ServicePlan>();
  for (const service of snapshot.services) {
    const endpoints = snapshot.endpoints.get(service.key) ?? NO_ENDPOINTS;
    plans.set(service.key, planService(context, service, endpoints));
  }
  return { entries: combinePlans(plans.values()), plans };
}

/**
 * One entry for each address that at least one plan announces. Services that share an address have one owner: nodes that are
 * candidates of more of them come first, then the higher score, then the hash for the key of the Service that sorts first.
 * With equal candidates, which is what sharing asks for, that is the order of each of them. Plans may come in any order.
 *
 * An address that this node may not announce any more, while others may, is left out too unless `departing` returns the entry it
 * had: then it stays, with the candidates of today, until one of them has taken it.
 */
export function combinePlans(
  plans: Iterable<ServicePlan>,
  departing: (address: string) => AnnouncementEntry | undefined = () => undefined,
): readonly AnnouncementEntry[] {
  const entries: AnnouncementEntry[] = [];
  for (const [address, sharing] of groupByAddress(plans)) {
    const interfaces = interfacesOf(sharing) ?? departing(address)?.interfaces;
    if (interfaces === undefined) continue;
    const candidates = rankSharing(sharing).map(({ nodeName }) => nodeName);
    if (candidates.length > 0) entries.push({ address, interfaces, candidates });
  }
  return entries.sort((left, right) => (left.address < right.address ? -1 : 1));
}

function groupByAddress(plans: Iterable<ServicePlan>): ReadonlyMap<string, readonly ServicePlan[]> {
  const byAddress = new Map<string, ServicePlan[]>();
  for (const plan of plans) {
    for (const address of plan.election?.addresses ?? []) {
      const sharing = byAddress.get(address);
      if (sharing) sharing.push(plan);
      else byAddress.set(address, [plan]);
    }
  }
  return byAddress;
}

/** Undefined when none of the plans announces from here. */
function interfacesOf(sharing: readonly ServicePlan[]): InterfaceChoice | undefined {
  const ours = sharing.filter(plan => plan.type === "announce");
  return ours.length === 0 ? undefined : uniteInterfaces(ours.map(plan => plan.interfaces));
}

/** More Services weigh more than any score: a score is at most 100 for each preference, of which there are few. */
const SERVICE_WEIGHT = 1e9;

function rankSharing(sharing: readonly ServicePlan[]): readonly Candidate[] {
  const elections = sharing.flatMap(plan => plan.election ?? []);
  const [only] = elections;
  if (only !== undefined && elections.length === 1) return only.candidates;
  const scores = new Map<string, number>();
  for (const { nodeName, score } of elections.flatMap(election => election.candidates)) {
    scores.set(nodeName, (scores.get(nodeName) ?? 0) + SERVICE_WEIGHT + score);
  }
  const [first] = [...sharing].sort((left, right) => (left.key < right.key ? -1 : 1));
  const candidates = Array.from(scores, ([nodeName, score]) => ({ nodeName, score }));
  return rankCandidates(candidates, first?.election?.key ?? "");
}
