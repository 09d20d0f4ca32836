/** Objects that somebody wrote to hurt: as large, as deep and as odd as a request may be (3 MiB), or nearly. */
import type { Change } from "../../lib/config/admission";
import { NAMESPACE } from "./resources";

export interface HostileObject {
  readonly what: string;
  readonly change: Change;
}

const many = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const HOSTILE_OBJECTS: readonly HostileObject[] = [
  hostile("100,000 bad entries", "IPAddressPool", { addresses: many(100_000, () => "x") }),
  hostile("60,000 good entries", "IPAddressPool", {
    addresses: many(60_000, index => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`),
  }),
  hostile("100,000 times the same entry", "IPAddressPool", {
    addresses: many(100_000, () => "192.0.2.1/32"),
  }),
  hostile("an entry of a megabyte", "IPAddressPool", { addresses: ["1".repeat(1_000_000)] }),
  hostile("lists in lists, 50,000 deep", "IPAddressPool", { addresses: [nested(50_000)] }),
  hostile("100,000 unknown fields", "IPAddressPool", {
    addresses: ["192.0.2.1/32"],
    ...Object.fromEntries(many(100_000, index => [`field${index}`, index])),
  }),
  hostile("20,000 selector expressions", "L2Advertisement", {
    nodeSelectors: [{ matchExpressions: many(20_000, expression) }],
  }),
  hostile("20,000 bad selector expressions", "L2Advertisement", {
    nodeSelectors: [{ matchExpressions: many(20_000, () => ({ key: "-", operator: "Is" })) }],
  }),
  hostile("20,000 selectors", "L2Advertisement", {
    nodeSelectors: many(20_000, index => ({ matchLabels: { key: `v${index}` } })),
  }),
  hostile("50,000 labels in a selector", "L2Advertisement", {
    nodeSelectors: [{ matchLabels: Object.fromEntries(many(50_000, index => [`k${index}`, "v"])) }],
  }),
  hostile("100,000 values in an expression", "BGPPeer", {
    myASN: 64500,
    peerASN: 64501,
    peerAddress: "10.0.0.1",
    nodeSelectors: [
      {
        matchExpressions: [
          { key: "a", operator: "In", values: many(100_000, index => `v${index}`) },
        ],
      },
    ],
  }),
  hostile("50,000 pools and selectors that exist nowhere", "BGPAdvertisement", {
    ipAddressPools: many(50_000, index => `pool-${index}x`),
    peers: many(50_000, index => `peer-${index}x`),
  }),
  hostile("50,000 communities", "BGPAdvertisement", {
    communities: many(50_000, index => `${index >> 8}:${index & 255}`),
  }),
  hostile("50,000 interfaces", "L2Advertisement", {
    interfaces: many(50_000, index => `e${index}`),
  }),
  hostile("20,000 preferences", "L2Advertisement", {
    preferredNodeSelectors: many(20_000, index => ({
      weight: 1 + (index % 100),
      preference: { matchLabels: { key: `v${index}` } },
    })),
  }),
  hostile("50,000 namespaces", "IPAddressPool", {
    addresses: ["192.0.2.1/32"],
    serviceAllocation: { namespaces: many(50_000, index => `n${index}`) },
  }),
  hostile("30,000 aliases", "Community", {
    communities: many(30_000, index => ({ name: `a${index}`, value: "64500:1" })),
  }),
];

function hostile(what: string, kind: string, spec: object): HostileObject {
  const metadata = { name: "hostile", namespace: NAMESPACE };
  return { what, change: { operation: "CREATE", kind, object: { metadata, spec } } };
}

function expression(index: number): object {
  return { key: `k${index}`, operator: "In", values: ["a", "b"] };
}

function nested(depth: number): unknown {
  let value: unknown = "x";
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
