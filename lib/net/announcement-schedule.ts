/**
 * When which announcement of which address leaves an interface: every address passes through the same rounds, each a fixed
 * time after its start, is refreshed ever after, and no more frames leave than switches and policers bear. Owns no timer and no socket: call `take`
 * until it returns undefined, come back at `nextDeadlineMs`.
 *
 * An address waits in one queue at a time, that of its next round. All addresses of a queue wait equally long, so every queue
 * is in order of its due times and each step is O(1), for ten thousand addresses as for one.
 */
import { assert } from "./result";
import { TokenBucket, type FrameRate } from "./token-bucket";

/** One round: what is sent, and how long after the start. */
export interface AnnouncementRound<Form> {
  readonly form: Form;
  readonly afterMs: number;
}

export interface AnnouncementRates {
  /** The first round: it decides how long a takeover lasts. */
  readonly firstRound: FrameRate;
  /** The others: repetitions against loss. */
  readonly laterRounds: FrameRate;
  /** What is repeated for ever: with many addresses their turns come later, not faster. */
  readonly refresh: FrameRate;
}

export const DEFAULT_ANNOUNCEMENT_RATES: AnnouncementRates = {
  firstRound: { framesPerSecond: 5000, burstFrames: 200 },
  laterRounds: { framesPerSecond: 1000, burstFrames: 200 },
  refresh: { framesPerSecond: 50, burstFrames: 5 },
};

/** What is sent again and again after the rounds, and how long after the time before. */
export interface AnnouncementRefresh<Form> {
  readonly form: Form;
  readonly everyMs: number;
}

/** What is to be sent now. */
export interface DueAnnouncement<Item, Form> {
  readonly item: Item;
  readonly form: Form;
}

interface Waiting<Item> {
  readonly item: Item;
  readonly startMs: number;
  dueMs: number;
  isCancelled: boolean;
}

/** The queue of a round, or of the refresh. */
interface Stage<Item, Form> {
  readonly form: Form;
  readonly queue: WaitingQueue<Item>;
  readonly bucket: TokenBucket;
}

export class AnnouncementSchedule<Item, Form> {
  readonly #rounds: readonly AnnouncementRound<Form>[];
  readonly #refresh: AnnouncementRefresh<Form> | undefined;
  readonly #stages: readonly Stage<Item, Form>[];
  readonly #waiting = new Map<Item, Waiting<Item>>();

  /**
   * `rounds` in ascending order of their times; without `refresh` an item is done after the last. Schedules that share a
   * `refreshBucket` share its rate.
   */
  constructor(
    rounds: readonly AnnouncementRound<Form>[],
    refresh?: AnnouncementRefresh<Form>,
    rates: AnnouncementRates = DEFAULT_ANNOUNCEMENT_RATES,
    refreshBucket: TokenBucket = new TokenBucket(rates.refresh),
  ) {
    assert(
      rounds.every((round, index) => round.afterMs >= (rounds[index - 1]?.afterMs ?? 0)),
      "announcement rounds in ascending order",
    );
    this.#rounds = rounds;
    this.#refresh = refresh;
    const first = new TokenBucket(rates.firstRound);
    const later = new TokenBucket(rates.laterRounds);
    const stages = rounds.map(({ form }, index) =>
      toStage<Item, Form>(form, index === 0 ? first : later),
    );
    const last = refresh && toStage<Item, Form>(refresh.form, refreshBucket);
    this.#stages = last === undefined ? stages : [...stages, last];
  }

  /** Number of items that still have something before them. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Begins the rounds of the item; one that is already under way begins anew. */
  start(item: Item, nowMs: number): void {
    this.stop(item);
    const dueMs = nowMs + (this.#rounds[0]?.afterMs ?? 0);
    const waiting: Waiting<Item> = { item, startMs: nowMs, dueMs, isCancelled: false };
    this.#waiting.set(item, waiting);
    this.#stages[0]?.queue.push(waiting);
  }

  /** Ends the rounds of the item: `take` never returns it again until it is started. */
  stop(item: Item): void {
    const waiting = this.#waiting.get(item);
    if (waiting === undefined) return;
    waiting.isCancelled = true;
    this.#waiting.delete(item);
  }

  clear(): void {
    for (const { queue } of this.#stages) queue.clear();
    this.#waiting.clear();
  }

  /** The announcement that may leave now, first rounds before later ones; undefined when none is due or the rate is used up. */
  take(nowMs: number): DueAnnouncement<Item, Form> | undefined {
    for (const [index, { form, queue, bucket }] of this.#stages.entries()) {
      const head = queue.head();
      if (head === undefined || head.dueMs > nowMs || !bucket.take(nowMs)) continue;
      queue.shift();
      this.#advance(head, index + 1, nowMs);
      return { item: head.item, form };
    }
    return undefined;
  }

  /** When `take` has something next, the rates included; undefined when nothing waits. */
  nextDeadlineMs(): number | undefined {
    let deadlineMs: number | undefined;
    for (const { queue, bucket } of this.#stages) {
      const head = queue.head();
      if (head === undefined) continue;
      const readyMs = Math.max(head.dueMs, bucket.readyAtMs());
      if (deadlineMs === undefined || readyMs < deadlineMs) deadlineMs = readyMs;
    }
    return deadlineMs;
  }

  #advance(waiting: Waiting<Item>, nextStage: number, nowMs: number): void {
    const round = this.#rounds[nextStage];
    if (round !== undefined) {
      waiting.dueMs = waiting.startMs + round.afterMs;
      this.#stages[nextStage]?.queue.push(waiting);
    } else if (this.#refresh !== undefined) {
      waiting.dueMs = nowMs + this.#refresh.everyMs;
      this.#stages[this.#rounds.length]?.queue.push(waiting);
    } else this.#waiting.delete(waiting.item);
  }
}

function toStage<Item, Form>(form: Form, bucket: TokenBucket): Stage<Item, Form> {
  return { form, queue: new WaitingQueue<Item>(), bucket };
}

/** First in, first out; cancelled entries vanish when they reach the head. */
class WaitingQueue<Item> {
  #entries: Waiting<Item>[] = [];
  #start = 0;

  push(waiting: Waiting<Item>): void {
    this.#entries.push(waiting);
  }

  head(): Waiting<Item> | undefined {
    for (;;) {
      const head = this.#entries[this.#start];
      if (head === undefined) {
        this.clear();
        return undefined;
      }
      if (!head.isCancelled) return head;
      this.shift();
    }
  }

  shift(): void {
    this.#start += 1;
    // Half of the array is history: let it go, at amortised O(1).
    if (this.#start < 1024 || this.#start * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }

  clear(): void {
    this.#entries = [];
    this.#start = 0;
  }
}
