import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  AddressConflicts,
  CLAIM_GRACE_MS,
  type ConflictAction,
  type ConflictDetection,
  type ConflictEvent,
  type ConflictPolicy,
  type ConflictReport,
} from "../../../../lib/net/address-conflict";

const VIP = "192.0.2.10";
const STRANGER = "02:00:00:00:00:66";
const SPEAKER = "02:00:00:00:00:02";

interface Timed {
  readonly atMs: number;
  readonly action: ConflictAction;
}

/** The machine on a clock of its own, with the middle of every random range. */
class Rig {
  readonly speakers = new Set([SPEAKER]);
  readonly log: Timed[] = [];
  readonly machine: AddressConflicts;
  nowMs = 0;

  constructor(detection: ConflictDetection = "fast", policy: ConflictPolicy = "defend") {
    const isSpeaker = (mac: string): boolean => this.speakers.has(mac);
    this.machine = new AddressConflicts(isSpeaker, () => 0.5, { detection, policy });
  }

  do(event: ConflictEvent): void {
    for (const action of this.machine.handle(event, this.nowMs)) {
      this.log.push({ atMs: this.nowMs, action });
    }
  }

  claim(mac = STRANGER, kind: "claim" | "probe" = "claim"): void {
    this.do({ type: "foreign", address: VIP, mac, interfaceName: "eth0", kind });
  }

  /** Carries out every deadline on the way. */
  runTo(untilMs: number): void {
    for (;;) {
      const dueMs = this.machine.nextDeadlineMs();
      if (dueMs === undefined || dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.do({ type: "timeout" });
    }
    this.nowMs = untilMs;
  }

  timesOf(type: ConflictAction["type"]): readonly number[] {
    return this.log.filter(({ action }) => action.type === type).map(({ atMs }) => atMs);
  }

  reports(): readonly ConflictReport[] {
    return this.log.flatMap(({ action }) => (action.type === "report" ? [action.report] : []));
  }
}

/** A rig that owns the address because a speaker had it before. */
function owningRig(policy: ConflictPolicy = "defend"): Rig {
  const rig = new Rig("fast", policy);
  rig.do({ type: "peerClaim", address: VIP });
  rig.do({ type: "taken", address: VIP });
  return rig;
}

describe("an address that is new to the cluster", () => {
  it("is asked for before it is announced, 0.4 s with the election's probes", () => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    rig.runTo(10_000);
    expect(rig.timesOf("probe")).toEqual([0, 100]);
    expect(rig.timesOf("announce")).toEqual([280]);
  });

  it("is asked for as RFC 5227 §2.1.1 says, when that is wanted", () => {
    const rig = new Rig("rfc5227");
    rig.do({ type: "taken", address: VIP });
    rig.runTo(20_000);
    expect(rig.timesOf("probe")).toEqual([500, 2_000, 3_500]);
    expect(rig.timesOf("announce")).toEqual([5_500]);
  });

  it("is announced at once when nobody shall be asked", () => {
    const rig = new Rig("off");
    rig.do({ type: "taken", address: VIP });
    expect(rig.log).toEqual([{ atMs: 0, action: { type: "announce", address: VIP } }]);
  });

  it.each(["claim", "probe"] as const)("is withheld after a stranger's %s, and said so", kind => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    rig.runTo(1);
    rig.claim(STRANGER, kind);
    rig.runTo(5_000);
    expect(rig.timesOf("announce")).toEqual([]);
    expect(rig.reports()).toEqual([
      {
        address: VIP,
        state: "withheld",
        mac: STRANGER,
        interfaceName: "eth0",
        claims: 1,
        defences: 0,
        retryInMs: 60_000,
      },
    ]);
    // With the 120 ms of the election: 0.33 s after the first question.
    expect(rig.timesOf("report")).toEqual([201]);
  });

