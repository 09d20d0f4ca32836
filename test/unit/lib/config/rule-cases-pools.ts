/** Rules about pools by themselves and among each other. */
import type { IPAddressPool, IPAddressPoolSpec } from "../../../../lib/config/generated/resources";
import { ipAddressPool, metadata, untyped, withLabel } from "../../../support/resources";
import type { CasesOfRule, RuleCase } from "./rule-cases";

const ADDRESSES = ["192.0.2.0/24"];

function pools(what: string, ...ipAddressPools: IPAddressPool[]): RuleCase {
  return { what, resources: { ipAddressPools } };
}

function entries(...addresses: string[]): RuleCase {
  return pools(JSON.stringify(addresses), ipAddressPool("first", addresses));
}

function allocation(
  what: string,
  serviceAllocation: NonNullable<IPAddressPoolSpec["serviceAllocation"]>,
): RuleCase {
  return pools(what, ipAddressPool("first", ADDRESSES, { serviceAllocation }));
}

const WITHOUT_VALUES = { matchExpressions: [{ key: "a", operator: "In", values: [] }] };

export const POOL_CASES: Readonly<Record<string, CasesOfRule>> = {
  "V-S1": {
    refused: [
      pools("no spec", untyped({ metadata: metadata("first") })),
      pools("no addresses", untyped({ metadata: metadata("first"), spec: {} })),
      pools(
        "text in place of a list",
        untyped({ metadata: metadata("a"), spec: { addresses: "x" } }),
      ),
    ],
    accepted: [entries("192.0.2.0/24")],
  },
  "V-S2": {
    refused: [
      allocation("expression without operator", {
        serviceSelectors: [untyped({ matchExpressions: [{ key: "a" }] })],
      }),
      allocation("expression without key", {
        namespaceSelectors: [untyped({ matchExpressions: [{ operator: "Exists" }] })],
      }),
    ],
    accepted: [
      allocation("whole expression", {
        serviceSelectors: [{ matchExpressions: [{ key: "a", operator: "Exists" }] }],
      }),
    ],
  },
  "V-L1": { refused: [entries()], accepted: [entries("192.0.2.1/32")] },
  "V-L2": {
    refused: [
      entries("10.0.0.0/33"),
      entries("10.0.0.1-"),
      entries("a-b"),
      entries("192.0.2.300"),
      entries("010.0.0.1-010.0.0.2"),
      entries("fe80::1%eth0/128"),
      entries("fc00::/129"),
      entries(""),
    ],
    accepted: [
      entries("10.0.0.1"),
      entries("2001:db8::1"),
      entries("10.0.0.1 - 10.0.0.9"),
      entries("198.51.100.10/24"),
      entries("::ffff:10.0.0.0/120"),
      entries("10.0.0.7-10.0.0.7"),
    ],
  },
  "V-L3": {
    refused: [entries("10.0.0.9-10.0.0.1"), entries("fc00::9-fc00::1")],
    accepted: [entries("10.0.0.1-10.0.0.9")],
  },
  "V-L4": {
    refused: [
      pools(
        "a range inside a prefix",
        ipAddressPool("first", ["10.0.0.0/24"]),
        ipAddressPool("second", ["10.0.0.128-10.0.0.130"]),
      ),
      entries("10.0.0.0/24", "10.0.0.0/24"),
      entries("10.0.0.0/24", "10.0.0.255-10.0.1.5"),
      pools(
        "the same IPv6 prefix written differently",
        ipAddressPool("first", ["fc00::/120"]),
        ipAddressPool("second", ["FC00:0::5/120"]),
      ),
    ],
    accepted: [
      pools(
        "neighbours",
        ipAddressPool("first", ["10.0.0.0/25"]),
        ipAddressPool("second", ["10.0.0.128/25"]),
      ),
    ],
  },
  "V-L5": {
    refused: [allocation("a namespace twice", { namespaces: ["a", "a"] })],
    accepted: [allocation("two namespaces", { namespaces: ["a", "b"] })],
  },
  "V-L6": {
    refused: [
      allocation("namespaceSelectors", {
        namespaceSelectors: [withLabel("a", "b"), withLabel("a", "b")],
      }),
      allocation("serviceSelectors", {
        serviceSelectors: [withLabel("a", "b"), withLabel("a", "b")],
      }),
    ],
    accepted: [
      allocation("different ones", {
        namespaceSelectors: [withLabel("a", "b"), withLabel("a", "c")],
      }),
    ],
  },
  "V-L7": {
    refused: [
      allocation("namespaceSelectors", { namespaceSelectors: [WITHOUT_VALUES] }),
      allocation("serviceSelectors", { serviceSelectors: [WITHOUT_VALUES] }),
    ],
    accepted: [allocation("an empty selector", { namespaceSelectors: [{}] })],
  },
  "V-L8": {
    refused: [entries("10.0.0.1-fc00::5"), entries("fc00::5-10.0.0.1")],
    accepted: [entries("10.0.0.1-10.0.0.5", "fc00::1-fc00::5")],
  },
};
