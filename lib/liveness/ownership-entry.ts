/** What one speaker keeps about one address: whether it is ours, who was seen to have it, and what is under way. */

import { toWantedInterfaces, type WantedInterfaces } from "./interfaces";

/** An address of the cluster and who may have it. */
export interface OwnershipEntry {
  readonly address: string;
  /** In order of rank. */
  readonly candidates: readonly string[];
  /** Names of the interfaces it may be announced on; all if absent. */
  readonly interfaces?: readonly string[] | "all";
}

/** Asking the segment who has the address. */
export interface Asking {
  rounds: number;
  nextMs: number;
  /** Unanswered until then: taken. */
  readonly takeAtMs: number;
}

export interface Entry {
  readonly address: string;
  candidates: readonly string[];
  wanted: WantedInterfaces;
  isMine: boolean;
  ownerSeen: string | undefined;
  /** Since when this node is best without owning. */
  bestSinceMs: number | undefined;
  noFailbackBeforeMs: number;
  asking: Asking | undefined;
  /** An entry that is not asked is looked at again then. */
  wakeMs: number;
  /** Removed from the set: answered for until somebody takes it, or then. */
  partingUntilMs: number | undefined;
  readonly counters: Counters;
}

/** Announcements of others for what is ours. */
export interface Counters {
  sinceMs: number;
  count: number;
  lastMs: number;
}

/** More counters than this within the window: the two views of the ranking differ. */
const MAX_COUNTERS = 3;
export const COUNTER_WINDOW_MS = 10_000;
/** Another claim is countered this often at most. */
const COUNTER_EVERY_MS = 20;

export function newEntry({ address, candidates, interfaces }: OwnershipEntry): Entry {
  return {
    address,
    candidates,
    wanted: toWantedInterfaces(interfaces),
    isMine: false,
    ownerSeen: undefined,
    bestSinceMs: undefined,
    noFailbackBeforeMs: -Infinity,
    asking: undefined,
    wakeMs: -Infinity,
    partingUntilMs: undefined,
    counters: { sinceMs: -Infinity, count: 0, lastMs: -Infinity },
  };
}

/** Notes that a peer announces what is ours; true when that came so often that our views of the ranking must differ. */
export function noteClaim(counters: Counters, nowMs: number): boolean {
  if (nowMs - counters.sinceMs > COUNTER_WINDOW_MS) {
    counters.sinceMs = nowMs;
    counters.count = 0;
  }
  counters.count += 1;
  return counters.count > MAX_COUNTERS;
}

/** Whether it is time to announce against a claim. */
export function takeCounter(counters: Counters, nowMs: number): boolean {
  if (nowMs - counters.lastMs < COUNTER_EVERY_MS) return false;
  counters.lastMs = nowMs;
  return true;
}
