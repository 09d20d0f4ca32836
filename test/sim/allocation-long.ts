/**
 * The long run: `npx tsx test/sim/allocation-long.ts [histories per seed] [seed …]`, by default 5,000 histories of each of 20 fixed
 * seeds. A failure prints its seed and the shortest history.
 */
import fc from "fast-check";
import { checkHistory, history } from "./allocation-history";

const [perSeed = 5_000, ...given] = process.argv.slice(2).map(Number);
const seeds = given.length > 0 ? given : Array.from({ length: 20 }, (_, index) => 1_001 + index);

const begunMs = performance.now();
for (const [index, seed] of seeds.entries()) {
  fc.assert(fc.property(history, checkHistory), { seed, numRuns: perSeed });
  const seconds = ((performance.now() - begunMs) / 1_000).toFixed(0);
  console.log(`seed ${seed}: ${(index + 1) * perSeed} histories in ${seconds} s`);
}
