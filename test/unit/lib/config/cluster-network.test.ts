import { describe, expect, it } from "vitest";
import { reviewChange } from "../../../../lib/config/admission";
import { checkConfiguration, type ConfigurationResources } from "../../../../lib/config/check";
import type { Problem } from "../../../../lib/config/problem";
import {
  bgpAdvertisement,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  NAMESPACE,
} from "../../../support/resources";

const l2Advertisements = [l2Advertisement("all")];

const node = (name: string, given: object = {}): { name: string; labels: object } & object => ({
  name,
  labels: {},
  ...given,
});

function problems(addresses: readonly string[], cluster: object): readonly Problem[] {
  const resources = {
    ipAddressPools: [ipAddressPool("p", addresses)],
    l2Advertisements,
    ...cluster,
  } as ConfigurationResources;
  const { configuration, problems: found } = checkConfiguration(resources);
  expect(configuration.pools).toHaveLength(1);
  return found;
}

const rules = (addresses: readonly string[], cluster: object): string[] =>
  problems(addresses, cluster).map(({ rule }) => rule);

describe("addresses that are in use already", () => {
  const nodes = [
    node("n2", { addresses: ["192.168.1.12", "2001:db8::12"], podCidrs: ["10.244.2.0/24"] }),
    node("n1", { addresses: ["192.168.1.11"], podCidrs: ["10.244.1.0/24", "fd00:244::/64"] }),
  ];
  const cluster = { nodes, serviceCidrs: ["10.96.0.0/16", "fd00:96::/112"] };

  it("warns about a pool with the address of a node, and names one and how many (H-R9)", () => {
    const [problem, ...more] = problems(["192.168.1.0/24"], cluster);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({
      severity: "warn",
      rule: "H-R9",
      field: "spec.addresses[0]",
    });
    expect(problem?.message).toBe(
      'IPAddressPool "p": spec.addresses[0] "192.168.1.0/24" contains "192.168.1.11", an address of Node "n1" (and 1 more). ' +
        "Take it out of the pool, or a Service may get it and the node is cut off.",
    );
  });

  it.each([
    ["192.168.1.12/32", "H-R9"],
    ["2001:db8::10-2001:db8::20", "H-R9"],
    ["10.244.0.0/16", "H-R10"],
    ["10.244.2.255/32", "H-R10"],
    ["fd00:244::/48", "H-R10"],
    ["10.96.255.255/32", "H-R11"],
    ["10.95.0.0-10.96.0.0", "H-R11"],
    ["fd00:96::ffff", "H-R11"],
  ])("%s: %s", (entry, rule) => {
    expect(rules([entry], cluster)).toContain(rule);
  });

  it.each(["192.168.1.13-192.168.1.250", "10.244.0.255", "10.97.0.0/24", "192.168.1.10"])(
    "says nothing about %s",
    entry => {
      expect(rules([entry], cluster).filter(rule => rule !== "H-R12")).toEqual([]);
    },
  );

  it("says nothing without knowledge, and passes over what is no address", () => {
    expect(rules(["192.168.1.0/24"], {})).toEqual([]);
    expect(rules(["192.168.1.0/24"], { nodes: [node("n1")] })).toEqual([]);
    const odd = { nodes: [node("n", { addresses: ["n1.local", ""], podCidrs: ["x"] })] };
    expect(rules(["192.168.1.0/24"], { ...odd, serviceCidrs: ["y", "10.0.0.0/33"] })).toEqual([]);
  });

  it("says the same whatever the order of the nodes", () => {
    const turned = { ...cluster, nodes: [...nodes].reverse() };
    expect(problems(["192.168.1.0/24", "10.244.0.0/16"], turned)).toEqual(
      problems(["192.168.1.0/24", "10.244.0.0/16"], cluster),
    );
  });

  it("warns at admission, and only about the pool that is changed", () => {
    const stored = createdAt(ipAddressPool("old", ["10.96.0.0/24"]), 1);
    const object = ipAddressPool("new", ["10.96.1.0/24"]);
    const { refusals, warnings } = reviewChange(
      { operation: "CREATE", kind: "IPAddressPool", object },
      { ipAddressPools: [stored], l2Advertisements, ...cluster } as ConfigurationResources,
      { namespace: NAMESPACE },
    );
    expect(refusals).toEqual([]);
    expect(warnings).toMatchObject([{ rule: "H-R11", object: { name: "new" } }]);
  });

  it("stays within bounds when everything collides with everything", () => {
    const many = Array.from({ length: 3_000 }, (_, index) =>
      node(`n${index}`, { podCidrs: ["10.0.0.0/8"] }),
    );
    const entries = Array.from({ length: 2_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}/32`);
    const startedMs = performance.now();
    expect(problems(entries, { nodes: many }).length).toBeLessThan(110);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });
});

describe("layer 2 outside every subnet (H-R12)", () => {
  const subnets = { subnets: ["192.168.1.11/24", "fd00:1::11/64"] };

  it("warns when the subnets of every node are known", () => {
    const nodes = [node("n1", subnets), node("n2", subnets)];
    expect(problems(["192.168.2.0/24"], { nodes })).toMatchObject([
      { rule: "H-R12", severity: "warn", value: "192.168.2.0/24" },
    ]);
    expect(rules(["fd00:2::/64"], { nodes })).toEqual(["H-R12"]);
    expect(rules(["192.168.1.240/28", "fd00:1::/80"], { nodes })).toEqual([]);
  });

  it("does not conclude from the subnets of some nodes", () => {
    expect(rules(["192.168.2.0/24"], { nodes: [node("n1", subnets), node("n2")] })).toEqual([]);
  });

  it("informs, as a guess, when no node is anywhere near", () => {
    const nodes = [
      node("n1", { addresses: ["10.1.2.3"] }),
      node("n2", { addresses: ["10.1.9.9"] }),
    ];
    const [problem] = problems(["192.168.2.0/24"], { nodes });
    expect(problem).toMatchObject({ rule: "H-R12", severity: "inform" });
    expect(problem?.message).toContain("guess");
    expect(rules(["10.1.200.0/24", "10.0.0.0-10.1.0.1"], { nodes })).toEqual([]);
  });

  it("does not guess about a family that the nodes do not show, or before every node has an address", () => {
    const nodes = [node("n1", { addresses: ["10.1.2.3"] })];
    expect(rules(["2001:db8::/64"], { nodes })).toEqual([]);
    expect(rules(["192.168.2.0/24"], { nodes: [...nodes, node("n2")] })).toEqual([]);
  });

  it("says nothing about pools that are announced over BGP", () => {
    const cluster = { nodes: [node("n1", subnets)] };
    const bgpAdvertisements = [bgpAdvertisement("all")];
    expect(rules(["192.168.2.0/24"], { ...cluster, bgpAdvertisements })).toEqual([]);
    expect(
      rules(["192.168.2.0/24"], { ...cluster, l2Advertisements: [], bgpAdvertisements }),
    ).toEqual([]);
  });
});
