/** Reports on their way to main: collected during a turn of the loop, posted in batches at its end. */
import { REPORTS_PER_MESSAGE } from "./limits";
import type { LogLevel, PacketReport } from "./packet-protocol";
import { RepeatedLog } from "./repeated-log";

const MAX_REMEMBERED_LOGS = 256;

export class ReportQueue {
  readonly #post: (reports: readonly PacketReport[]) => void;
  readonly #repeated = new RepeatedLog(MAX_REMEMBERED_LOGS);
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
    if (this.#repeated.admits(key, nowMs)) this.log("warn", entry.msg, entry.fields);
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
