/** Rules about advertisements, by themselves, against pools and against each other. */
import type {
  BGPAdvertisementSpec,
  L2AdvertisementSpec,
  LabelSelector,
} from "../../../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import {
  bgpAdvertisement,
  community,
  ipAddressPool,
  l2Advertisement,
  untyped,
  withLabel,
} from "../../../support/resources";
import type { CasesOfRule, RuleCase } from "./rule-cases";

const TWICE: readonly LabelSelector[] = [withLabel("a", "b"), withLabel("a", "b")];
const DIFFERENT: readonly LabelSelector[] = [withLabel("a", "b"), withLabel("a", "c")];
const INVALID: LabelSelector = { matchExpressions: [{ key: "a", operator: "In", values: [] }] };
const V4 = ipAddressPool("v4", ["10.0.0.0/24"]);
const V6 = ipAddressPool("v6", ["fc00::/64"]);
const MIXED = ipAddressPool("mixed", ["10.1.0.0/24", "fc01::/64"]);
const NODES = [
  { name: "a", labels: { rack: "a" } },
  { name: "b", labels: { rack: "b" } },
];

function l2(what: string, spec: L2AdvertisementSpec): RuleCase {
  return { what, resources: { l2Advertisements: [l2Advertisement("l2", spec)] } };
}

function adv(
  what: string,
  spec: BGPAdvertisementSpec,
  more: ConfigurationResources = {},
): RuleCase {
  return { what, resources: { bgpAdvertisements: [bgpAdvertisement("adv", spec)], ...more } };
}

/** Two advertisements of LOCAL_PREF 100 and 200. */
function pair(
  what: string,
  first: BGPAdvertisementSpec,
  second: BGPAdvertisementSpec,
  pool = V4,
): RuleCase {
  const bgpAdvertisements = [
    bgpAdvertisement("one", { localPref: 100, ...first }),
    bgpAdvertisement("two", { localPref: 200, ...second }),
  ];
  return { what, resources: { bgpAdvertisements, ipAddressPools: [pool], nodes: NODES } };
}

function literals(...communities: string[]): RuleCase {
  return adv(communities.join(" "), { communities });
}

const preference = (fields: object): RuleCase =>
  l2(JSON.stringify(fields), { preferredNodeSelectors: [untyped(fields)] });

const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `64500:${index}`);

