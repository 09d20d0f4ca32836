/**
 * Three speakers with the real code of lib/liveness on one virtual clock and a seeded network: loss, delay, crashes, restarts,
 * orderly stops, cut cables. Checked at every step: two live nodes own an address only for a moment; after faults end, its first
 * live candidate alone owns it.
 */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { HeartbeatKeyring } from "../../../../lib/liveness/keyring";
import { Membership } from "../../../../lib/liveness/membership";
import { encodeHeartbeat, toNodeId } from "../../../../lib/liveness/message";
import { electOwner } from "../../../../lib/liveness/ownership";
import { HeartbeatReceiver } from "../../../../lib/liveness/receiver";

const NAMES = ["node-a", "node-b", "node-c"] as const;
type Name = (typeof NAMES)[number];
const KEYRING = new HeartbeatKeyring([Buffer.from("secret")], "metallb-system");
const RANKINGS: readonly (readonly Name[])[] = [
  ["node-a", "node-b", "node-c"],
  ["node-b", "node-c", "node-a"],
  ["node-c", "node-a", "node-b"],
];
/** Detection 500 ms, one interval, the network's delay, and a margin. */
const SETTLE_MS = 1200;
/** A node that starts hears all others within an interval, or waits a second. */
const MAX_DOUBLE_MS = 30;

/** A small generator of random numbers: the same seed gives the same run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Datagram {
  readonly dueMs: number;
  readonly from: Name;
  readonly to: Name;
  readonly bytes: Uint8Array;
}

class Speaker {
  readonly name: Name;
  readonly #bootId: bigint;
  readonly #membership: Membership;
  readonly #receiver: HeartbeatReceiver;
  #counter = 0n;

  constructor(name: Name, boot: number, nowMs: number, send: (bytes: Uint8Array) => void) {
    this.name = name;
    this.#bootId = BigInt(boot);
    this.send = send;
    this.#membership = new Membership(name, boot);
    this.#receiver = new HeartbeatReceiver(name, KEYRING);
    const peers = NAMES.filter(other => other !== name);
    this.#receiver.configure(
      peers.map(nodeName => ({ nodeName, addresses: [nodeName] })),
      KEYRING,
    );
    this.handle({ type: "configured", peerNames: peers }, nowMs);
    this.handle({ type: "synced" }, nowMs);
  }

  readonly send: (bytes: Uint8Array) => void;

  handle(event: Parameters<Membership["handle"]>[0], nowMs: number): void {
    for (const action of this.#membership.handle(event, nowMs)) {
      if (action.type === "sendHeartbeat") this.#sendHeartbeat(nowMs);
    }
  }

  receive({ bytes, from }: Datagram, nowMs: number): void {
    const received = this.#receiver.receive(bytes, from);
    if (received.ok) this.handle({ type: "heartbeat", heartbeat: received.value }, nowMs);
  }

  owns(ranking: readonly Name[]): boolean {
    return electOwner(ranking, name => this.#membership.isEligible(name)) === this.name;
  }

  nextDeadlineMs(): number {
    return this.#membership.nextDeadlineMs() ?? Infinity;
  }

  #sendHeartbeat(nowMs: number): void {
    this.#counter += 1n;
    const nodeId = toNodeId(this.name);
    const { keyNumber, key } = KEYRING.sealingKey(nodeId, this.#bootId);
    const header = { keyNumber, nodeId, bootId: this.#bootId, counter: this.#counter };
    this.send(encodeHeartbeat(header, this.#membership.heartbeatBody(nowMs), key));
  }
}

class World {
  nowMs = 0;
  lossShare = 0;
  readonly speakers = new Map<Name, Speaker>();
  readonly cut = new Set<Name>();
  /** Left in order; still processes, but never candidates again. */
  readonly left = new Set<Name>();
  /** Longest time without pause for which two nodes that hear each other owned an address. */
  worstDoubleMs = 0;
  readonly #random: () => number;
  #boots = 0;
  #network: Datagram[] = [];
  readonly #doubleSinceMs = new Map<number, number>();

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  start(name: Name): void {
    this.#boots += 1;
    this.left.delete(name);
    const send = (bytes: Uint8Array): void => this.#transmit(name, bytes);
    this.speakers.set(name, new Speaker(name, this.#boots, this.nowMs, send));
  }

  crash(name: Name): void {
    this.speakers.delete(name);
    this.left.delete(name);
  }

  leave(name: Name): void {
    this.speakers.get(name)?.handle({ type: "leave" }, this.nowMs);
    this.left.add(name);
  }

  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const nextMs = Math.min(
        ...this.#network.map(({ dueMs }) => dueMs),
        ...[...this.speakers.values()].map(speaker => speaker.nextDeadlineMs()),
      );
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      this.#deliver();
      for (const speaker of this.speakers.values()) {
        if (speaker.nextDeadlineMs() <= this.nowMs) speaker.handle({ type: "timeout" }, this.nowMs);
      }
      this.#watchDoubles();
    }
    this.nowMs = endMs;
  }

  owners(ranking: readonly Name[]): readonly Name[] {
    return NAMES.filter(name => this.speakers.get(name)?.owns(ranking) === true);
  }

  expectSettled(): void {
    for (const ranking of RANKINGS) {
      expect(this.owners(ranking)).toEqual(
        ranking.filter(name => this.speakers.has(name)).slice(0, 1),
      );
    }
  }

  #transmit(from: Name, bytes: Uint8Array): void {
    for (const to of NAMES) {
      const isLost = this.#random() < this.lossShare;
      if (to === from || isLost || this.cut.has(from)) continue;
      this.#network.push({ dueMs: this.nowMs + 0.1 + this.#random() * 3, from, to, bytes });
    }
  }

  #deliver(): void {
    const due = this.#network.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.#network = this.#network.filter(({ dueMs }) => dueMs > this.nowMs);
    for (const datagram of due) {
      if (!this.cut.has(datagram.to)) this.speakers.get(datagram.to)?.receive(datagram, this.nowMs);
    }
  }

  #watchDoubles(): void {
    for (const [index, ranking] of RANKINGS.entries()) {
      const owners = this.owners(ranking).filter(name => !this.cut.has(name));
      if (owners.length < 2) {
        this.#doubleSinceMs.delete(index);
        continue;
      }
      const sinceMs = this.#doubleSinceMs.get(index) ?? this.nowMs;
      this.#doubleSinceMs.set(index, sinceMs);
      this.worstDoubleMs = Math.max(this.worstDoubleMs, this.nowMs - sinceMs);
    }
  }
}

