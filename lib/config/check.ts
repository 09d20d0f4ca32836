/**
 * From resources to the configuration in force. Every rule is applied and every problem comes back; an object that cannot be
 * used is left out alone, and everything else stays in force.
 */
import { createPoolDirectory } from "./advertisement-scope";
import type { Configuration, Pool } from "./configuration";
import type { IPAddressPoolSpec, L2AdvertisementSpec } from "./generated/resources";
import { readL2Advertisement } from "./l2-advertisements";
import { refuseOverlaps } from "./pool-overlaps";
import { readPool } from "./pools";
import { compareText, sortProblems, type Problem } from "./problem";
import { readSubjects } from "./read-subjects";
import type { ConfigurationResources } from "./resources";
import type { Subject } from "./subject";

export type { ConfigurationResources, NamespaceInfo, NodeInfo } from "./resources";

export interface CheckedConfiguration {
  readonly configuration: Configuration;
  /** All of them, sorted by object, field and rule. */
  readonly problems: readonly Problem[];
}

/**
 * Checks everything against everything. The result does not depend on the order of the lists. Total: hostile objects are
 * refused, nothing is thrown.
 */
export function checkConfiguration(resources: ConfigurationResources): CheckedConfiguration {
  const pools = readSubjects<IPAddressPoolSpec>("IPAddressPool", resources.ipAddressPools).map(
    readPool,
  );
  refuseOverlaps(pools);
  const usablePools: Pool[] = pools
    .filter(({ subject }) => !subject.isBroken)
    .map(({ pool }) => pool)
    .sort((left, right) => compareText(left.name, right.name));
  const directory = createPoolDirectory(
    usablePools,
    pools.map(({ subject }) => subject.ref),
  );
  const l2 = readSubjects<L2AdvertisementSpec>("L2Advertisement", resources.l2Advertisements);
  const l2Advertisements = l2.map(subject => ({
    subject,
    config: readL2Advertisement(subject, directory),
  }));
  const subjects: Subject<unknown>[] = [...pools.map(({ subject }) => subject), ...l2];
  return {
    configuration: {
      pools: usablePools,
      l2Advertisements: l2Advertisements
        .filter(({ subject }) => !subject.isBroken)
        .map(({ config }) => config)
        .sort((left, right) => compareText(left.name, right.name)),
      bgpAdvertisements: [],
      bgpPeers: [],
      bfdProfiles: [],
    },
    problems: sortProblems(subjects.flatMap(subject => subject.problems)),
  };
}
