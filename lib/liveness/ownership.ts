/** Which node owns an address: every speaker with the same ranking and the same view of who lives reaches the same answer. */

/** The first candidate, in the given order of rank, that is eligible; undefined when none is. */
export function electOwner(
  candidates: readonly string[],
  isEligible: (nodeName: string) => boolean,
): string | undefined {
  return candidates.find(isEligible);
}
