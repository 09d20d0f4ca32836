/** L2Advertisements (rules V-A1 … A5). */
import { resolvePools, type PoolDirectory } from "./advertisement-scope";
import type { L2AdvertisementConfig, PreferredNodes } from "./configuration";
import type { L2AdvertisementSpec } from "./generated/resources";
import { readDistinct, readSelector, readSelectors } from "./selectors";
import type { Subject } from "./subject";

type L2Subject = Subject<Partial<L2AdvertisementSpec>>;

/** Reads one advertisement; everything that is wrong with it is reported on the subject. */
export function readL2Advertisement(
  subject: L2Subject,
  directory: PoolDirectory,
): L2AdvertisementConfig {
  const { spec, ref } = subject;
  readDistinct(subject, spec.ipAddressPools, { field: "spec.ipAddressPools", rule: "V-A1" });
  const poolSelectors = readSelectors(subject, spec.ipAddressPoolSelectors, {
    field: "spec.ipAddressPoolSelectors",
    doubles: "V-A2",
    validity: "V-A5",
  });
  return {
    name: ref.name,
    pools: resolvePools(subject, poolSelectors, directory),
    nodeSelectors: readSelectors(subject, spec.nodeSelectors, {
      field: "spec.nodeSelectors",
      doubles: "V-A3",
      validity: "V-A5",
    }),
    serviceSelectors: readSelectors(subject, spec.serviceSelectors, {
      field: "spec.serviceSelectors",
      doubles: "V-A4",
      validity: "V-A5",
    }),
    interfaces: [...new Set(spec.interfaces ?? [])],
    preferredNodes: readPreferences(subject),
  };
}

/** Doubles are allowed here: their weights add up. */
function readPreferences(subject: L2Subject): readonly PreferredNodes[] {
  const preferences: PreferredNodes[] = [];
  for (const [index, entry] of (subject.spec.preferredNodeSelectors ?? []).entries()) {
    const { weight, preference } = entry;
    const field = `spec.preferredNodeSelectors[${index}].preference`;
    const selector = readSelector(subject, preference, { field, rule: "V-A5" });
    if (selector) preferences.push({ weight, selector });
  }
  return preferences;
}
