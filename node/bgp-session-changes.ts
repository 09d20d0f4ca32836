/** What a changed session specification asks for: which parameters can be changed under a session, which need a new one. */
import { isDeepStrictEqual } from "node:util";
import type { BgpSessionSpec } from "./bgp-protocol";

/**
 * - `none`: the same content.
 * - `adjust`: the session goes on with other values.
 * - `reset`: TCP or OPEN need them; the session ends with Cease/6 and starts again.
 * - `replace`: it is with somebody else now; the old peer is left as one that was removed.
 */
export type SpecChange = "none" | "adjust" | "reset" | "replace";

export function compareSpecs(before: BgpSessionSpec, after: BgpSessionSpec): SpecChange {
  if (!isDeepStrictEqual(identityOf(before), identityOf(after))) return "replace";
  if (!isDeepStrictEqual(lastingOf(before), lastingOf(after))) return "reset";
  return isDeepStrictEqual(before, after) ? "none" : "adjust";
}

/** Who the peer is. */
function identityOf({ target, vrf }: BgpSessionSpec): unknown {
  return { target, vrf };
}

/** What lasts as long as a session. Not among it: BFD, and the time between attempts to connect. */
function lastingOf(spec: BgpSessionSpec): unknown {
  const configuration = { ...spec.configuration, connectRetrySeconds: undefined };
  const { port, sourceAddress, password, ttlSecurityHops } = spec;
  return { port, sourceAddress, password, ttlSecurityHops, configuration };
}
