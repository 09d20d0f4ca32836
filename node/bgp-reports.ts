/** Reports of the BGP thread on their way to main: collected during a turn of the event loop, posted together after it. */
import type { BgpReport } from "./bgp-protocol";
import type { LogLevel } from "./packet-protocol";
import { RepeatedLog } from "./repeated-log";

type Fields = Readonly<Record<string, unknown>>;

const MAX_REMEMBERED_LOGS = 1024;

export class BgpReports {
  readonly #post: (reports: readonly BgpReport[]) => void;
  readonly #schedule: () => void;
  readonly #repeated = new RepeatedLog(MAX_REMEMBERED_LOGS);
  #reports: BgpReport[] = [];

  /** `schedule` is called when there is something to post: it sees to it that `flush` is called soon. */
  constructor(post: (reports: readonly BgpReport[]) => void, schedule: () => void) {
    this.#post = post;
    this.#schedule = schedule;
  }

  add(report: BgpReport): void {
    this.#reports.push(report);
    if (this.#reports.length === 1) this.#schedule();
  }

  log(level: LogLevel, msg: string, fields: Fields): void {
    this.add({ type: "log", level, msg, fields });
  }

  /** Warns of what a peer may provoke any number of times: once a minute for each `key`. */
  warnRarely(key: string, nowMs: number, entry: { readonly msg: string; readonly fields: Fields }) {
    if (this.#repeated.admits(key, nowMs)) this.log("warn", entry.msg, entry.fields);
  }

  flush(): void {
    if (this.#reports.length === 0) return;
    const reports = this.#reports;
    this.#reports = [];
    this.#post(reports);
  }
}
