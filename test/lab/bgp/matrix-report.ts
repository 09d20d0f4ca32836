/** What the matrix's tests found, as a table for people. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../lab/run";
import type { RouterName } from "../../../lab/routers/packages";
import type { DaemonLab } from "./daemon-lab";

const RESULTS = join(__dirname, "../../../bench/results/bgp-interop.md");
const PACKAGES: Readonly<Record<RouterName, string>> = {
  bird: "bird2",
  frr: "frr",
  gobgp: "gobgpd",
  exabgp: "exabgp",
};
const TITLES: Readonly<Record<RouterName, string>> = {
  bird: "BIRD",
  frr: "FRR",
  gobgp: "GoBGP",
  exabgp: "ExaBGP",
};

/** One cell; `note` replaces the tick by what is to be known. */
export type CellTest = (lab: DaemonLab, note: (words: string) => void) => Promise<void>;

export class Matrix {
  readonly #daemons: readonly RouterName[];
  readonly #cells = new Map<string, Map<RouterName, string>>();

  constructor(daemons: readonly RouterName[]) {
    this.#daemons = daemons;
  }

  /**
   * Runs the test of one cell and keeps its outcome. Resolves to what went wrong, with the
   * daemon's name; undefined if nothing did.
   */
  async record(feature: string, lab: DaemonLab, test: CellTest): Promise<string | undefined> {
    const row = this.#cells.get(feature) ?? new Map<RouterName, string>();
    this.#cells.set(feature, row);
    row.set(lab.daemon, "**fails**");
    try {
      let outcome = "✓";
      await test(lab, words => (outcome = words));
      row.set(lab.daemon, outcome);
      return undefined;
    } catch (error) {
      return `${lab.daemon}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Writes the table if the environment asks for it. */
  async write(): Promise<void> {
    if (process.env["HERALD_WRITE_RESULTS"] !== "1") return;
    const titles = await Promise.all(this.#daemons.map(titleOf));
    const rows = [...this.#cells].map(([feature, cells]) =>
      [feature, ...this.#daemons.map(daemon => cells.get(daemon) ?? "not run")].join(" | "),
    );
    const lines = [
      "# BGP: interoperability",
      "",
      "Herald's BGP thread and Debian's routing daemons in network namespaces, by `test/lab/bgp/matrix.test.ts`. ✓: the session came up",
      "and the daemon's own table showed the expected routes; –: the daemon has no such thing.",
      "",
      `| | ${titles.join(" | ")} |`,
      `|---|${this.#daemons.map(() => "---|").join("")}`,
      ...rows.map(row => `| ${row} |`),
      "",
    ];
    writeFileSync(RESULTS, lines.join("\n"));
  }
}

/** As `BIRD 2.0.12`: the version that is installed. */
export async function titleOf(daemon: RouterName): Promise<string> {
  const query = ["dpkg-query", "-W", "-f", "${Version}", PACKAGES[daemon]];
  const { stdout } = await run(query, { check: false });
  return `${TITLES[daemon]} ${stdout.split("-")[0] ?? ""}`;
}
