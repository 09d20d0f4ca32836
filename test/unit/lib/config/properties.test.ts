import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { normaliseIPAddressPool, reviewChange } from "../../../../lib/config/admission";
import { checkConfiguration, checkForReview } from "../../../../lib/config/check";
import type { IPAddressPool } from "../../../../lib/config/generated/resources";
import { formatProblem, problemKey, type Problem } from "../../../../lib/config/problem";
import { toObjectRef } from "../../../../lib/config/read-subjects";
import { takesPart } from "../../../../lib/config/review-rules";
import { parseIpRange, rangesOverlap } from "../../../../lib/net/ip-prefix";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  NAMESPACE,
  untyped,
  withLabel,
} from "../../../support/resources";

type Lists = Record<string, unknown[]>;
interface Made {
  readonly list: keyof ConfigurationResources;
  readonly object: { readonly kind?: string; readonly metadata: { readonly name?: string } };
}

const NODES = ["a", "b", "c"].map(name => ({ name, labels: { rack: name } }));

const entry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(octet(), octet()).map(([a, b]) => `10.0.${a}.${b * 8}/29`) },
  fc.tuple(octet(), octet()).map(([a, b]) => `10.0.${a}.${b}-10.0.${a}.${b + 20}`),
  octet().map(a => `fd00:${a}::/64`),
  fc.constantFrom("10.0.0.9-10.0.0.1", "x", "10.0.0.0/33"),
);
const names = (...choices: string[]): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom(...choices), { maxLength: 2 });
const racks = fc.array(fc.constantFrom("a", "b"), { maxLength: 2 });
const selectors = racks.map(list => list.map(rack => withLabel("rack", rack)));

const pool = fc
  .tuple(fc.nat(5), fc.array(entry, { maxLength: 2 }))
  .map(([name, addresses]) => made("ipAddressPools", ipAddressPool(`p${name}`, addresses)));
const peer = fc
  .record({
    myASN: fc.constantFrom(0, 64500, 64501),
    peerASN: fc.constantFrom(0, 64501, undefined),
    ebgpMultiHop: fc.boolean(),
    bfdProfile: fc.constantFrom("f0", "f1", undefined),
    holdTime: fc.constantFrom("2s", "90s", "500ms", "90", undefined),
    nodeSelectors: selectors,
  })
  .chain(spec => fc.nat(3).map(name => made("bgpPeers", bgpPeer(`r${name}`, spec))));
const advertisement = fc
  .record({
    ipAddressPools: names("p0", "p1", "p9"),
    peers: names("r0", "r1"),
    communities: names("1:2", "vpn", "1:2:3"),
    localPref: fc.constantFrom(0, 100),
    aggregationLength: fc.constantFrom(24, 29, 32),
    aggregationLengthV6: fc.constantFrom(64, 128),
    nodeSelectors: selectors,
  })
  .chain(spec =>
    fc.nat(3).map(name => made("bgpAdvertisements", bgpAdvertisement(`a${name}`, spec))),
  );
const l2 = fc
  .record({ ipAddressPools: names("p0", "p1", "p9"), nodeSelectors: selectors })
  .chain(spec =>
    fc.nat(2).map(name => made("l2Advertisements", l2Advertisement(`l${name}`, spec))),
  );
const profile = fc
  .record({ detectMultiplier: fc.constantFrom(1, 3), echoMode: fc.boolean() })
  .chain(spec => fc.nat(1).map(name => made("bfdProfiles", bfdProfile(`f${name}`, spec))));
const aliases = fc
  .tuple(fc.nat(2), fc.constantFrom("vpn", "x"), fc.constantFrom("1:2", "1:3", "y"))
  .map(([name, alias, value]) => made("communities", community(`c${name}`, [alias, value])));
const object = fc.oneof(pool, peer, advertisement, l2, profile, aliases);

