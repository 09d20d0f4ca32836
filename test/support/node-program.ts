/** What the programs have in common that run one of our threads for a test: the other end of `node-process.ts`. */
import type { StartMessage } from "./node-process";

/** Passes a message to the parent by IPC. */
export type Tell<Message> = (message: Message) => void;

/** Runs `main` and tells the parent that orders are taken; when it throws, why not, and ends. */
export function runProgram<Message>(main: (tell: Tell<Message>) => Promise<void>): void {
  const tell: Tell<Message | StartMessage> = message => process.send?.(message);
  main(tell).then(
    () => tell({ type: "ready" }),
    (error: unknown) => {
      tell({ type: "cannotStart", error: error instanceof Error ? error.message : String(error) });
      process.exitCode = 1;
      process.disconnect();
    },
  );
}

/** Keeps the main thread busy for so long. */
export function block(busyMs: number): void {
  const endMs = performance.now() + busyMs;
  while (performance.now() < endMs);
}

/** Keeps the main thread busy from now on: `busyMs` of every `periodMs`. */
export function stall(busyMs: number, periodMs: number): void {
  setInterval(() => block(busyMs), periodMs);
}

/** Milliseconds since the epoch, finer than `Date.now`. */
export function toEpochMs(): number {
  return performance.timeOrigin + performance.now();
}
