/** A peer that reads slowly, or not at all for a while: nothing grows, nothing is lost, and no timer spins. */
import { describe, expect, it } from "vitest";
import { SEND_BUDGET_OCTETS } from "../../../lib/bgp/limits";
import type { SessionConfiguration } from "../../../lib/bgp/negotiation";
import { formatIpPrefix, type IpPrefix } from "../../../lib/net/ip-prefix";
import { World, type Endpoint } from "./world";

const SPEAKER: SessionConfiguration = {
  localAs: 65_001,
  expectedAs: { type: "exactly", as: 65_002 },
  bgpIdentifier: 0x0a00_0001,
  holdTimeSeconds: 90,
  keepaliveSeconds: 30,
  families: ["ipv4-unicast"],
  offersExtendedNextHop: false,
  offersExtendedMessages: false,
};
const ROUTER: SessionConfiguration = {
  ...SPEAKER,
  localAs: 65_002,
  expectedAs: { type: "exactly", as: 65_001 },
  bgpIdentifier: 0x0a00_0002,
};
const ROUTES = 30_000;
const SEEDS = 8;
const MAX_MESSAGE_OCTETS = 4_096;
/** KEEPALIVEs are sent whatever waits. */
const KEEPALIVES_OCTETS = 10 * 19;

function prefix(index: number): IpPrefix {
  return { family: "ipv4", value: BigInt(0x0a00_0000 + index), lengthBits: 32 };
}

/** Attributes that change with the round: so that every route is sent again. */
function attributes(round: number) {
  return { communities: [65_001 * 65_536 + round], largeCommunities: [] };
}

interface Pair {
  readonly world: World;
  readonly speaker: Endpoint;
  readonly router: Endpoint;
}

function begin(seed: number): Pair {
  const world = new World(seed);
  const speaker = world.add("speaker", SPEAKER);
  const router = world.add("router", ROUTER);
  router.handle({ type: "manualStartPassive" });
  speaker.handle({ type: "manualStart" });
  world.runUntil(() => speaker.isEstablished && router.isEstablished, 10_000);
  return { world, speaker, router };
}

function announceAll({ speaker }: Pair, round: number): void {
  for (let index = 0; index < ROUTES; index += 1) {
    speaker.rib.announce({ prefix: prefix(index), attributes: attributes(round) });
  }
  speaker.flush();
}

describe("a peer that reads slowly", () => {
  it("gets the newest table, and what waits for it is bounded", () => {
    const pair = begin(1);
    const { world, speaker, router } = pair;
    router.isReading = false;
    for (let round = 0; round < 8; round += 1) {
      announceAll(pair, round);
      world.run(1_000);
    }
    expect(speaker.rib.pendingPrefixes).toBeGreaterThan(0);
    const bound = SEND_BUDGET_OCTETS + MAX_MESSAGE_OCTETS + KEEPALIVES_OCTETS;
    expect(speaker.mostUnsentOctets).toBeLessThanOrEqual(bound);
    router.isReading = true;
    expect(world.runUntil(() => speaker.rib.pendingPrefixes === 0, 10_000)).toBe(true);
    world.run(1_000);
    expect(router.learnt.table.size).toBe(ROUTES);
    expect(router.learnt.table.has(formatIpPrefix(prefix(ROUTES - 1)))).toBe(true);
    expect(new Set(router.learnt.table.values()).size).toBe(1);
    expect(speaker.flaps + router.flaps).toBe(0);
  });

  it("may ask for everything again meanwhile: the answer waits for it, and no timer spins", () => {
    const pair = begin(2);
    const { world, speaker, router } = pair;
    router.isReading = false;
    announceAll(pair, 0);
    world.run(1_000);
    speaker.rib.requestRefresh("ipv4-unicast");
    speaker.flush();
    world.run(10_000);
    expect(router.learnt.table.size).toBeLessThan(ROUTES);
    router.isReading = true;
    world.run(10_000);
    expect(router.learnt.table.size).toBe(ROUTES);
    expect(speaker.flaps + router.flaps).toBe(0);
  });
});

describe("a peer that now reads and now does not", () => {
  it("has the wanted routes in the end, whatever the seed", () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const pair = begin(seed);
      const { world, speaker, router } = pair;
      for (let step = 0; step < 20; step += 1) {
        router.isReading = world.random() < 0.5;
        for (let index = 0; index < 2_000; index += 1) {
          speaker.rib.announce({ prefix: prefix(index), attributes: attributes(step) });
        }
        if (world.random() < 0.5) speaker.rib.requestRefresh("ipv4-unicast");
        speaker.flush();
        // Sometimes longer than the peer's own hold time, which ends the session.
        world.run(Math.floor(world.random() * (world.random() < 0.1 ? 120_000 : 3_000)));
      }
      router.isReading = true;
      const isEven = (): boolean =>
        speaker.isEstablished &&
        router.isEstablished &&
        speaker.rib.pendingPrefixes === 0 &&
        router.learnt.table.size === 2_000 &&
        new Set(router.learnt.table.values()).size === 1;
      expect(world.runUntil(isEven, 300_000), `seed ${seed}`).toBe(true);
    }
  });
});
