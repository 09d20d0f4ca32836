/** Whether the other end was silent for its detection time; time in which this end itself stood still does not count. */
export class DetectionTimer {
  #heardMs: number | undefined;
  #detectionMs = 0;
  #stalledMs = 0;

  /** Something was heard now; silence from now on is judged by this detection time. */
  restart(nowMs: number, detectionMs: number): void {
    this.#heardMs = nowMs;
    this.#detectionMs = detectionMs;
    this.#stalledMs = 0;
  }

  /** Judges the silence so far by another detection time. */
  setDetectionTime(detectionMs: number): void {
    this.#detectionMs = detectionMs;
  }

  /**
   * This end stood still for so long until now. What came in that time was read before; what was still on its way gets
   * `graceMs` from now, and no more than the time that was lost.
   */
  extend(stalledMs: number, graceMs: number, nowMs: number): void {
    const deadlineMs = this.deadlineMs();
    if (deadlineMs === undefined) return;
    const extendedMs = Math.min(deadlineMs + stalledMs, nowMs + graceMs);
    this.#stalledMs += Math.max(0, extendedMs - deadlineMs);
  }

  stop(): void {
    this.#heardMs = undefined;
  }

  /** When the time is over; undefined while nothing is waited for. */
  deadlineMs(): number | undefined {
    if (this.#heardMs === undefined) return undefined;
    return this.#heardMs + this.#detectionMs + this.#stalledMs;
  }

  isExpired(nowMs: number): boolean {
    const deadlineMs = this.deadlineMs();
    return deadlineMs !== undefined && deadlineMs <= nowMs;
  }
}