  it("waits with its decision for the judgement about a late claim", () => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    rig.runTo(270);
    rig.claim();
    rig.runTo(5_000);
    expect(rig.timesOf("announce")).toEqual([]);
    expect(rig.timesOf("report")).toEqual([270 + CLAIM_GRACE_MS]);
  });

  it("is not withheld because of a station that turns out to be a speaker", () => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    rig.claim("02:00:00:00:00:03");
    rig.speakers.add("02:00:00:00:00:03");
    rig.runTo(5_000);
    expect(rig.timesOf("announce")).toEqual([280]);
    expect(rig.reports()).toEqual([]);
  });

  it("is asked for again after 60 s, then twice as long each time up to 10 min, and announced when it is free", () => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    let isTaken = true;
    const answer = (): void => {
      if (isTaken) rig.claim();
    };
    for (let atMs = 0; atMs < 3_000_000; atMs += 50) {
      rig.runTo(atMs);
      const last = rig.log.at(-1);
      if (last?.action.type === "probe" && last.atMs > rig.nowMs - 50) answer();
      if (atMs > 2_000_000) isTaken = false;
    }
    const withheld = rig.reports().filter(({ state }) => state === "withheld");
    expect(withheld.map(({ retryInMs }) => retryInMs)).toEqual([
      60_000, 120_000, 240_000, 480_000, 600_000, 600_000,
    ]);
    expect(rig.reports().at(-1)).toMatchObject({ state: "over", mac: STRANGER });
    expect(rig.timesOf("announce")).toHaveLength(1);
  });

  it("is left alone once it belongs to another node again", () => {
    const rig = new Rig();
    rig.do({ type: "taken", address: VIP });
    rig.do({ type: "released", address: VIP });
    rig.runTo(600_000);
    expect(rig.log).toEqual([]);
    expect(rig.machine.nextDeadlineMs()).toBeUndefined();
  });
});

describe("an address that a speaker had before", () => {
  it("is announced without a question: a takeover waits for nothing", () => {
    expect(owningRig().log).toEqual([{ atMs: 0, action: { type: "announce", address: VIP } }]);
  });

  it("is defended against a stranger, at most every 10 s (RFC 5227 §2.4 c)", () => {
    const rig = owningRig();
    for (let atMs = 1_000; atMs < 31_000; atMs += 500) {
      rig.runTo(atMs);
      rig.claim();
    }
    rig.runTo(33_000);
    const defences = rig.timesOf("defend");
    expect(defences).toHaveLength(3);
    expect(defences[0]).toBe(1_000 + CLAIM_GRACE_MS);
    for (const [index, atMs] of defences.slice(1).entries()) {
      expect(atMs - (defences[index] ?? 0)).toBeGreaterThanOrEqual(10_000);
    }
    expect(rig.timesOf("withhold")).toEqual([]);
    const reports = rig.reports();
    expect(reports.every(({ state, mac }) => state === "defended" && mac === STRANGER)).toBe(true);
    expect(reports.reduce((sum, { claims }) => sum + claims, 0)).toBe(60);
    expect(reports.reduce((sum, { defences: sent }) => sum + sent, 0)).toBe(3);
    // Once a second, however many claims there are.
    expect(reports.length).toBeLessThanOrEqual(32);
  });

  it("is given up at the second claim within 10 s with policy `yield` (RFC 5227 §2.4 b)", () => {
    const rig = owningRig("yield");
    rig.claim();
    rig.runTo(1_000);
    expect(rig.timesOf("defend")).toEqual([CLAIM_GRACE_MS]);
    rig.claim();
    rig.runTo(5_000);
    expect(rig.timesOf("withhold")).toEqual([1_000 + CLAIM_GRACE_MS]);
    expect(rig.reports().at(-1)).toMatchObject({ state: "withheld", retryInMs: 60_000 });
  });

  it("stays defended at claims that are further apart", () => {
    const rig = owningRig("yield");
    for (const atMs of [0, 11_000, 22_000]) {
      rig.runTo(atMs);
      rig.claim();
    }
    rig.runTo(25_000);
    expect(rig.timesOf("withhold")).toEqual([]);
    expect(rig.timesOf("defend")).toHaveLength(3);
  });

  it("is free of the conflict a minute after the last claim", () => {
    const rig = owningRig();
    rig.claim();
    rig.runTo(120_000);
    expect(rig.reports().map(({ state }) => state)).toEqual(["defended", "over"]);
    expect(rig.timesOf("report").at(-1)).toBe(CLAIM_GRACE_MS + 60_000);
    expect(rig.machine.nextDeadlineMs()).toBeUndefined();
  });

  it("does not mind a stranger who only asks: the answer tells him", () => {
    const rig = owningRig();
    rig.claim(STRANGER, "probe");
    rig.runTo(5_000);
    expect(rig.reports()).toEqual([]);
  });

  it("does not take the MAC address of a speaker for a stranger's", () => {
    const rig = owningRig();
    rig.claim(SPEAKER);
    rig.runTo(5_000);
    expect(rig.reports()).toEqual([]);
    expect(rig.timesOf("defend")).toEqual([]);
  });

  it("tells eight strangers apart and no more, whatever they send", () => {
    const rig = owningRig();
    for (let index = 0; index < 10_000; index += 1) {
      rig.claim(`02:66:00:00:${(index >> 8).toString(16)}:${(index & 255).toString(16)}`);
    }
    rig.runTo(1_500);
    expect(rig.reports().length).toBeLessThanOrEqual(16);
    expect(new Set(rig.reports().map(({ mac }) => mac)).size).toBe(8);
  });
});

