/** A client outside the cluster that asks for nginx's page on an address, again and again, and counts what it gets. */
import { readFileSync } from "node:fs";
import type { LabProcess } from "../../../lab/host-process";
import type { Lab } from "../../../lab/lab";

export interface LoadResult {
  readonly requests: number;
  /** Requests without an answer, with curl's reasons. */
  readonly failures: readonly string[];
  /** The longest time between two answers, ms. */
  readonly longestGapMs: number;
}

/** One line per request: time of the end, status, curl's own exit code. A new connection each, since a broken one would be hidden. */
const SCRIPT = `while :; do
  code=$(curl -s -o /dev/null -m 3 -w '%{http_code}' "$1"); echo "$(date +%s%3N) $code $?"
  sleep "$2"
done`;

export class ClientLoad {
  private constructor(
    private readonly processes: readonly LabProcess[],
    private readonly logs: readonly string[],
  ) {}

  /** `workers` clients, each with a pause of `pauseSeconds` between two requests. */
  static start(lab: Lab, address: string, workers = 10, pauseSeconds = 0.05): ClientLoad {
    const logs = Array.from({ length: workers }, (_, index) => `load-${Date.now()}-${index}`);
    const processes = logs.map(log =>
      lab.spawn(
        "client",
        ["sh", "-c", SCRIPT, "load", `http://${address}/`, String(pauseSeconds)],
        {
          log,
        },
      ),
    );
    return new ClientLoad(
      processes,
      logs.map(log => lab.logPath(log)),
    );
  }

  async stop(): Promise<LoadResult> {
    await Promise.all(this.processes.map(process => process.stop(500)));
    const lines = this.logs.flatMap(path => readFileSync(path, "utf8").trim().split("\n"));
    const answers = lines.map(line => {
      const [atMs = "0", status = ""] = line.split(" ");
      return { atMs: Number(atMs), isGood: status === "200", line };
    });
    answers.sort((left, right) => left.atMs - right.atMs);
    const good = answers.filter(({ isGood }) => isGood).map(({ atMs }) => atMs);
    const gaps = good.slice(1).map((atMs, index) => atMs - (good[index] ?? atMs));
    return {
      requests: answers.length,
      failures: answers.filter(({ isGood }) => !isGood).map(({ line }) => line),
      longestGapMs: Math.max(0, ...gaps),
    };
  }
}
