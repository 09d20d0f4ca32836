/**
 * Waits for what Pepr needs before it is loaded: it reads its store once and never again, so a start without the API server or
 * without the store's definition would leave it deaf for ever.
 */
import type { Logger } from "pino";
import type { ApiReader } from "../../capabilities/cluster/api-client";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** The same reason is logged again only after this. */
const REPEAT_MS = 30_000;

/** Resolves with what `ask` gives; until then it says what is missing, once and then every half minute. */
export async function untilReady<Value>(
  what: string,
  log: Logger,
  ask: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  let said = { reason: "", atMs: 0 };
  for (;;) {
    try {
      return await ask(AbortSignal.timeout(REQUEST_TIMEOUT_MS));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const nowMs = performance.now();
      if (reason !== said.reason || nowMs - said.atMs > REPEAT_MS) {
        log.warn({ reason }, `waiting for ${what}`);
        said = { reason, atMs: nowMs };
      }
      await sleep(RETRY_MS);
    }
  }
}

/** Resolves once Pepr's store can be read. */
export function peprStoreReady(client: ApiReader, log: Logger): Promise<unknown> {
  const path = "/apis/pepr.dev/v1/namespaces/pepr-system/peprstores";
  return untilReady("the API server and Pepr's store", log, signal =>
    client.get(path, { signal, query: { limit: "1" } }),
  );
}
