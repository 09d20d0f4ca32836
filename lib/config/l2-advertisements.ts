/** L2Advertisements (rules V-A1 … V-A5). */
import type { L2AdvertisementConfig, PreferredNodes } from "./configuration";
import type { L2AdvertisementSpec } from "./generated/resources";
import type { Selector } from "./labels";
import { readDistinct, readSelector, readSelectors } from "./selectors";
import type { Subject } from "./subject";

type L2Subject = Subject<Partial<L2AdvertisementSpec>>;

/** An advertisement as far as it can be read without knowing the pools. */
export interface ReadL2Advertisement {
  readonly subject: L2Subject;
  readonly poolSelectors: readonly Selector[];
  /** Without any pool until the selectors are resolved. */
  readonly config: L2AdvertisementConfig;
}

/** Reads one advertisement; everything that is wrong with it is reported on the subject. */
export function readL2Advertisement(subject: L2Subject): ReadL2Advertisement {
  const { spec, ref } = subject;
  readDistinct(subject, spec.ipAddressPools, { field: "spec.ipAddressPools", rule: "V-A1" });
  const poolSelectors = readSelectors(subject, spec.ipAddressPoolSelectors, {
    field: "spec.ipAddressPoolSelectors",
    doubles: "V-A2",
    validity: "V-A5",
  });
  const config: L2AdvertisementConfig = {
    name: ref.name,
    pools: [],
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
  return { subject, poolSelectors, config };
}

/** Doubles are allowed here: their weights add up. */
function readPreferences(subject: L2Subject): readonly PreferredNodes[] {
  const preferences: PreferredNodes[] = [];
  for (const [index, entry] of (subject.spec.preferredNodeSelectors ?? []).entries()) {
    if (subject.isFull) break;
    const { weight, preference } = entry;
    const field = `spec.preferredNodeSelectors[${index}].preference`;
    const selector = readSelector(subject, preference, { field, rule: "V-A5" });
    if (selector) preferences.push({ weight, selector });
  }
  return preferences;
}
