import { describe, expect, it } from "vitest";
import { reviewChange, type Change, type Review } from "../../../../lib/config/admission";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  labelled,
  NAMESPACE,
  withLabel,
} from "../../../support/resources";

type Resource = { kind?: string; metadata: object };

function review(change: Change, live: ConfigurationResources = {}): Review {
  return reviewChange(change, live, { namespace: NAMESPACE });
}

function create(object: Resource, live: ConfigurationResources = {}): Review {
  return review({ operation: "CREATE", kind: object.kind ?? "", object }, live);
}

function update(oldObject: Resource, object: Resource, live: ConfigurationResources = {}): Review {
  return review({ operation: "UPDATE", kind: object.kind ?? "", object, oldObject }, live);
}

function remove(object: Resource, live: ConfigurationResources = {}): Review {
  return review({ operation: "DELETE", kind: object.kind ?? "", object }, live);
}

function summary({ refusals, warnings }: Review): { refused: string[]; warned: string[] } {
  return { refused: refusals.map(({ rule }) => rule), warned: warnings.map(({ rule }) => rule) };
}

const first = createdAt(ipAddressPool("first", ["10.0.0.0/24"]), 1);
const second = createdAt(ipAddressPool("second", ["10.0.1.0/24"]), 2);
const everything = l2Advertisement("all");
const live = { ipAddressPools: [first, second], l2Advertisements: [everything] };

describe("creation", () => {
  it("accepts a good object without a word", () => {
    expect(create(ipAddressPool("third", ["10.0.2.0/24"]), live)).toEqual({
      refusals: [],
      warnings: [],
    });
  });

  it("blames the new object for an overlap, whoever is older", () => {
    const { refusals } = create(ipAddressPool("third", ["10.0.0.9"]), live);
    expect(refusals).toMatchObject([{ rule: "V-L4", object: { name: "third" } }]);
  });

  it("blames it also beside objects that do not say when they were created", () => {
    const { refusals } = create(ipAddressPool("a", ["10.9.0.0"]), {
      ipAddressPools: [ipAddressPool("z", ["10.9.0.0/24"])],
    });
    expect(refusals).toMatchObject([{ rule: "V-L4", object: { name: "a" } }]);
  });

  it("does not hold the errors of others against it", () => {
    const broken = ipAddressPool("broken", ["x"]);
    expect(summary(create(second, { ...live, ipAddressPools: [broken, first] }))).toEqual({
      refused: [],
      warned: [],
    });
  });

  it("does not hold it against a pool that it overlaps one that is not in force", () => {
    const broken = ipAddressPool("broken", ["10.0.1.0/24", "x"]);
    expect(create(second, { ...live, ipAddressPools: [broken] }).refusals).toEqual([]);
  });

  it("only warns about what another object may still bring", () => {
    const { refusals, warnings } = create(
      bgpPeer("p", { bfdProfile: "later", passwordSecret: { name: "later" } }),
      { secrets: [] },
    );
    expect(refusals).toEqual([]);
    expect(warnings.map(({ rule }) => rule)).toEqual(["V-P19", "V-P16"]);
  });

  it("refuses in new objects what is tolerated in stored ones", () => {
    const peer = bgpPeer("p", { holdTime: "20h" });
    expect(create(peer).refusals).toMatchObject([{ rule: "V-P8", severity: "refuse" }]);
    const stored = bgpPeer("p", { holdTime: "21h" });
    expect(summary(update(stored, peer))).toEqual({ refused: [], warned: ["V-P8"] });
  });

  it("checks a pool against the advertisements that are there already", () => {
    const bgpAdvertisements = [bgpAdvertisement("wide", { aggregationLength: 24 })];
    const small = ipAddressPool("small", ["10.0.2.0/28"]);
    expect(create(small, { ...live, bgpAdvertisements }).refusals).toMatchObject([
      { rule: "V-G14", object: { name: "wide" }, related: [{ name: "small" }] },
    ]);
  });

  it("checks advertisements that still wait for their alias", () => {
    const bgpAdvertisements = [
      createdAt(bgpAdvertisement("waiting", { localPref: 100, communities: ["later"] }), 1),
    ];
    const { refusals } = create(bgpAdvertisement("new", { localPref: 200 }), {
      ...live,
      bgpAdvertisements,
    });
    expect(refusals.map(({ rule }) => rule)).toEqual(["V-G15"]);
  });

  it("warns about a pool that nobody announces", () => {
    expect(summary(create(first))).toEqual({ refused: [], warned: ["H-R3"] });
  });

  it("warns about disableMP and still judges the rest (V-W3)", () => {
    expect(summary(create(bgpPeer("p", { disableMP: true })))).toEqual({
      refused: [],
      warned: ["V-W3"],
    });
    const bad = bgpPeer("p", { disableMP: true, myASN: 0 });
    expect(summary(create(bad))).toEqual({ refused: ["V-P1"], warned: ["V-W3"] });
    const elsewhere = { ...bgpPeer("p", { disableMP: true }), metadata: { name: "p" } };
    expect(create(elsewhere).refusals.map(({ rule }) => rule)).toEqual(["V-W1"]);
  });

  it("names the right namespace (V-W1)", () => {
    const object = { ...first, metadata: { name: "first", namespace: "default" } };
    const [refusal] = create(object).refusals;
    expect(refusal?.message).toContain('"default"');
    expect(refusal?.message).toContain(`"${NAMESPACE}"`);
  });

  it("accepts an object whose name the API server has yet to make up", () => {
    const metadata = { namespace: NAMESPACE, generateName: "pool-" };
    const { refusals } = create({ ...first, metadata }, { ...live, ipAddressPools: [] });
    expect(refusals).toEqual([]);
  });
});

