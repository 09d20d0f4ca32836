/**
 * How a process of ours ends: on SIGTERM or SIGINT, cleanly and soon. Pepr closes its server and then waits for the API server's
 * keep-alive connections, which took more than 40 s; here only requests under way are waited for.
 */
import { subscribe } from "node:diagnostics_channel";

/** Time in which requests that were sent before the port closed still arrive. */
const QUIET_MS = 250;
const CHECK_MS = 50;

/**
 * From now on the process ends with 0 on SIGTERM and SIGINT: once no request is under way, and for `lingerMs` at least, but after
 * `limitMs` at the latest. Whoever has finished its own clean-up earlier may call `process.exit`.
 */
export function endOnSignal(times: {
  readonly lingerMs?: number;
  readonly limitMs: number;
  readonly onSignal?: () => void;
}): void {
  const requests = countRequests();
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    times.onSignal?.();
    const signalledMs = performance.now();
    const check = setInterval(() => {
      const waitedMs = performance.now() - signalledMs;
      const isQuiet = requests.underWay() === 0 && waitedMs >= (times.lingerMs ?? QUIET_MS);
      if (!isQuiet && waitedMs < times.limitMs) return;
      clearInterval(check);
      process.exit(0);
    }, CHECK_MS);
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}

function countRequests(): { readonly underWay: () => number } {
  let count = 0;
  subscribe("http.server.request.start", message => {
    count += 1;
    const { response } = message as { response: NodeJS.EventEmitter };
    response.once("close", () => {
      count -= 1;
    });
  });
  return { underWay: () => count };
}
