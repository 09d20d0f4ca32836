/**
 * Another speaker announces what is ours. The one that ranks before the other announces the address again; when that does not end
 * it, their views of the ranking differ, and both go by what they have in common: the hash of name and address.
 */
import { hashesBefore, ranksBefore } from "./rank";

/** More claims than this within the window: the two views of the ranking differ. */
const MAX_CLAIMS = 3;
export const DISPUTE_WINDOW_MS = 10_000;
/** Another claim is countered this often at most. */
const COUNTER_EVERY_MS = 20;

/** The claims of others for one address while it is ours. */
export class Dispute {
  #sinceMs = -Infinity;
  #claims = 0;
  #counteredMs = -Infinity;

  /** Notes that a peer announces what is ours; true when that came so often that our views of the ranking must differ. */
  noteClaim(nowMs: number): boolean {
    if (nowMs - this.#sinceMs > DISPUTE_WINDOW_MS) {
      this.#sinceMs = nowMs;
      this.#claims = 0;
    }
    this.#claims += 1;
    return this.#claims > MAX_CLAIMS;
  }

  /** Whether it is time to announce against a claim. */
  takeCounter(nowMs: number): boolean {
    if (nowMs - this.#counteredMs < COUNTER_EVERY_MS) return false;
    this.#counteredMs = nowMs;
    return true;
  }

  /** The address has become ours anew: claims of before do not count. */
  forgetClaims(): void {
    this.#claims = 0;
  }
}

interface Claim {
  readonly address: string;
  readonly candidates: readonly string[];
  readonly peerName: string;
  /** The ranking does not decide any more. */
  readonly isDisputed: boolean;
}

/** Whether `nodeName` keeps the address against the claim. In a dispute exactly one of the two does, whatever their views. */
export function keepsAgainst(claim: Claim, nodeName: string): boolean {
  const { address, candidates, peerName, isDisputed } = claim;
  return isDisputed
    ? hashesBefore(address, nodeName, peerName)
    : ranksBefore(candidates, nodeName, peerName);
}
