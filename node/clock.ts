/** The two clocks: one that only moves forward, for everything that is timed; one that people read, for what is reported. */
export interface Clock {
  /** Milliseconds since some moment, never set back and never adjusted. */
  monotonicMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};
