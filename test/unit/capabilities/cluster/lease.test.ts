import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import { Lease, type LeaseOptions } from "../../../../capabilities/cluster/lease";
import { ManualClock, settle } from "./manual-clock";

interface Stored {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

function status(code: number): ApiError {
  return new ApiError(`status ${code}`, { code: "status", status: code });
}

/** The API server's one Lease, with its optimistic locking. */
class FakeApi {
  stored: Stored | undefined;
  /** Requests wait for this before they are carried out … */
  before: Promise<void> | undefined;
  /** … or are carried out, and then this is the answer. */
  lostAnswer: Error | undefined;
  isAway = false;
  writes = 0;
  #version = 100;

  get<Answer>(): Promise<Answer> {
    return this.#carryOut(() => {
      if (this.stored === undefined) throw status(404);
      return this.stored as Answer;
    });
  }

  post<Answer>(_path: string, body: unknown): Promise<Answer> {
    return this.#carryOut(() => {
      if (this.stored !== undefined) throw status(409);
      return this.write((body as Stored).spec) as Answer;
    });
  }

  put<Answer>(_path: string, body: unknown): Promise<Answer> {
    const { metadata, spec } = body as Stored;
    return this.#carryOut(() => {
      if (this.stored === undefined) throw status(404);
      if (metadata.resourceVersion !== this.stored.metadata.resourceVersion) throw status(409);
      return this.write(spec) as Answer;
    });
  }

  /** A write by whomever. */
  write(spec: Stored["spec"]): Stored {
    this.#version += 1;
    this.writes += 1;
    this.stored = { metadata: { resourceVersion: String(this.#version) }, spec };
    return this.stored;
  }

  async #carryOut<Answer>(work: () => Answer): Promise<Answer> {
    if (this.isAway) throw new ApiError("refused", { code: "network" });
    await this.before;
    const answer = work();
    if (this.lostAnswer !== undefined) throw this.lostAnswer;
    return answer;
  }
}

function contender(api: FakeApi, identity: string, options: Partial<LeaseOptions> = {}) {
  const clock = new ManualClock();
  const changes: boolean[] = [];
  let wallMs = 0;
  const lease = new Lease({
    client: api,
    namespace: "metallb-system",
    name: "herald-controller",
    identity,
    log: pino({ level: "silent" }),
    onChange: isHeld => changes.push(isHeld),
    clock,
    // Each timestamp is another one, as it is on a machine that is not instantaneous.
    now: () => new Date((wallMs += 1)),
    random: () => 0,
    ...options,
  });
  return { clock, changes, lease };
}

async function holder(api: FakeApi) {
  const held = contender(api, "first");
  held.lease.start();
  await settle();
  expect(held.lease.isHeld()).toBe(true);
  return held;
}

const LOST = new ApiError("timeout", { code: "timeout" });

describe("a free Lease", () => {
  it("is created, with a duration for others that exceeds ours", async () => {
    const api = new FakeApi();
    await holder(api);
    expect(api.stored?.spec).toMatchObject({
      holderIdentity: "first",
      leaseDurationSeconds: 10,
      leaseTransitions: 0,
    });
    expect(api.stored?.spec["renewTime"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it("is taken at once when its holder gave it back", async () => {
    const api = new FakeApi();
    api.write({ holderIdentity: "", leaseTransitions: 4 });
    await holder(api);
    expect(api.stored?.spec).toMatchObject({ holderIdentity: "first", leaseTransitions: 5 });
  });

  it("goes to one of two who want it at the same moment", async () => {
    const api = new FakeApi();
    const two = [contender(api, "one"), contender(api, "two")];
    for (const { lease } of two) lease.start();
    await settle();
    expect(two.map(({ lease }) => lease.isHeld())).toEqual([true, false]);
  });
});

describe("the holder", () => {
  it("renews, keeping the time at which it acquired", async () => {
    const api = new FakeApi();
    const { clock, changes, lease } = await holder(api);
    const acquired = api.stored?.spec["acquireTime"];
    await clock.advance(60_000);
    expect(api.writes).toBe(31);
    expect(lease.isHeld()).toBe(true);
    expect(changes).toEqual([true]);
    expect(api.stored?.spec["acquireTime"]).toBe(acquired);
  });

  it("counts from the start of the renewal, not from its answer", async () => {
    const api = new FakeApi();
    let answer = (): void => undefined;
    api.before = new Promise(resolve => {
      answer = resolve;
    });
    const { clock, lease } = contender(api, "first");
    lease.start();
    await clock.advance(3_000);
    answer();
    await settle();
    await clock.advance(4_999 - 2_000);
    expect(lease.isHeld()).toBe(true);
    api.isAway = true;
    clock.freeze(8_000);
    expect(lease.isHeld()).toBe(false);
  });

  it("that is stopped for longer than the duration does not hold when it wakes up", async () => {
    const api = new FakeApi();
    const { clock, changes, lease } = await holder(api);
    clock.freeze(8_000);
    expect(lease.isHeld()).toBe(false);
    await clock.advance(0);
    expect(lease.isHeld()).toBe(true); // nobody took it: the renewal succeeded
    expect(changes).toEqual([true, false, true]);
  });

  it("with an answer that comes after the duration does not hold", async () => {
    const api = new FakeApi();
    let answer = (): void => undefined;
    api.before = new Promise(resolve => {
      answer = resolve;
    });
    const { clock, lease } = contender(api, "first");
    lease.start();
    clock.freeze(8_000);
    api.before = undefined;
    answer();
    await settle();
    expect(lease.isHeld()).toBe(false);
  });

  it("tells that it lost the Lease when the API server is away for the duration", async () => {
    const api = new FakeApi();
    const { clock, changes, lease } = await holder(api);
    api.isAway = true;
    await clock.advance(7_999);
    expect(lease.isHeld()).toBe(true);
    await clock.advance(1);
    expect(changes).toEqual([true, false]);
    api.isAway = false;
    await clock.advance(2_000);
    expect(changes).toEqual([true, false, true]);
  });

  it("recognises its own renewal whose answer was lost, and goes on holding", async () => {
    const api = new FakeApi();
    const { clock, changes } = await holder(api);
    api.lostAnswer = LOST;
    await clock.advance(2_000);
    api.lostAnswer = undefined;
    await clock.advance(60_000);
    expect(changes).toEqual([true]);
  });

  it("goes on holding when somebody changed no more than a label", async () => {
    const api = new FakeApi();
    const { clock, changes } = await holder(api);
    api.write(api.stored!.spec);
    await clock.advance(60_000);
    expect(changes).toEqual([true]);
  });

  it("stops holding as soon as it sees another one in its place", async () => {
    const api = new FakeApi();
    const { clock, changes } = await holder(api);
    api.write({ ...api.stored!.spec, holderIdentity: "usurper", renewTime: "now" });
    await clock.advance(2_000);
    expect(changes).toEqual([true, false]);
  });

  it("makes the Lease anew when it was deleted", async () => {
    const api = new FakeApi();
    const { clock, lease } = await holder(api);
    api.stored = undefined;
    await clock.advance(2_000);
    expect(lease.isHeld()).toBe(true);
    expect(api.stored).toMatchObject({ spec: { holderIdentity: "first" } });
  });
});

describe("a foreign Lease", () => {
  const spec = { holderIdentity: "other", renewTime: "1970", leaseDurationSeconds: 10 };

  it("is taken only after we watched it for its duration, however old its times look", async () => {
    const api = new FakeApi();
    api.write({ ...spec, leaseTransitions: 3 });
    const { clock, lease } = contender(api, "first");
    lease.start();
    await clock.advance(9_999);
    expect(lease.isHeld()).toBe(false);
    await clock.advance(1);
    expect(lease.isHeld()).toBe(true);
    expect(api.stored?.spec).toMatchObject({ holderIdentity: "first", leaseTransitions: 4 });
  });

  it("is never taken while it is renewed, whatever its clock says", async () => {
    const api = new FakeApi();
    const { clock, changes, lease } = contender(api, "first");
    api.write(spec);
    lease.start();
    for (let renewal = 0; renewal < 20; renewal += 1) {
      await clock.advance(9_000);
      api.write({ ...spec, renewTime: `renewal ${renewal}` });
    }
    expect(changes).toEqual([]);
  });

  it("of the same identity but another process is foreign", async () => {
    const api = new FakeApi();
    api.write({ ...spec, holderIdentity: "first" });
    const { clock, lease } = contender(api, "first");
    lease.start();
    await clock.advance(5_000);
    expect(lease.isHeld()).toBe(false);
  });

  it("that is deleted under a holder we knew is not ours before the holder must have stopped", async () => {
    const api = new FakeApi();
    api.write(spec);
    const { clock, lease } = contender(api, "first");
    lease.start();
    await clock.advance(4_000);
    api.stored = undefined;
    await clock.advance(10_000);
    expect(lease.isHeld()).toBe(false);
    await clock.advance(4_000);
    expect(lease.isHeld()).toBe(true);
  });

  it("goes to one of two who wait for it", async () => {
    const api = new FakeApi();
    api.write(spec);
    const clock = new ManualClock();
    const two = ["one", "two"].map(identity => contender(api, identity, { clock }));
    for (const { lease } of two) lease.start();
    await clock.advance(60_000);
    expect(two.filter(({ lease }) => lease.isHeld()).length).toBe(1);
  });
});

describe("stop", () => {
  it("ends holding at once and gives the Lease back", async () => {
    const api = new FakeApi();
    const { clock, changes, lease } = await holder(api);
    const stopped = lease.stop();
    expect(lease.isHeld()).toBe(false);
    await stopped;
    expect(changes).toEqual([true, false]);
    expect(api.stored?.spec).toMatchObject({ holderIdentity: "" });
    await clock.advance(60_000);
    expect(api.writes).toBe(2);
    expect(clock.nextInMs).toBeUndefined();
  });

  it("does not touch a Lease that is another one's", async () => {
    const api = new FakeApi();
    api.write({ holderIdentity: "other", leaseDurationSeconds: 10 });
    const { lease } = contender(api, "first");
    lease.start();
    await settle();
    await lease.stop();
    expect(api.writes).toBe(1);
  });

  it("resolves although the API server is away", async () => {
    const api = new FakeApi();
    const { lease } = await holder(api);
    api.isAway = true;
    await expect(lease.stop()).resolves.toBeUndefined();
  });

  it("before the start makes the start do nothing", async () => {
    const api = new FakeApi();
    const { clock, lease } = contender(api, "first");
    await lease.stop();
    lease.start();
    await clock.advance(10_000);
    expect(api.writes).toBe(0);
  });
});
