/**
 * Who announces an address: a hash that every node computes alike, so that nobody has to ask. Liveness is no part of it;
 * the packet thread takes the first candidate that is alive.
 */
import { hash } from "node:crypto";

/** A node that may announce, with the sum of the weights of the preferences that match it (0 when there are none). */
export interface Candidate {
  readonly nodeName: string;
  readonly score: number;
}

/**
 * The SHA-256 of `nodeName#key` that places a node in the order for a key, as 64 lower-case hexadecimal digits: they sort
 * as the 32 octets do. The key is the text of the first ingress address of the Service, so that all addresses of a
 * dual-stack Service live on one node.
 */
export function electionHash(nodeName: string, key: string): string {
  // One-shot hash to hexadecimal: a quarter of the time of createHash to octets, and ranking is nothing but hashing.
  return hash("sha256", `${nodeName}#${key}`, "hex");
}

/**
 * The candidates in election order: higher score first, then the smaller hash. The order depends on nothing but the set
 * of candidates and the key. Node names are expected to be distinct.
 */
export function rankCandidates(
  candidates: readonly Candidate[],
  key: string,
): readonly Candidate[] {
  return candidates
    .map(candidate => ({ candidate, digits: electionHash(candidate.nodeName, key) }))
    .sort((left, right) => {
      const byScore = right.candidate.score - left.candidate.score;
      if (byScore !== 0) return byScore;
      return left.digits < right.digits ? -1 : 1;
    })
    .map(({ candidate }) => candidate);
}

/** The node that announces when every candidate is alive; undefined without candidates. */
export function electAnnouncer(candidates: readonly Candidate[], key: string): string | undefined {
  return rankCandidates(candidates, key)[0]?.nodeName;
}
