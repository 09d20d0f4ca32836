/** For each rule of Herald's own (H-…) the smallest configuration that shows it. */
import { LABELS_LIMIT, LIST_LIMITS, SPEC_LIMIT } from "../../../../lib/config/limits";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import {
  bgpAdvertisement,
  bgpPeer,
  community,
  ipAddressPool,
  l2Advertisement,
  labelled,
  withLabel,
} from "../../../support/resources";
import { LISTS, many } from "./long-lists";

const FIRST = ipAddressPool("first", ["192.168.1.240/28"]);
const ALL = l2Advertisement("all");
const NODE = { name: "node-a", labels: { rack: "a" } };
const NAMESPACES = [{ name: "default", labels: {} }];
const NOWHERE = [withLabel("rack", "nowhere")];

function pool(
  addresses: readonly string[],
  around: ConfigurationResources = {},
): ConfigurationResources {
  const ipAddressPools = [ipAddressPool("first", addresses)];
  return { ipAddressPools, l2Advertisements: [ALL], ...around };
}

function allocation(
  serviceAllocation: Parameters<typeof ipAddressPool>[2] & object,
): ConfigurationResources {
  const ipAddressPools = [ipAddressPool("first", ["192.168.1.240/28"], serviceAllocation)];
  return { ipAddressPools, l2Advertisements: [ALL], namespaces: NAMESPACES };
}

export const WARNING_CASES: Readonly<Record<string, ConfigurationResources>> = {
  "H-R1": {
    ipAddressPools: [FIRST],
    l2Advertisements: [ALL, l2Advertisement("lab", { ipAddressPools: ["frist"] })],
  },
  "H-R2": {
    ipAddressPools: [FIRST],
    bgpPeers: [bgpPeer("router")],
    bgpAdvertisements: [bgpAdvertisement("lab", { peers: ["ruoter"] })],
  },
  "H-R3": { ipAddressPools: [FIRST] },
  "H-R4": {
    ipAddressPools: [FIRST],
    l2Advertisements: [ALL, l2Advertisement("lab", { ipAddressPoolSelectors: NOWHERE })],
  },
  "H-R5": allocation({ serviceAllocation: { namespaces: ["defualt"] } }),
  "H-R6": allocation({ serviceAllocation: { namespaceSelectors: NOWHERE } }),
  "H-R7": {
    ipAddressPools: [FIRST],
    l2Advertisements: [l2Advertisement("lab", { nodeSelectors: NOWHERE })],
    nodes: [NODE],
  },
  "H-R8": { bgpPeers: [bgpPeer("router"), bgpPeer("twin")] },
  "H-R9": pool(["192.168.1.0/24"], { nodes: [{ ...NODE, addresses: ["192.168.1.11"] }] }),
  "H-R10": pool(["10.244.0.0/24"], { nodes: [{ ...NODE, podCidrs: ["10.244.0.0/16"] }] }),
  "H-R11": pool(["10.96.7.0/24"], { serviceCidrs: ["10.96.0.0/16"] }),
  "H-R12": pool(["192.168.2.0/24"], { nodes: [{ ...NODE, subnets: ["192.168.1.11/24"] }] }),
  "H-R13": {
    ipAddressPools: [
      ipAddressPool("first", ["192.168.1.240/28"], { serviceAllocation: { priority: 20 } }),
      ipAddressPool("huge", ["10.0.0.0/8"], { serviceAllocation: { priority: 10 } }),
    ],
    l2Advertisements: [ALL],
  },
  "H-R14": {
    ipAddressPools: [FIRST],
    l2Advertisements: [
      l2Advertisement("all", {
        preferredNodeSelectors: [{ weight: 1, preference: withLabel("rack", "nowhere") }],
      }),
    ],
    nodes: [NODE],
  },
  "H-C1": { communities: [community("aliases", ["a:b:c", "64500:1"])] },
  ...Object.fromEntries(
    [...LIST_LIMITS].map(([name, { rule, maximum }]) => [
      rule,
      asResources(LISTS[name]?.(maximum + 1)),
    ]),
  ),
  [SPEC_LIMIT.rule]: {
    l2Advertisements: [
      l2Advertisement("x", {
        nodeSelectors: [
          {
            matchExpressions: many(6, index => ({
              key: `k${index}`,
              operator: "In",
              values: many(9_000, value => `v${value}`),
            })),
          },
        ],
      }),
    ],
  },
  [LABELS_LIMIT.rule]: {
    ipAddressPools: [
      labelled(
        FIRST,
        Object.fromEntries(many(LABELS_LIMIT.maximum + 1, index => [`k${index}`, "v"])),
      ),
    ],
  },
};

/** The object as the only one of its kind. */
export function asResources(object: object | undefined): ConfigurationResources {
  const lists: Readonly<Record<string, string>> = {
    IPAddressPool: "ipAddressPools",
    L2Advertisement: "l2Advertisements",
    BGPAdvertisement: "bgpAdvertisements",
  };
  const { kind = "" } = (object ?? {}) as { readonly kind?: string };
  return { [lists[kind] ?? ""]: [object] };
}
