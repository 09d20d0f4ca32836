/**
 * When the API server asks for a mutation: only when a text may be other than in normal form, so that the ordinary change costs one
 * call to admission instead of two. What is in doubt is asked for; what `lib/config/normalise.ts` changes must never be left out.
 */

/** As in `matchConditions` of a webhook. */
export interface MatchCondition {
  readonly name: string;
  /** CEL. An error in it refuses the change, so it has to hold for values of any shape: it sees them before the schema does. */
  readonly expression: string;
}

/** No leading zeros, lower case, not zero: a group of which there is one way to write it, and which `::` does not take in. */
const GROUP = "[1-9a-f][0-9a-f]{0,3}";

/** Canonical for certain: `::` stands for two groups or more, or all eight are there. Zeros elsewhere are in doubt. */
const IPV6 = [
  `${GROUP}(:${GROUP}){0,3}::(${GROUP}(:${GROUP})?)?`,
  `${GROUP}(:${GROUP})?::${GROUP}(:${GROUP}){2,3}`,
  `${GROUP}(:${GROUP}){7}`,
].join("|");

/** Both in RE2 and in JavaScript: an entry of `spec.addresses` that is in normal form, or that is no address at all. */
export const NORMAL_ENTRY = `^([0-9.]+[-/][0-9.]+|(${IPV6})(/[0-9]+|-(${IPV6})))$`;

/** The same for a bare address. There is one way to write an IPv4 address, and none when the text is empty. */
export const NORMAL_ADDRESS = `^([0-9.]*|${IPV6})$`;

/** Two addresses and the dash. A longer text is in doubt: what CEL may spend is bounded. */
const MAX_ENTRY_CHARACTERS = 91;

/** So many entries of the longest kind take about half of what CEL may spend on an expression. More are in doubt. */
export const MAX_ENTRIES = 500;

const mayChange = (text: string, normal: string): string =>
  `type(${text}) == string && ` +
  `(size(${text}) > ${MAX_ENTRY_CHARACTERS} || !${text}.matches('${normal}'))`;

const hasSpec = "has(object.spec) && type(object.spec) == map";

const poolMayChange: MatchCondition = {
  name: "an-address-may-be-written-otherwise",
  expression:
    `${hasSpec} && has(object.spec.addresses) && type(object.spec.addresses) == list && ` +
    `(size(object.spec.addresses) > ${MAX_ENTRIES} || ` +
    `object.spec.addresses.exists(entry, ${mayChange("entry", NORMAL_ENTRY)}))`,
};

const peerMayChange: MatchCondition = {
  name: "an-address-may-be-written-otherwise-or-the-port-is-zero",
  expression:
    `${hasSpec} && ((has(object.spec.peerPort) && object.spec.peerPort == 0) || ` +
    "['peerAddress', 'sourceAddress', 'routerID'].exists(field, field in object.spec && " +
    `${mayChange("object.spec[field]", NORMAL_ADDRESS)}))`,
};

const conditions: Readonly<Record<string, MatchCondition>> = {
  ipaddresspools: poolMayChange,
  bgppeers: peerMayChange,
};

/** The conditions of the mutating webhook of a resource, by its plural: none for one that is always asked about. */
export function mutationConditions(plural: string): readonly MatchCondition[] {
  const condition = conditions[plural];
  return condition === undefined ? [] : [condition];
}