function settled(seed: number): World {
  const world = new World(seed);
  for (const name of NAMES) {
    world.start(name);
    world.run(7);
  }
  world.run(SETTLE_MS);
  world.expectSettled();
  // While they started, each took its addresses from those that were ready before it.
  expect(world.worstDoubleMs).toBeLessThanOrEqual(MAX_DOUBLE_MS);
  world.worstDoubleMs = 0;
  return world;
}

/** Runs until the address has an owner among `names`; the time it took. */
function untilOwned(world: World, ranking: readonly Name[], names: readonly Name[]): number {
  const startMs = world.nowMs;
  while (!world.owners(ranking).some(name => names.includes(name))) {
    world.run(1);
    if (world.nowMs - startMs > 5000) return Infinity;
  }
  return world.nowMs - startMs;
}

const FAULTS = {
  crash: (world: World, name: Name) => world.crash(name),
  start: (world: World, name: Name) => world.start(name),
  leave: (world: World, name: Name) => world.leave(name),
  cut: (world: World, name: Name) => void world.cut.add(name),
  mend: (world: World, name: Name) => void world.cut.delete(name),
  lossy: (world: World) => void (world.lossShare = 0.1),
  clear: (world: World) => void (world.lossShare = 0),
};
const FAULT_NAMES = ["crash", "start", "leave", "cut", "mend", "lossy", "clear"] as const;

describe("three speakers", () => {
  test.prop([fc.nat(0xffffffff)])("replace one that crashed within 0.5 s", seed => {
    const world = settled(seed);
    world.run(seed % 100);
    world.crash("node-a");
    expect(untilOwned(world, RANKINGS[0]!, ["node-b"])).toBeLessThanOrEqual(504);
    world.run(SETTLE_MS);
    world.expectSettled();
    expect(world.worstDoubleMs).toBe(0);
  });

  test.prop([fc.nat(0xffffffff)])("replace one that leaves within 5 ms", seed => {
    const world = settled(seed);
    world.leave("node-b");
    expect(untilOwned(world, RANKINGS[1]!, ["node-c"])).toBeLessThanOrEqual(5);
    expect(world.worstDoubleMs).toBe(0);
  });

  test.prop([fc.nat(0xffffffff)])("take one back that starts again, without a gap", seed => {
    const world = settled(seed);
    world.crash("node-a");
    world.run(SETTLE_MS);
    world.start("node-a");
    for (let step = 0; step < 1500; step += 1) {
      world.run(1);
      expect(world.owners(RANKINGS[0]!).length).toBeGreaterThanOrEqual(1);
    }
    world.expectSettled();
    expect(world.worstDoubleMs).toBeLessThanOrEqual(MAX_DOUBLE_MS);
  });

  it.each([1, 2, 3, 4, 5])("bear 5 %% loss for a minute without a move (seed %i)", seed => {
    const world = settled(seed);
    world.lossShare = 0.05;
    for (let step = 0; step < 600; step += 1) {
      world.run(100);
      world.expectSettled();
    }
    expect(world.worstDoubleMs).toBe(0);
  });

  test.prop(
    [
      fc.nat(0xffffffff),
      fc.array(fc.tuple(fc.constantFrom(...FAULT_NAMES), fc.constantFrom(...NAMES), fc.nat(1200)), {
        maxLength: 25,
      }),
    ],
    { numRuns: 60 },
  )("agree again after any faults", (seed, faults) => {
    const world = settled(seed);
    for (const [fault, name, waitMs] of faults) {
      FAULTS[fault](world, name);
      world.run(waitMs);
    }
    world.lossShare = 0;
    world.cut.clear();
    for (const name of world.left) world.crash(name);
    world.run(2 * SETTLE_MS);
    world.expectSettled();
  });

  it("replay the same run from the same seed", () => {
    const trace = (): readonly string[] => {
      const world = settled(4711);
      world.lossShare = 0.3;
      const seen: string[] = [];
      for (let step = 0; step < 200; step += 1) {
        world.run(10);
        seen.push(RANKINGS.map(ranking => world.owners(ranking).join()).join(" "));
      }
      return seen;
    };
    expect(trace()).toEqual(trace());
  });
});
