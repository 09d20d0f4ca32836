/**
 * What this replica let through and its copies do not show yet. A watch is a few milliseconds behind what is stored; who creates two
 * pools one after the other is faster than that now and then, and the second must be judged beside the first.
 */
import type { ObjectMeta } from "../../lib/config/generated/resources";

/** A change that was accepted and may be stored by now. */
export interface AcceptedChange {
  readonly kind: string;
  readonly operation: string;
  readonly object: unknown;
  readonly oldObject?: unknown;
}

/** The part of a resource that tells whether a change has arrived. */
export interface StoredResource {
  readonly metadata?: ObjectMeta;
  readonly spec?: unknown;
}

/** The copy of the object of this kind with this name; undefined when there is none. */
export type FindCopy = (kind: string, name: string) => StoredResource | undefined;

interface Pending {
  readonly name: string;
  readonly change: AcceptedChange;
  readonly sinceMs: number;
}

/** A change that has not arrived by then was not stored: refused by somebody else, or in conflict with another one. */
const FORGET_MS = 10_000;

/** More are not told apart: until they have been forgotten the copies count as behind. */
const MAX_PENDING = 1_000;

export class AcceptedChanges {
  readonly #findCopy: FindCopy;
  readonly #nowMs: () => number;
  #pending: Pending[] = [];

  constructor(findCopy: FindCopy, nowMs: () => number) {
    this.#findCopy = findCopy;
    this.#nowMs = nowMs;
  }

  /** To be called before the answer is given. What leaves spec and labels as they are is not waited for. */
  note(change: AcceptedChange): void {
    const { name } = metadataOf(change.object);
    if (name === undefined || isSameContent(change.object, change.oldObject)) return;
    if (this.#pending.length >= MAX_PENDING) this.#pending.shift();
    this.#pending.push({ name, change, sinceMs: this.#nowMs() });
  }

  /** Whether everything that was let through is in the copies, or will never be. */
  areShown(): boolean {
    if (this.#pending.length === 0) return true;
    const oldestMs = this.#nowMs() - FORGET_MS;
    this.#pending = this.#pending.filter(
      pending => pending.sinceMs > oldestMs && !this.#isShown(pending),
    );
    return this.#pending.length === 0;
  }

  #isShown({ name, change }: Pending): boolean {
    const copy = this.#findCopy(change.kind, name);
    if (change.operation === "CREATE") return copy !== undefined;
    const { uid, generation } = metadataOf(change.oldObject ?? change.object);
    const now = metadataOf(copy);
    if (copy === undefined || now.uid !== uid) return true;
    if (change.operation === "DELETE") return now.deletionTimestamp !== undefined;
    // The generation counts changes of the spec; labels may change without it.
    return (now.generation ?? 0) > (generation ?? 0) || isSameContent(copy, change.object);
  }
}

function metadataOf(object: unknown): ObjectMeta {
  return toResource(object).metadata ?? {};
}

function isSameContent(left: unknown, right: unknown): boolean {
  if (left === undefined || right === undefined) return false;
  return content(left) === content(right);
}

function content(object: unknown): string {
  const labels = Object.entries(metadataOf(object).labels ?? {}).sort();
  return JSON.stringify([toResource(object).spec, labels]);
}

function toResource(object: unknown): StoredResource {
  return (object ?? {}) as StoredResource;
}
