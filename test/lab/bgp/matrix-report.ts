/** What the matrix's tests found, as a table for people. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../lab/run";
import type { RouterName } from "../../../lab/routers/packages";

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

export class Matrix {
  readonly #daemons: readonly RouterName[];
  readonly #cells = new Map<string, Map<RouterName, string>>();
  #remark: string | undefined;

  constructor(daemons: readonly RouterName[]) {
    this.#daemons = daemons;
  }

  /** Runs the test of one cell and keeps its outcome; a failure fails the test as ever. */
  async record(feature: string, daemon: RouterName, test: () => Promise<void>): Promise<void> {
    this.#remark = undefined;
    const row = this.#cells.get(feature) ?? new Map<RouterName, string>();
    this.#cells.set(feature, row);
    row.set(daemon, "**fails**");
    await test();
    row.set(daemon, this.#outcome());
  }

  #outcome(): string {
    return this.#remark ?? "✓";
  }

  /** The daemon has no such thing: the cell says why. */
  passOver(reason: string): void {
    this.#remark = `– (${reason})`;
  }

  /** The cell is good, and this is to be known about it. */
  remark(words: string): void {
    this.#remark = `✓ (${words})`;
  }

  /** Writes the table if the environment asks for it. */
  async write(): Promise<void> {
    if (process.env["HERALD_WRITE_RESULTS"] !== "1") return;
    const titles = await Promise.all(this.#daemons.map(describe));
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

async function describe(daemon: RouterName): Promise<string> {
  const query = ["dpkg-query", "-W", "-f", "${Version}", PACKAGES[daemon]];
  const { stdout } = await run(query, { check: false });
  return `${TITLES[daemon]} ${stdout.split("-")[0] ?? ""}`;
}