it("asks for ten thousand new addresses in portions", () => {
  const machine = new AddressConflicts(
    () => false,
    () => 0.5,
  );
  for (let index = 0; index < 10_000; index += 1) {
    machine.handle({ type: "taken", address: `a${index}` }, 0);
  }
  const probes = new Map<number, number>();
  let announced = 0;
  let nowMs = 0;
  for (
    let dueMs = machine.nextDeadlineMs();
    dueMs !== undefined;
    dueMs = machine.nextDeadlineMs()
  ) {
    nowMs = Math.max(nowMs, dueMs);
    for (const { type } of machine.handle({ type: "timeout" }, nowMs)) {
      if (type === "probe") probes.set(nowMs, (probes.get(nowMs) ?? 0) + 1);
      if (type === "announce") announced += 1;
    }
  }
  expect(announced).toBe(10_000);
  expect(Math.max(...probes.values())).toBeLessThanOrEqual(100);
  expect(nowMs).toBeLessThan(6_000);
});

const event: fc.Arbitrary<ConflictEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom("taken" as const, "released" as const, "forgotten" as const),
    address: fc.constantFrom(VIP, "2001:db8::10"),
  }),
  fc.record({ type: fc.constant("peerClaim" as const), address: fc.constant(VIP) }),
  fc.record({
    type: fc.constant("foreign" as const),
    address: fc.constantFrom(VIP, "2001:db8::10", "192.0.2.99"),
    mac: fc.constantFrom(STRANGER, SPEAKER, "02:00:00:00:00:67"),
    interfaceName: fc.constant("eth0"),
    kind: fc.constantFrom("claim" as const, "probe" as const),
  }),
  fc.constant({ type: "timeout" as const }),
);

test.prop([
  fc.array(fc.tuple(event, fc.integer({ min: 0, max: 15_000 })), { maxLength: 60 }),
  fc.constantFrom<ConflictPolicy>("defend", "yield"),
])(
  "whatever happens: announced only what is ours, defences 10 s apart, no deadline left behind",
  (steps, policy) => {
    const rig = new Rig("fast", policy);
    const ours = new Set<string>();
    const defended = new Map<string, number>();
    let seen = 0;
    const check = (): void => {
      for (const { atMs, action } of rig.log.slice(seen)) {
        if (action.type === "report") continue;
        expect(ours.has(action.address)).toBe(true);
        if (action.type !== "defend") continue;
        expect(atMs - (defended.get(action.address) ?? -Infinity)).toBeGreaterThanOrEqual(10_000);
        defended.set(action.address, atMs);
      }
      seen = rig.log.length;
    };
    for (const [given, pauseMs] of steps) {
      if (given.type === "taken") ours.add(given.address);
      if (given.type === "released" || given.type === "forgotten") ours.delete(given.address);
      if (given.type === "forgotten") defended.delete(given.address);
      rig.do(given);
      check();
      rig.runTo(rig.nowMs + pauseMs);
      check();
      expect(rig.machine.nextDeadlineMs() ?? Infinity).toBeGreaterThan(rig.nowMs);
    }
  },
);