describe("any configuration", () => {
  test.prop([
    fc
      .uniqueArray(object, {
        selector: ({ list, object: { metadata } }) => `${list}/${metadata.name}`,
      })
      .chain(list =>
        fc.tuple(fc.constant(aged(list)), fc.shuffledSubarray(aged(list), full(list))),
      ),
  ])("is judged the same whatever the order of its objects", ([list, shuffled]) => {
    expect(checkConfiguration(whole(shuffled))).toEqual(checkConfiguration(whole(list)));
  });

  test.prop([fc.array(object, { maxLength: 30 })])(
    "that was accepted object by object is accepted as a whole",
    list => {
      let live: Lists = { nodes: NODES };
      for (const [index, { list: name, object: fresh }] of list.entries()) {
        const stored = createdAt(fresh, index);
        const others = (live[name] ?? []) as Made["object"][];
        if (others.some(({ metadata }) => metadata.name === fresh.metadata.name)) continue;
        const { refusals } = reviewChange(
          { operation: "CREATE", kind: fresh.kind ?? "", object: fresh },
          live as object,
          { namespace: NAMESPACE },
        );
        if (refusals.length === 0) live = { ...live, [name]: [...others, stored] };
      }
      const { problems } = checkConfiguration(live as object);
      const against = problems.filter(
        ({ severity, nature }) =>
          (severity === "refuse" && nature === "lasting") || nature === "strict",
      );
      expect(against.map(formatProblem)).toEqual([]);
    },
  );

  test.prop([fc.array(object, { maxLength: 14 }), pool, fc.nat()], { numRuns: 300 })(
    "whose pool is changed or deleted: a person hears of everything that others lose by it",
    (list, { object: changed }, choice) => {
      const live = whole(unique([made("ipAddressPools", changed), ...list]).map(plainAged));
      const before = pick(live.ipAddressPools ?? [], choice);
      const after = { ...changed, metadata: before.metadata };
      const ref = toObjectRef("IPAddressPool", before);
      const others = (live.ipAddressPools ?? []).filter(other => other !== before);
      const told = (operation: "UPDATE" | "DELETE"): readonly string[] =>
        reviewChange(
          {
            operation,
            kind: "IPAddressPool",
            object: operation === "UPDATE" ? after : before,
            oldObject: before,
          },
          live,
          { namespace: NAMESPACE },
        ).warnings.map(formatProblem);
      const lost = (now: readonly Problem[], then: readonly Problem[]): readonly string[] => {
        const known = new Set(then.map(problemKey));
        const out = new Set(
          then.filter(({ severity }) => severity === "refuse").map(({ object }) => object.name),
        );
        const isBack = ({ rule, object }: Problem): boolean =>
          rule === "H-R3" && out.has(object.name);
        return now
          .filter(problem => !isBack(problem))
          .filter(problem => problem.severity !== "inform" && !known.has(problemKey(problem)))
          .filter(problem => !takesPart(problem, ref))
          .map(formatProblem);
      };
      const withPools = (...ipAddressPools: unknown[]): ConfigurationResources =>
        ({ ...live, ipAddressPools }) as ConfigurationResources;
      const judged = (resources: ConfigurationResources) => checkForReview(resources, ref).problems;
      expect(told("UPDATE")).toEqual(
        expect.arrayContaining(
          lost(judged(withPools(...others, after)), judged(withPools(...others, before))) as [],
        ),
      );
      const left = checkConfiguration(withPools(...others)).problems;
      expect(told("DELETE")).toEqual(
        expect.arrayContaining(lost(left, checkConfiguration(live).problems) as []),
      );
    },
  );

  const crowded = fc
    .tuple(fc.nat(30), fc.nat(6), fc.constantFrom("10.0.0.", "fd00::"))
    .map(([from, size, prefix]) => `${prefix}${from}-${prefix}${from + size}`);

  test.prop([fc.array(fc.array(crowded, { minLength: 1, maxLength: 4 }), { maxLength: 8 })], {
    numRuns: 500,
  })(
    "has every pool of the simple rule in force: readable, and no address of an older pool",
    lists => {
      const ipAddressPools = lists.map((addresses, index) =>
        createdAt(ipAddressPool(`p${index}`, addresses), index),
      );
      const inForce = checkConfiguration({ ipAddressPools }).configuration.pools;
      expect(inForce.map(({ name }) => name)).toEqual(oracle(ipAddressPools));
    },
  );
});

