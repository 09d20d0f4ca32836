/** The long e2e runs, which are not part of `npm test`: all of them, or those whose file names contain an argument. */
async function main(argv: readonly string[]): Promise<void> {
  const { startVitest } = await import("vitest/node");
  const vitest = await startVitest("test", [...argv], {
    config: false,
    watch: false,
    include: ["test/lab/e2e/**/*.e2e.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  });
  await vitest.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
