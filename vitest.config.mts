import { defineConfig } from "vitest/config";

/** Three rooms of tests: `unit` needs nothing, `kube` a real API server, `lab` real nodes (root). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts", "test/sim/**/*.test.ts"],
          // Properties and simulations take seconds; on a busy machine many times that.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "kube",
          include: ["test/kube/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
});