describe("hostile objects", () => {
  const kinds = fc.constantFrom<keyof ConfigurationResources>(
    "ipAddressPools",
    "l2Advertisements",
    "bgpAdvertisements",
    "bgpPeers",
    "bfdProfiles",
    "communities",
  );
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true });
  const damaged = fc
    .tuple(object, fc.string(), anything, fc.boolean())
    .map(([{ list, object: whole }, key, value, inMetadata]) => {
      const spec = (whole as unknown as { spec: Record<string, unknown> }).spec;
      const keys = Object.keys(spec);
      const field = keys[key.length % Math.max(keys.length, 1)] ?? key;
      if (inMetadata) return { list, object: { ...whole, metadata: value } };
      return { list, object: { ...whole, spec: { ...spec, [field]: value } } };
    });
  const hostile = fc.oneof(
    damaged,
    fc.record({ list: kinds, object: anything }),
    fc.record({ list: kinds, object: fc.record({ metadata: anything, spec: anything }) }),
  );

  test.prop([fc.array(hostile, { maxLength: 5 }), hostile], { numRuns: 400 })(
    "are judged, never thrown at, and their text stays on one line",
    (list, changed) => {
      const live = whole(list as never);
      for (const problem of checkConfiguration(live).problems) {
        expect(formatProblem(problem)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }
      for (const operation of ["CREATE", "UPDATE", "DELETE"] as const) {
        for (const kind of ["IPAddressPool", "BGPPeer", "BGPAdvertisement", "BFDProfile"]) {
          const change = { operation, kind, object: changed.object, oldObject: list[0]?.object };
          const { refusals, warnings } = reviewChange(change, live, { namespace: NAMESPACE });
          expect(Array.isArray(refusals) && Array.isArray(warnings)).toBe(true);
        }
      }
      expect(() => normaliseIPAddressPool(untyped({ spec: changed.object }))).not.toThrow();
    },
  );

  it.each([
    ["deep nesting", { addresses: [nested(50_000)] }],
    ["a hundred thousand bad entries", { addresses: Array.from({ length: 100_000 }, () => "x") }],
    ["one entry of a megabyte", { addresses: ["1".repeat(1_000_000)] }],
    ["odd Unicode", { addresses: ["１９２.０.２.１", "\u0000", "\ud800", "192.0.2.1\u200b"] }],
    ["numbers at the edges", { addresses: [Number.MAX_VALUE, -0, NaN, 2n ** 64n] }],
    [
      "a key of the language",
      JSON.parse('{"addresses":["x"],"__proto__":{"a":1},"constructor":1}'),
    ],
  ])("%s is refused", (_what, spec) => {
    const bad = { metadata: { name: "bad", namespace: NAMESPACE }, spec: spec as never };
    const good = ipAddressPool("good", ["10.0.0.0/24"]);
    const { configuration, problems } = checkConfiguration({ ipAddressPools: [bad, good] });
    expect(configuration.pools.map(({ name }) => name)).toEqual(["good"]);
    expect(problems.length).toBeLessThan(110);
  });

  it("a thousand selector expressions are worked through", () => {
    const matchExpressions = Array.from({ length: 1_000 }, (_, index) => ({
      key: `k${index}`,
      operator: "In",
      values: ["a", "b"],
    }));
    const l2Advertisements = [l2Advertisement("x", { nodeSelectors: [{ matchExpressions }] })];
    expect(checkConfiguration({ l2Advertisements }).problems).toEqual([]);
  });
});

function octet(): fc.Arbitrary<number> {
  return fc.nat(4);
}

function made(list: Made["list"], resource: Made["object"]): Made {
  return { list, object: resource };
}

function whole(list: readonly Made[]): ConfigurationResources {
  const lists: Lists = { nodes: NODES };
  for (const { list: name, object: resource } of list) {
    lists[name] = [...(lists[name] ?? []), resource];
  }
  return lists as object as ConfigurationResources;
}

/** The first of each kind and name. */
function unique(list: readonly Made[]): readonly Made[] {
  const key = ({ list: name, object: { metadata } }: Made): string => `${name}/${metadata.name}`;
  return [...new Map([...list].reverse().map(item => [key(item), item])).values()];
}

function plainAged(item: Made, index: number): Made {
  return { ...item, object: createdAt(item.object, index % 7) };
}

function pick<Item>(list: readonly Item[], choice: number): Item {
  return list[choice % list.length]!;
}

function aged(list: readonly Made[]): Made[] {
  return list.map(plainAged);
}

function full(list: readonly unknown[]): { minLength: number; maxLength: number } {
  return { minLength: list.length, maxLength: list.length };
}

/** Each pool against each, oldest first. */
function oracle(pools: readonly IPAddressPool[]): string[] {
  const taken: { first: bigint; last: bigint; family: "ipv4" | "ipv6" }[] = [];
  const inForce: string[] = [];
  for (const { metadata, spec } of pools) {
    const ranges = spec.addresses.map(text => parseIpRange(text));
    const own = ranges.flatMap(range => (range.ok ? [range.value] : []));
    const isClear = own.every(
      (range, index) =>
        ![...taken, ...own.slice(0, index)].some(other => rangesOverlap(range, other)),
    );
    if (own.length < ranges.length || !isClear) continue;
    taken.push(...own);
    inForce.push(metadata.name ?? "");
  }
  return inForce.sort();
}

function nested(depth: number): unknown {
  let value: unknown = "x";
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}
