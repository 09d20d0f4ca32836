/** What a review adds to the rules of the configuration: what only the change itself can tell (rules V-S9, V-W2, V-X6). */
import { assert } from "../net/result";
import { findLostAddresses } from "./address-loss";
import type { CheckedConfiguration } from "./check";
import type { BGPPeerSpec } from "./generated/resources";
import { compareText, formatObject, isSameObject, type ObjectRef, type Problem } from "./problem";
import { readSubject } from "./read-subjects";
import type { ConfigurationResources } from "./resources";
import { Subject, type Finding } from "./subject";

/** The objects before and after an update. */
interface Transition {
  readonly object: unknown;
  readonly oldObject?: unknown;
}

/** Rule V-W2: a profile that a peer names cannot be deleted. */
export function refuseProfileInUse(
  ref: ObjectRef,
  live: ConfigurationResources,
): readonly Problem[] {
  const users = (live.bgpPeers ?? [])
    .map(peer => readSubject<BGPPeerSpec>("BGPPeer", peer))
    .filter(({ spec }) => spec.bfdProfile === ref.name)
    .map(subject => subject.ref)
    .sort((left, right) => compareText(left.name, right.name));
  const [first] = users;
  if (first === undefined) return [];
  const more = users.length > 1 ? ` and ${users.length - 1} more` : "";
  const finding = {
    rule: "V-W2",
    field: "metadata.name",
    value: ref.name,
    reason: `is the bfdProfile of ${formatObject(first)}${more}, so the profile cannot be deleted`,
    wayOut: "Take it out of the peer first.",
    related: users,
  };
  return [toProblem(ref, finding, "refuse")];
}

/** Rule V-S9: what only a comparison with the stored object can tell. Absent counts as false. */
export function judgeTransition(
  ref: ObjectRef,
  { object, oldObject }: Transition,
): readonly Problem[] {
  if (ref.kind !== "BGPPeer" || oldObject === undefined) return [];
  const [was, is] = [oldObject, object].map(
    resource => readSubject<BGPPeerSpec>(ref.kind, resource).spec.enableGracefulRestart ?? false,
  );
  if (was === is) return [];
  const finding = {
    rule: "V-S9",
    field: "spec.enableGracefulRestart",
    value: String(is),
    reason: "cannot be changed on an existing peer",
    wayOut: "Delete the peer and create it anew.",
  };
  return [toProblem(ref, finding, "refuse")];
}

/** Rule V-X6, in advance: the Services that would lose their address, because no pool may give it to them any more. */
export function warnOfLosses(
  ref: ObjectRef,
  { services = [], namespaces }: ConfigurationResources,
  { before, after }: { before: CheckedConfiguration; after: CheckedConfiguration },
): readonly Problem[] {
  if (ref.kind !== "IPAddressPool" || services.length === 0) return [];
  const change = { before: before.configuration.pools, after: after.configuration.pools };
  const labels = namespaces && new Map(namespaces.map(one => [one.name, one.labels] as const));
  const lost = findLostAddresses(services, change, labels);
  if (lost.length === 0) return [];
  const shown = lost
    .slice(0, SHOWN_LOSSES)
    .map(({ service, address }) => `${service} (${address})`);
  const more = lost.length > SHOWN_LOSSES ? ` and ${lost.length - SHOWN_LOSSES} more` : "";
  const count = lost.length === 1 ? "1 address" : `${lost.length} addresses`;
  const finding = {
    rule: "V-X6",
    field: "",
    reason: `would take ${count} from Services: ${shown.join(", ")}${more}`,
    wayOut: "Keep those addresses in a pool that may give them until the Services are gone.",
  };
  return [toProblem(ref, finding, "warn")];
}

/** A warning that is longer is cut by the API server. */
const SHOWN_LOSSES = 3;

/** A problem that no rule of the configuration finds, because only the change shows it. */
export function toProblem(ref: ObjectRef, finding: Finding, severity: "refuse" | "warn"): Problem {
  const subject = new Subject(ref, { labels: {}, spec: {}, createdAt: "" });
  if (severity === "refuse") subject.refuse(finding);
  else subject.warn(finding);
  const [problem] = subject.problems;
  assert(problem !== undefined, "a finding is a problem");
  return problem;
}

/** Whether the object is the one at fault or one of those it is at fault with. */
export function takesPart(problem: Problem, ref: ObjectRef): boolean {
  return (
    isSameObject(problem.object, ref) || problem.related.some(other => isSameObject(other, ref))
  );
}

/** Whether nothing but a change of the objects named can make it right. */
export function isLastingRefusal({ severity, nature }: Problem): boolean {
  return severity === "refuse" && nature === "lasting";
}

/** Whether it is held against a new object only. */
export function isStrict({ nature }: Problem): boolean {
  return nature === "strict";
}

/** The same finding, held against the object. */
export function asRefusal(problem: Problem): Problem {
  return { ...problem, severity: "refuse" };
}

/** Whether a person who makes a change wants to see it. */
export function isShown({ severity }: Problem): boolean {
  return severity !== "inform";
}

/**
 * Which problems of others may follow from a change of the object. That a pool is announced by nobody (rule H-R3) is decided by the
 * advertisements: another pool can only bring it about by costing one of them a pool, or its place, and that shows as a refusal
 * (a pool that comes into force by the change loses nothing). Without this the state before would have to be judged whenever a cluster has a pool that is not announced.
 */
export function mayBeConsequence(
  ref: ObjectRef,
  after: readonly Problem[],
): (problem: Problem) => boolean {
  if (ref.kind !== "IPAddressPool") return () => true;
  const isAnyRefused = after.some(
    ({ severity, object }) => severity === "refuse" && ADVERTISEMENTS.has(object.kind),
  );
  return problem => isAnyRefused || problem.rule !== "H-R3";
}

const ADVERTISEMENTS = new Set(["L2Advertisement", "BGPAdvertisement"]);
