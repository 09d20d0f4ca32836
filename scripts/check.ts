/** `npm run check`: the gate before every commit. */
import { checkSteps } from "./check-steps";
import { runSteps } from "./steps";

void runSteps(checkSteps).then(totals => {
  process.exitCode = totals.failed === 0 ? 0 : 1;
});
