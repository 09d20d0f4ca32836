/** What `npm run check` runs, and `npm test` first: nothing here needs root, a cluster or a network. */
import type { Step } from "./steps";

export const checkSteps: readonly Step[] = [
  { type: "command", title: "types of what ships", argv: ["tsc", "-p", "tsconfig.json"] },
  { type: "command", title: "types of tests and tools", argv: ["tsc", "-p", "tsconfig.test.json"] },
  {
    type: "command",
    title: "lint, import arrows included",
    argv: ["eslint", "--max-warnings=0", "."],
  },
  { type: "command", title: "format", argv: ["prettier", "--check", "--log-level=warn", "."] },
  {
    type: "command",
    title: "generated files are up to date",
    argv: ["tsx", "scripts/generate-resources.ts", "--check"],
  },
  { type: "tests", title: "unit tests", project: "unit" },
];
