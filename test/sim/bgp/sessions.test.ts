/** Sessions on the virtual clock: connections lost at every point, collisions, peers that never want. */
import { describe, expect, it } from "vitest";
import type { SessionConfiguration } from "../../../lib/bgp/negotiation";
import { formatIpPrefix, type IpPrefix } from "../../../lib/net/ip-prefix";
import { World, type Endpoint } from "./world";

const SPEAKER: SessionConfiguration = {
  localAs: 65_001,
  expectedAs: { type: "exactly", as: 65_002 },
  bgpIdentifier: 0x0a00_0001,
  holdTimeSeconds: 9,
  keepaliveSeconds: 3,
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
const SEEDS = 50;
const PLAIN = { communities: [], largeCommunities: [] };

function prefix(index: number): IpPrefix {
  return { family: "ipv4", value: BigInt(0xcb00_7100 + index), lengthBits: 32 };
}

interface Pair {
  readonly world: World;
  readonly speaker: Endpoint;
  readonly router: Endpoint;
}

/** The speaker calls; the router waits, unless it calls too. */
function begin(seed: number, isRouterActive = false): Pair {
  const world = new World(seed);
  const speaker = world.add("speaker", SPEAKER);
  const router = world.add("router", ROUTER);
  for (let index = 0; index < 5; index += 1) {
    speaker.rib.announce({ prefix: prefix(index), attributes: PLAIN });
  }
  router.handle({ type: isRouterActive ? "manualStart" : "manualStartPassive" });
  speaker.handle({ type: "manualStart" });
  return { world, speaker, router };
}

function isSettled({ speaker, router }: Pair, prefixes: readonly number[]): boolean {
  const wanted = prefixes.map(index => formatIpPrefix(prefix(index))).sort();
  const held = [...router.learnt.table.keys()].sort();
  const isSame = wanted.length === held.length && wanted.every((text, at) => text === held[at]);
  return speaker.isEstablished && router.isEstablished && isSame;
}

const FIRST_FIVE = [0, 1, 2, 3, 4];

describe("a connection that is lost", () => {
  it("at every octet of the exchange comes back with all routes, and nothing is left open", () => {
    const whole = begin(1);
    whole.world.run(20_000);
    expect(isSettled(whole, FIRST_FIVE)).toBe(true);
    for (let octets = 0; octets < 400; octets += 1) {
      const pair = begin(octets);
      pair.world.cutAfterOctets = octets;
      const isBack = pair.world.runUntil(
        () => pair.world.cutAfterOctets === undefined && isSettled(pair, FIRST_FIVE),
        60_000,
      );
      expect(isBack, `cut after ${octets} octets`).toBe(true);
      pair.world.run(1_000);
      expect(pair.speaker.halves.size, `cut after ${octets} octets`).toBe(1);
      expect(pair.router.halves.size, `cut after ${octets} octets`).toBe(1);
    }
  });

  it("any number of times, with routes changing all along, ends with the routes that are wanted", () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const pair = begin(seed, seed % 2 === 1);
      const { world, speaker } = pair;
      const wanted = new Set(FIRST_FIVE);
      for (let step = 0; step < 60; step += 1) {
        const index = Math.floor(world.random() * 12);
        if (wanted.delete(index)) speaker.rib.withdraw(prefix(index));
        else {
          wanted.add(index);
          speaker.rib.announce({ prefix: prefix(index), attributes: PLAIN });
        }
        speaker.flush();
        if (world.random() < 0.1) world.cutAll();
        if (world.random() < 0.05) world.isLinkUp = !world.isLinkUp;
        world.run(Math.floor(world.random() * 2_000));
      }
      world.isLinkUp = true;
      const isBack = world.runUntil(() => isSettled(pair, [...wanted]), 180_000);
      expect(isBack, `seed ${seed}`).toBe(true);
    }
  });
});

describe("two sides that call each other", () => {
  it("keep one connection and stay, whatever the seed", () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const pair = begin(seed, true);
      const isUp = pair.world.runUntil(() => isSettled(pair, FIRST_FIVE), 60_000);
      expect(isUp, `seed ${seed}`).toBe(true);
      pair.world.run(30_000);
      expect(pair.speaker.halves.size, `seed ${seed}`).toBe(1);
      expect(pair.speaker.flaps + pair.router.flaps, `seed ${seed}`).toBe(0);
    }
  });
});

describe("a peer that never wants", () => {
  it("accepts no connection: at most 10 attempts in a minute, then one in 30 s", () => {
    const world = new World(3);
    const speaker = world.add("speaker", SPEAKER);
    // Not started either: a passive side calls in the end.
    world.add("router", ROUTER).accepts = false;
    speaker.handle({ type: "manualStart" });
    world.run(60_000);
    expect(speaker.attempts).toBeLessThanOrEqual(10);
    expect(speaker.attempts).toBeGreaterThan(3);
    const before = speaker.attempts;
    world.run(3_540_000);
    expect(speaker.attempts - before).toBeLessThanOrEqual(118);
    expect(speaker.attempts - before).toBeGreaterThan(90);
    expect(speaker.isEstablished).toBe(false);
  });

  it("refuses every OPEN: at most 10 attempts in a minute and 40 in an hour", () => {
    const world = new World(4);
    const speaker = world.add("speaker", SPEAKER);
    const router = world.add("router", { ...ROUTER, expectedAs: { type: "exactly", as: 1 } });
    router.handle({ type: "manualStartPassive" });
    speaker.handle({ type: "manualStart" });
    const listening = setPassive(router);
    world.runUntil(() => listening() && false, 60_000);
    expect(speaker.attempts).toBeLessThanOrEqual(10);
    world.runUntil(() => listening() && false, 3_540_000);
    expect(speaker.attempts).toBeLessThanOrEqual(40);
    expect(speaker.attempts).toBeGreaterThan(20);
  });
});

/** Keeps the router waiting for calls: a session in Idle refuses them. */
function setPassive(router: Endpoint): () => boolean {
  return () => {
    if (router.peer.session.state === "Idle") router.handle({ type: "manualStartPassive" });
    return true;
  };
}
