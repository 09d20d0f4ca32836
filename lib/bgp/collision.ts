/** Which of two connections between the same speakers stays (RFC 4271 §6.8, RFC 6286 §2.3). */
import type { NegotiatedSession } from "./negotiation";

export interface CollisionSide {
  /** Unsigned 32 bits. */
  readonly bgpIdentifier: number;
  readonly as: number;
}

/** The side whose connection stays: the one with the higher BGP Identifier, then with the larger AS. Both sides reach the same answer. */
export function resolveCollision(local: CollisionSide, remote: CollisionSide): "local" | "remote" {
  if (local.bgpIdentifier !== remote.bgpIdentifier) {
    return local.bgpIdentifier > remote.bgpIdentifier ? "local" : "remote";
  }
  return local.as > remote.as ? "local" : "remote";
}

interface Caller {
  readonly isInitiatedByUs: boolean;
}

/**
 * Whether the second connection stays and the first goes, once the peer's OPEN came on the second. Of two calls by the same side
 * the newer one is meant.
 */
export function trackedConnectionWins(
  main: Caller,
  tracked: Caller,
  localIdentifier: number,
  agreed: Pick<NegotiatedSession, "localAs" | "remoteAs" | "remoteIdentifier">,
): boolean {
  if (main.isInitiatedByUs === tracked.isInitiatedByUs) return true;
  const winner = resolveCollision(
    { bgpIdentifier: localIdentifier, as: agreed.localAs },
    { bgpIdentifier: agreed.remoteIdentifier, as: agreed.remoteAs },
  );
  return (winner === "local") === tracked.isInitiatedByUs;
}
