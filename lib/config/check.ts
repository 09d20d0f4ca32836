/**
 * From resources to the configuration in force. Every rule is applied and every problem comes back; an object that cannot be
 * used is left out alone, and everything else stays in force.
 */
import type { Configuration } from "./configuration";
import { applyCrossRules } from "./cross-rules";
import { sortProblems, type ObjectRef, type Problem } from "./problem";
import { readAll, usableConfigs, type View } from "./read-all";
import { ReadMemo } from "./read-memo";
import type { ConfigurationResources } from "./resources";
import { judgeBgpExtras } from "./run-time-rules";
import type { Subject } from "./subject";

export type { ConfigurationResources, NamespaceInfo, NodeInfo } from "./resources";

export interface CheckedConfiguration {
  readonly configuration: Configuration;
  /** All of them, sorted by object, field and rule. */
  readonly problems: readonly Problem[];
}

export interface CheckOptions {
  /** What was read before, kept by a caller that checks often; without one everything is read anew. */
  readonly memo?: ReadMemo;
}

/**
 * Checks everything against everything. The result does not depend on the order of the lists. Total: hostile objects are
 * refused, nothing is thrown.
 */
export function checkConfiguration(
  resources: ConfigurationResources,
  { memo = new ReadMemo() }: CheckOptions = {},
): CheckedConfiguration {
  return judge(resources, { memo, isUsable: subject => !subject.isBroken && !subject.isWaiting });
}

/**
 * Checks the configuration as it would be with `changed` in it, for a review: of two objects in conflict the changed one is to
 * blame, and an object that only waits for another counts as if that one were there.
 */
export function checkForReview(
  resources: ConfigurationResources,
  changed: ObjectRef,
  { memo = new ReadMemo() }: CheckOptions = {},
): CheckedConfiguration {
  return judge(resources, { memo, isUsable: subject => !subject.isBroken, youngest: changed });
}

function judge(resources: ConfigurationResources, view: View): CheckedConfiguration {
  const read = readAll(resources, view);
  applyCrossRules(read, resources, view);
  const subjects: Subject<unknown>[] = [
    ...read.pools.map(({ subject }) => subject),
    ...read.profiles.map(({ subject }) => subject),
    ...read.communities,
    ...[...read.peers, ...read.l2, ...read.bgp].map(({ subject }) => subject),
    ...(resources.bgpExtras ? [judgeBgpExtras(resources.bgpExtras)] : []),
  ];
  return {
    configuration: {
      pools: read.directory.pools,
      l2Advertisements: usableConfigs(read.l2, view),
      bgpAdvertisements: usableConfigs(read.bgp, view),
      bgpPeers: usableConfigs(read.peers, view),
      bfdProfiles: usableConfigs(read.profiles, view),
    },
    problems: sortProblems(subjects.flatMap(subject => subject.problems)),
  };
}
