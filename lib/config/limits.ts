/**
 * How long the lists of a resource may be. Each bound is far above what a cluster under MetalLB can hold (MetalLB compares every
 * entry with every other, and a whole object has at most 1.5 MiB), and keeps the work for one hostile object within a few
 * milliseconds: it is checked before anything inside the list is looked at.
 */

export interface ListLimit {
  readonly rule: string;
  readonly maximum: number;
  /** What is counted, in the plural. */
  readonly what: string;
}

const SELECTORS = { rule: "H-M2", maximum: 1_000, what: "selectors" } as const;

/** By the name of the list or map, which means the same wherever it occurs in a spec. */
export const LIST_LIMITS: ReadonlyMap<string, ListLimit> = new Map<string, ListLimit>([
  ["addresses", { rule: "H-M1", maximum: 10_000, what: "addresses" }],
  ["nodeSelectors", SELECTORS],
  ["serviceSelectors", SELECTORS],
  ["namespaceSelectors", SELECTORS],
  ["ipAddressPoolSelectors", SELECTORS],
  ["matchExpressions", { rule: "H-M3", maximum: 1_000, what: "expressions" }],
  ["matchLabels", { rule: "H-M4", maximum: 1_000, what: "labels" }],
  ["values", { rule: "H-M5", maximum: 10_000, what: "values" }],
  ["namespaces", { rule: "H-M6", maximum: 10_000, what: "namespaces" }],
  ["ipAddressPools", { rule: "H-M7", maximum: 10_000, what: "names of pools" }],
  ["peers", { rule: "H-M8", maximum: 10_000, what: "names of peers" }],
  ["communities", { rule: "H-M9", maximum: 10_000, what: "communities" }],
  ["interfaces", { rule: "H-M10", maximum: 1_000, what: "interfaces" }],
  ["preferredNodeSelectors", { rule: "H-M11", maximum: 5_000, what: "preferences" }],
]);

/** Everything in a spec together: fields, entries of lists, labels. */
export const SPEC_LIMIT: ListLimit = { rule: "H-M12", maximum: 50_000, what: "values in all" };

/** Labels of an object; further ones are not read. */
export const LABELS_LIMIT: ListLimit = { rule: "H-M13", maximum: 1_000, what: "labels" };

/** Characters of an entry of a pool; longer is no address, however many blanks are in it. */
export const MAX_ENTRY_CHARACTERS = 1_000;
