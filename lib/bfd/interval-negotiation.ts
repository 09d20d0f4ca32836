/**
 * Which intervals a session speaks of and which it keeps, and the Poll Sequence between the two (RFC 5880 §6.5, §6.8.3): whoever
 * slows down, or wants to hear more often, waits until the other has said that it knows. Pure state: no clock.
 *
 *      configure, enterUp ─► packets say the new values, with P ─► Final received ─► the new values are kept
 */
import { SLOW_INTERVAL_US } from "./limits";

export interface BfdIntervals {
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
}

export class IntervalNegotiation {
  #configured: BfdIntervals;
  #isUp = false;
  #advertised: BfdIntervals;
  #kept: BfdIntervals;
  #isPolling = false;
  #mustPollAgain = false;

  constructor(configured: BfdIntervals) {
    this.#configured = configured;
    this.#advertised = this.#toAdvertise();
    this.#kept = this.#advertised;
  }

  /** What packets say. */
  get advertised(): BfdIntervals {
    return this.#advertised;
  }

  /** What sending and detection go by. */
  get kept(): BfdIntervals {
    return this.#kept;
  }

  /** Whether periodic packets carry P. */
  get isPolling(): boolean {
    return this.#isPolling;
  }

  /** Other values from the configuration. */
  configure(intervals: BfdIntervals): void {
    this.#configured = intervals;
    this.#adopt();
  }

  /** The session came Up, or went from Up: the slow interval ends or begins. */
  setUp(isUp: boolean): void {
    this.#isUp = isUp;
    this.#adopt();
  }

  /** Final received: true if a Poll Sequence ended with it and the new intervals are kept. */
  finish(): boolean {
    if (!this.#isPolling) return false;
    if (this.#mustPollAgain) {
      // The values changed while the sequence ran: this Final may answer the older ones.
      this.#mustPollAgain = false;
      return false;
    }
    this.#isPolling = false;
    this.#kept = this.#advertised;
    return true;
  }

  #adopt(): void {
    const before = this.#advertised;
    this.#advertised = this.#toAdvertise();
    if (!this.#isUp) {
      // §6.8.3 binds sessions that are Up; the slow interval bears any change.
      this.#isPolling = false;
      this.#mustPollAgain = false;
      this.#kept = this.#advertised;
      return;
    }
    if (!isSame(before, this.#advertised)) {
      this.#mustPollAgain = this.#isPolling;
      this.#isPolling = true;
    }
    this.#kept = {
      desiredMinTxUs: Math.min(this.#kept.desiredMinTxUs, this.#advertised.desiredMinTxUs),
      requiredMinRxUs: Math.max(this.#kept.requiredMinRxUs, this.#advertised.requiredMinRxUs),
    };
  }

  #toAdvertise(): BfdIntervals {
    const { desiredMinTxUs, requiredMinRxUs } = this.#configured;
    if (this.#isUp) return this.#configured;
    return { desiredMinTxUs: Math.max(SLOW_INTERVAL_US, desiredMinTxUs), requiredMinRxUs };
  }
}

function isSame(left: BfdIntervals, right: BfdIntervals): boolean {
  return (
    left.desiredMinTxUs === right.desiredMinTxUs && left.requiredMinRxUs === right.requiredMinRxUs
  );
}
