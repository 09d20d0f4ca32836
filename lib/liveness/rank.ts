/** The order among candidates: every speaker with the same candidates and the same view of who lives reaches the same answer. */
import { createHash } from "node:crypto";

/** The first candidate, in the given order of rank, that is eligible; undefined when none is. */
export function electOwner(
  candidates: readonly string[],
  isEligible: (nodeName: string) => boolean,
): string | undefined {
  return candidates.find(isEligible);
}

/** Whether `nodeName` comes before `other` in the order; whoever is no candidate comes last. */
export function ranksBefore(
  candidates: readonly string[],
  nodeName: string,
  other: string,
): boolean {
  const rank = candidates.indexOf(nodeName);
  const otherRank = candidates.indexOf(other);
  return rank >= 0 && (otherRank < 0 || rank < otherRank);
}

/**
 * Whether `nodeName` comes before `other` by SHA-256 of name and address alone: the same on both, even while their views of
 * candidates and preferences differ.
 */
export function hashesBefore(address: string, nodeName: string, other: string): boolean {
  const hash = (name: string): string =>
    createHash("sha256").update(`${name}#${address}`).digest("hex");
  return hash(nodeName) < hash(other);
}
