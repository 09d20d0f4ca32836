/** `npm test`: everything that must pass, from types to real nodes. Installs what the lab needs before it starts. */
import { checkSteps } from "./check-steps";
import { runSteps } from "./steps";

void runSteps([
  ...checkSteps,
  { type: "command", title: "build", argv: ["tsx", "scripts/build.ts"] },
  { type: "command", title: "what the lab needs", argv: ["tsx", "lab/main.ts", "prepare"] },
  { type: "tests", title: "tests on the real API server", project: "kube" },
  { type: "tests", title: "tests on real nodes", project: "lab" },
]).then(totals => {
  process.exitCode = totals.failed === 0 ? 0 : 1;
});
