/** How a program of ours leaves on SIGTERM and SIGINT: in order, once, and within a limit. */
import type { Logger } from "pino";

export interface OrderlyEnd {
  /** Leaves in order; the process ends with 0 once it resolves, with 1 if it rejects. */
  readonly stop: () => Promise<void>;
  /** After the signal the process ends within this, with 1, whatever hangs. */
  readonly limitMs: number;
  readonly log: Logger;
}

/** From now on the first signal calls `stop`. Further ones change nothing: npm passes on a Ctrl-C that we also got ourselves. */
export function endInOrder({ stop, limitMs, log }: OrderlyEnd): void {
  let isEnding = false;
  const end = (signal: string): void => {
    if (isEnding) return;
    isEnding = true;
    log.info({ event: "stopping", signal }, "leaving");
    setTimeout(() => process.exit(1), limitMs).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, "could not leave in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}
