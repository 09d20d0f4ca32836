/** Reports on their way to main: collected during a turn of the loop, posted in batches at its end. */
import { REPEATED_LOG_MS, REPORTS_PER_MESSAGE } from "./limits";
import type { LogLevel, PacketReport } from "./packet-protocol";

/** Distinct complaints that are remembered; beyond that the oldest may be repeated early. */
const MAX_REMEMBERED_LOGS = 256;

export class ReportQueue {
  readonly #post: (reports: readonly PacketReport[]) => void;
  readonly #loggedAtMs = new Map<string, number>();
  #reports: PacketReport[] = [];

  constructor(post: (reports: readonly PacketReport[]) => void) {
    this.#post = post;
  }

  add(report: PacketReport): void {
    this.#reports.push(report);
  }

  log(level: LogLevel, msg: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#reports.push({ type: "log", level, msg, fields });
  }

  /** Logs what the network may provoke any number of times: once a minute for each `key`. */
  logRarely(
    key: string,
    nowMs: number,
    entry: { readonly msg: string; readonly fields: Readonly<Record<string, unknown>> },
  ): void {
    const loggedAtMs = this.#loggedAtMs.get(key);
    if (loggedAtMs !== undefined && nowMs - loggedAtMs < REPEATED_LOG_MS) return;
    this.#loggedAtMs.delete(key);
    this.#loggedAtMs.set(key, nowMs);
    const [oldest] = this.#loggedAtMs.keys();
    if (this.#loggedAtMs.size > MAX_REMEMBERED_LOGS && oldest !== undefined) {
      this.#loggedAtMs.delete(oldest);
    }
    this.log("warn", entry.msg, entry.fields);
  }

  /** Posts one batch; true when more wait. */
  flush(): boolean {
    if (this.#reports.length === 0) return false;
    if (this.#reports.length <= REPORTS_PER_MESSAGE) {
      this.#post(this.#reports);
      this.#reports = [];
      return false;
    }
    this.#post(this.#reports.slice(0, REPORTS_PER_MESSAGE));
    this.#reports = this.#reports.slice(REPORTS_PER_MESSAGE);
    return true;
  }

  flushAll(): void {
    while (this.flush());
  }
}
