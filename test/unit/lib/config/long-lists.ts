/** Objects that are good but for the length of one list. */
import {
  bgpAdvertisement,
  ipAddressPool,
  l2Advertisement,
  withLabel,
} from "../../../support/resources";

export const many = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

const address = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

/** By the name of the list: an object in which it has `count` entries. */
export const LISTS: Readonly<Record<string, (count: number) => object>> = {
  addresses: count => ipAddressPool("x", many(count, address)),
  nodeSelectors: count =>
    l2Advertisement("x", { nodeSelectors: many(count, index => withLabel("a", `${index}`)) }),
  serviceSelectors: count =>
    l2Advertisement("x", { serviceSelectors: many(count, index => withLabel("a", `${index}`)) }),
  namespaceSelectors: count =>
    ipAddressPool("x", ["10.0.0.0/24"], {
      serviceAllocation: { namespaceSelectors: many(count, index => withLabel("a", `${index}`)) },
    }),
  ipAddressPoolSelectors: count =>
    l2Advertisement("x", {
      ipAddressPoolSelectors: many(count, index => withLabel("a", `${index}`)),
    }),
  matchExpressions: count =>
    l2Advertisement("x", {
      nodeSelectors: [
        { matchExpressions: many(count, index => ({ key: `k${index}`, operator: "Exists" })) },
      ],
    }),
  matchLabels: count =>
    l2Advertisement("x", {
      nodeSelectors: [
        { matchLabels: Object.fromEntries(many(count, index => [`k${index}`, "v"])) },
      ],
    }),
  values: count =>
    l2Advertisement("x", {
      nodeSelectors: [
        {
          matchExpressions: [
            { key: "kubernetes.io/hostname", operator: "In", values: many(count, i => `n${i}`) },
          ],
        },
      ],
    }),
  namespaces: count =>
    ipAddressPool("x", ["10.0.0.0/24"], {
      serviceAllocation: { namespaces: many(count, index => `n${index}`) },
    }),
  ipAddressPools: count =>
    l2Advertisement("x", { ipAddressPools: many(count, index => `p${index}`) }),
  peers: count => bgpAdvertisement("x", { peers: many(count, index => `p${index}`) }),
  communities: count =>
    bgpAdvertisement("x", { communities: many(count, index => `${index >> 8}:${index & 255}`) }),
  interfaces: count => l2Advertisement("x", { interfaces: many(count, index => `e${index}`) }),
  preferredNodeSelectors: count =>
    l2Advertisement("x", {
      preferredNodeSelectors: many(count, index => ({
        weight: 1 + (index % 100),
        preference: withLabel("a", `${index}`),
      })),
    }),
};
