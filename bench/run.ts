/** `npm run bench [-- <name> …]`: measures and writes `bench/results/<name>.md`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../lab/paths";
import { benchAdmission } from "./admission";
import { benchAllocation } from "./allocation";
import { benchArp } from "./arp";
import { benchBgp } from "./bgp";
import { benchBfd } from "./bfd";
import { benchConfig } from "./config";
import { benchFailover } from "./failover";

const BENCHES: Readonly<Record<string, () => Promise<string>>> = {
  allocation: benchAllocation,
  admission: benchAdmission,
  arp: benchArp,
  bgp: benchBgp,
  bfd: benchBfd,
  config: benchConfig,
  failover: benchFailover,
};

async function main(names: readonly string[]): Promise<void> {
  for (const name of names.length === 0 ? Object.keys(BENCHES) : names) {
    const bench = BENCHES[name];
    if (bench === undefined) {
      throw new Error(`no bench ${name}; there are: ${Object.keys(BENCHES).join(", ")}`);
    }
    const report = await bench();
    writeFileSync(join(REPOSITORY, "bench", "results", `${name}.md`), report);
    console.log(report);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