describe("update", () => {
  it("replaces the stored object instead of meeting it", () => {
    const wider = ipAddressPool("first", ["10.0.0.0/24", "10.0.2.0/24"]);
    expect(summary(update(first, wider, live))).toEqual({ refused: [], warned: [] });
  });

  it("blames the changed object even when it is the older one", () => {
    const { refusals } = update(first, ipAddressPool("first", ["10.0.0.0/23"]), live);
    expect(refusals).toMatchObject([{ rule: "V-L4", object: { name: "first" } }]);
  });

  it("never refuses what leaves spec and labels alone", () => {
    const broken = ipAddressPool("broken", ["x"]);
    const annotated = { ...broken, metadata: { ...broken.metadata, annotations: { a: "b" } } };
    expect(summary(update(broken, annotated, live))).toEqual({ refused: [], warned: ["V-L2"] });
    expect(update(broken, ipAddressPool("broken", ["y"]), live).refusals).toHaveLength(1);
  });

  it("lets go of an object that is being deleted", () => {
    const leaving = ipAddressPool("first", ["x"]);
    const metadata = { ...leaving.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(update(first, { ...leaving, metadata }, live)).toEqual({ refusals: [], warnings: [] });
  });

  it("warns about what others lose by it", () => {
    const selecting = l2Advertisement("x", { ipAddressPoolSelectors: [withLabel("tier", "x")] });
    const before = labelled(first, { tier: "x" });
    const resources = { ipAddressPools: [before], l2Advertisements: [selecting] };
    expect(summary(update(before, first, resources)).warned.sort()).toEqual(["H-R3", "H-R4"]);
  });

  it("names the Services that lose their address, and how many (V-X6)", () => {
    const services = [1, 2, 3, 4].map(number => ({
      namespace: "web",
      name: `s${number}`,
      addresses: [`10.0.0.${number}`],
    }));
    const { warnings } = update(first, ipAddressPool("first", ["10.0.0.2-10.0.0.3"]), {
      ...live,
      services,
    });
    expect(warnings).toMatchObject([{ rule: "V-X6" }]);
    expect(warnings[0]?.message).toContain("2 addresses from Services");
    expect(warnings[0]?.message).toContain("web/s1 (10.0.0.1), web/s4 (10.0.0.4)");
  });

  it("compares with the stored peer (V-S9)", () => {
    const on = bgpPeer("p", { enableGracefulRestart: true });
    expect(update(bgpPeer("p"), on).refusals).toMatchObject([{ rule: "V-S9" }]);
    expect(update(on, bgpPeer("p", { enableGracefulRestart: true, vrf: "red" })).refusals).toEqual(
      [],
    );
  });
});

describe("deletion", () => {
  it("warns about advertisements that name the pool", () => {
    const naming = l2Advertisement("x", { ipAddressPools: ["first"] });
    const { refusals, warnings } = remove(first, { ...live, l2Advertisements: [naming] });
    expect(refusals).toEqual([]);
    expect(warnings).toMatchObject([{ rule: "H-R1", object: { name: "x" } }]);
  });

  it("warns about pools that nobody announces any more", () => {
    expect(summary(remove(everything, live)).warned).toEqual(["H-R3", "H-R3"]);
  });

  it("warns about advertisements whose alias goes", () => {
    const communities = [community("c", ["vpn", "1:2"])];
    const bgpAdvertisements = [bgpAdvertisement("x", { communities: ["vpn"] })];
    const { warnings } = remove(communities[0]!, { communities, bgpAdvertisements });
    expect(warnings).toMatchObject([{ rule: "V-G12" }]);
  });

  it("names the Services that lose their address, and how many (V-X6)", () => {
    const services = [1, 2, 3, 4, 5].map(number => ({
      namespace: "web",
      name: `s${number}`,
      addresses: [`10.0.0.${number}`],
    }));
    const { refusals, warnings } = remove(first, { ...live, services });
    expect(refusals).toEqual([]);
    expect(warnings).toMatchObject([{ rule: "V-X6", severity: "warn" }]);
    expect(warnings[0]?.message).toContain(
      "would take 5 addresses from Services: web/s1 (10.0.0.1), web/s2 (10.0.0.2), web/s3 (10.0.0.3) and 2 more",
    );
    expect(remove(second, { ...live, services }).warnings).toEqual([]);
  });

  describe("of what a pool gives", () => {
    const held = (...addresses: string[]) => ({
      namespace: "web",
      name: "shop",
      labels: { tier: "front" },
      addresses,
    });
    const namespaces = [{ name: "web", labels: { team: "a" } }];
    const stored = ipAddressPool("first", ["10.0.0.0/24"]);
    const warned = (spec: object, services = [held("10.0.0.0", "10.0.0.7")]) =>
      reviewChange(
        {
          operation: "UPDATE",
          kind: "IPAddressPool",
          object: { ...stored, spec: { ...stored.spec, ...spec } },
          oldObject: stored,
        },
        { ipAddressPools: [stored], l2Advertisements: [everything], namespaces, services },
        { namespace: NAMESPACE },
      ).warnings.flatMap(({ rule, message }) => (rule === "V-X6" ? [message] : []));

    it("names the Service on an address that avoidBuggyIPs forbids (V-X6)", () => {
      const [message] = warned({ avoidBuggyIPs: true });
      expect(message).toContain("would take 1 address from Services: web/shop (10.0.0.0).");
      expect(warned({ avoidBuggyIPs: true }, [held("10.0.0.1")])).toEqual([]);
    });

    it.each([
      { namespaces: ["other"] },
      { namespaceSelectors: [withLabel("team", "b")] },
      { serviceSelectors: [withLabel("tier", "back")] },
      { namespaces: ["web"], serviceSelectors: [withLabel("tier", "back")] },
    ])("names the Service that serviceAllocation %j no longer admits (V-X6)", pin => {
      const [message] = warned({ serviceAllocation: pin });
      expect(message).toContain("2 addresses from Services: web/shop (10.0.0.0), web/shop");
    });

    it.each([
      { priority: 5 },
      { namespaces: ["web"] },
      { namespaceSelectors: [withLabel("team", "a")] },
      { serviceSelectors: [withLabel("tier", "back"), withLabel("tier", "front")] },
    ])("says nothing where serviceAllocation %j still admits it", pin => {
      expect(warned({ serviceAllocation: pin })).toEqual([]);
    });
  });

  it("refuses to take away a profile that a peer names, and names the peer (V-W2)", () => {
    const bfdProfiles = [bfdProfile("p")];
    const { refusals, warnings } = remove(bfdProfiles[0]!, {
      bfdProfiles,
      bgpPeers: [bgpPeer("router", { bfdProfile: "p" })],
    });
    expect(warnings).toEqual([]);
    expect(refusals).toMatchObject([{ rule: "V-W2" }]);
    expect(refusals[0]?.message).toContain('BGPPeer "router"');
  });

  it("says nothing when nobody misses the object", () => {
    expect(remove(second, live)).toEqual({ refusals: [], warnings: [] });
  });
});

it("has no opinion about other kinds and names that every object inherits", () => {
  for (const kind of ["ServiceL2Status", "constructor", ""]) {
    expect(create({ kind, metadata: { name: "x" } }, live)).toEqual({ refusals: [], warnings: [] });
  }
});
