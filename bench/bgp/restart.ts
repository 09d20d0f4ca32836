/** A speaker that is killed and started again at once: how long the router is without its routes. */
import type { Router } from "../../lab/routers/router";
import { begin, SESSION } from "../../test/lab/bgp/support";
import type { BgpNode } from "../../test/support/bgp-node";

export interface RestartRun {
  /** SIGKILL → Established again. */
  readonly establishedMs: number;
  /** The router had fewer routes than before; 0 when no look of it found that. */
  readonly absentMs: number;
  /** The longest time between two looks. */
  readonly lookMs: number;
}

/** Kills the node, whose routes the router has, and starts another one in its place. */
export async function measureRestart(
  router: Router,
  node: BgpNode,
  options: {
    readonly prefixes: readonly string[];
    readonly gracefulRestartSeconds: number | undefined;
    readonly start: () => Promise<BgpNode>;
  },
): Promise<RestartRun> {
  const { prefixes, gracefulRestartSeconds } = options;
  const absent: number[] = [];
  let lookMs = 0;
  const over = new AbortController();
  const killedAtMs = performance.now();
  const looking = (async () => {
    let lastMs = performance.now();
    while (!over.signal.aborted) {
      const count = (await router.routes()).length;
      const nowMs = performance.now();
      if (count < prefixes.length) absent.push(lastMs, nowMs);
      lookMs = Math.max(lookMs, nowMs - lastMs);
      lastMs = nowMs;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  })();
  await node.kill();
  const next = await options.start();
  const configuration =
    gracefulRestartSeconds === undefined ? {} : { configuration: { gracefulRestartSeconds } };
  begin(next, configuration, prefixes);
  await next.established(SESSION, 90_000);
  const establishedMs = performance.now() - killedAtMs;
  // Stale routes go, and the last ones come, with End-of-RIB.
  await new Promise(resolve => setTimeout(resolve, 2_000));
  over.abort();
  await looking;
  await next.stop();
  const absentMs = absent.length === 0 ? 0 : (absent.at(-1) ?? 0) - (absent[0] ?? 0);
  return { establishedMs, absentMs, lookMs };
}