export const ADVERTISEMENT_CASES: Readonly<Record<string, CasesOfRule>> = {
  "V-S3": {
    refused: [
      preference({ weight: 0, preference: {} }),
      preference({ weight: 101, preference: {} }),
      preference({ preference: {} }),
      preference({ weight: 1 }),
    ],
    accepted: [preference({ weight: 100, preference: {} })],
  },
  "V-S4": {
    refused: [adv("0", { aggregationLength: 0 })],
    accepted: [adv("1", { aggregationLength: 1 })],
  },
  "V-S5": {
    reportedAs: ["V-G7", "V-G8"],
    refused: [
      adv("IPv4", { serviceSelectors: [{}], aggregationLength: 24 }),
      adv("IPv6", { serviceSelectors: [{}], aggregationLengthV6: 64 }),
    ],
    accepted: [
      adv("defaults", { serviceSelectors: [{}], aggregationLength: 32, aggregationLengthV6: 128 }),
    ],
  },
  "V-M12": {
    refused: [],
    accepted: [adv("IPv6 pool", {}, { ipAddressPools: [V6] })],
    isRelaxed: true,
  },
  "V-M13": { refused: [], accepted: [literals("large:1:2:3")], isRelaxed: true },
  "V-M14": {
    refused: [],
    accepted: [
      { what: "large", resources: { communities: [community("c", ["vpn", "large:1:2:3"])] } },
    ],
    isRelaxed: true,
  },
  "V-A1": {
    refused: [l2("twice", { ipAddressPools: ["a", "a"] })],
    accepted: [l2("two", { ipAddressPools: ["a", "b"] })],
  },
  "V-A2": {
    refused: [l2("twice", { ipAddressPoolSelectors: TWICE })],
    accepted: [l2("two", { ipAddressPoolSelectors: DIFFERENT })],
  },
  "V-A3": {
    refused: [l2("twice", { nodeSelectors: TWICE })],
    accepted: [l2("two", { nodeSelectors: DIFFERENT })],
  },
  "V-A4": {
    refused: [l2("twice", { serviceSelectors: TWICE })],
    accepted: [l2("two", { serviceSelectors: DIFFERENT })],
  },
  "V-A5": {
    refused: [
      l2("nodeSelectors", { nodeSelectors: [INVALID] }),
      l2("serviceSelectors", { serviceSelectors: [INVALID] }),
      l2("preference", { preferredNodeSelectors: [{ weight: 1, preference: INVALID }] }),
      l2("ipAddressPoolSelectors", { ipAddressPoolSelectors: [INVALID] }),
    ],
    accepted: [
      l2("empty selectors, equal preferences, equal interfaces", {
        nodeSelectors: [{}],
        preferredNodeSelectors: [
          { weight: 1, preference: {} },
          { weight: 1, preference: {} },
        ],
        interfaces: ["eth0", "eth0"],
      }),
    ],
  },
  "V-G1": {
    refused: [adv("twice", { ipAddressPools: ["a", "a"] })],
    accepted: [adv("two", { ipAddressPools: ["a", "b"] })],
  },
  "V-G2": {
    refused: [literals("1:2", "1:2")],
    accepted: [literals("1:2", "01:2")],
  },
  "V-G3": {
    refused: [adv("twice", { peers: ["a", "a"] })],
    accepted: [adv("two", { peers: ["a", "b"] })],
  },
  "V-G4": {
    refused: [adv("twice", { ipAddressPoolSelectors: TWICE })],
    accepted: [adv("two", { ipAddressPoolSelectors: DIFFERENT })],
  },
  "V-G5": {
    refused: [adv("twice", { nodeSelectors: TWICE })],
    accepted: [adv("two", { nodeSelectors: DIFFERENT })],
  },
  "V-G6": {
    refused: [adv("twice", { serviceSelectors: TWICE })],
    accepted: [adv("two", { serviceSelectors: DIFFERENT })],
  },
  "V-G7": {
    refused: [adv("24", { serviceSelectors: [{}], aggregationLength: 24 })],
    accepted: [adv("no selectors", { serviceSelectors: [], aggregationLength: 24 })],
  },
  "V-G8": {
    refused: [adv("64", { serviceSelectors: [{}], aggregationLengthV6: 64 })],
    accepted: [adv("no selectors", { aggregationLengthV6: 64 })],
  },
  "V-G9": {
    refused: [adv("33", { aggregationLength: 33 })],
    accepted: [adv("32", { aggregationLength: 32 })],
  },
  "V-G10": {
    refused: [adv("129", { aggregationLengthV6: 129 }), adv("-1", { aggregationLengthV6: -1 })],
    accepted: [adv("128", { aggregationLengthV6: 128 }), adv("0", { aggregationLengthV6: 0 })],
  },
  "V-G11": {
    refused: ["65536:1", "a:1", "1:", "big:1:2:3", "large:1:2:4294967296", "large:1:2:"].map(text =>
      literals(text),
    ),
    accepted: [literals("0:65535", "large:0:4294967295:1")],
  },
  "V-G12": {
    refused: [
      literals("vpn"),
      literals("1:2:3"),
      adv(
        "alias with colons",
        { communities: ["1:2:3"] },
        {
          communities: [community("c", ["1:2:3", "1:2"])],
        },
      ),
    ],
    accepted: [
      adv("alias", { communities: ["vpn"] }, { communities: [community("c", ["vpn", "1:2"])] }),
    ],
  },
  "V-G13": {
    refused: [
      adv("nodeSelectors", { nodeSelectors: [INVALID] }),
      adv("serviceSelectors", { serviceSelectors: [INVALID] }),
      adv("ipAddressPoolSelectors", { ipAddressPoolSelectors: [INVALID] }),
    ],
    accepted: [adv("empty", { nodeSelectors: [{}], ipAddressPoolSelectors: [{}] })],
  },
  "V-G14": {
    refused: [
      adv("/24 as /16", { aggregationLength: 16 }, { ipAddressPools: [V4] }),
      adv("/64 as /48", { aggregationLengthV6: 48 }, { ipAddressPools: [V6] }),
      adv(
        "second entry",
        { aggregationLength: 25 },
        {
          ipAddressPools: [ipAddressPool("p", ["10.0.0.0/24", "10.0.1.0/26"])],
        },
      ),
    ],
    accepted: [
      adv(
        "a /23 as two /24",
        { aggregationLength: 24 },
        {
          ipAddressPools: [ipAddressPool("p", ["10.0.0.0-10.0.1.255"])],
        },
      ),
      adv("other family", { aggregationLength: 1 }, { ipAddressPools: [V6] }),
      adv(
        "shortest prefix of a ragged range",
        { aggregationLength: 30 },
        {
          ipAddressPools: [ipAddressPool("p", ["10.0.0.255-10.0.1.5"])],
        },
      ),
    ],
  },
  "V-G15": {
    refused: [
      pair("same routes", {}, {}),
      pair("mixed pool, one length differs", { aggregationLength: 24 }, {}, MIXED),
      pair("a peer in common", { peers: ["a", "b"] }, { peers: ["b", "c"] }),
      pair("one names no peer", { peers: ["a"] }, {}),
      pair("a node in common", { nodeSelectors: [withLabel("rack", "a")] }, {}),
    ],
    accepted: [
      pair("lengths", { aggregationLength: 24 }, {}),
      pair(
        "mixed pool, both lengths",
        { aggregationLength: 24, aggregationLengthV6: 64 },
        {},
        MIXED,
      ),
      pair("peers", { peers: ["a"] }, { peers: ["b"] }),
      pair(
        "nodes",
        { nodeSelectors: [withLabel("rack", "a")] },
        { nodeSelectors: [withLabel("rack", "b")] },
      ),
      pair("Service selectors", { serviceSelectors: [{}] }, {}),
      pair("same value", { localPref: 200 }, {}),
      pair("other pool", { ipAddressPools: ["other"] }, {}),
    ],
  },
  "V-X5": {
    refused: [adv("64", { communities: numbers(64) })],
    accepted: [adv("63", { communities: numbers(63) })],
  },
};
