/** What one speaker keeps about one address: whether it is ours, who was seen to have it, and what is under way. */
import { Dispute } from "./dispute";
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
  readonly dispute: Dispute;
}

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
    dispute: new Dispute(),
  };
}
