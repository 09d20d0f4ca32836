/**
 * Which numbers of 0 … capacity-1 are free, and which of them is the next to be given. Below `frontier` every number has been in
 * use or reserved at some time: those that are free again wait in a heap (lowest first) or a queue (least recently used). From
 * `frontier` on, only numbers asked for by name are taken. So the next number is found without a walk: O(log n), whatever
 * the capacity. A reserved number is free, but comes last.
 */
import { OrdinalHeap } from "./ordinal-heap";
import { OrdinalQueue } from "./ordinal-queue";

/** The number of an address in its pool: a bigint only from 2^53 on. Those can be asked for by name, but are never the next. */
export type Ordinal = number | bigint;

export type AddressOrder = "LowestFirst" | "LeastRecentlyUsed";

export class FreeOrdinals {
  private readonly limit: number;
  private readonly used = new Set<Ordinal>();
  private readonly reserved = new Set<Ordinal>();
  private readonly reservedHeap = new OrdinalHeap();
  private readonly heap = new OrdinalHeap();
  /** Only with least-recently-used order: the numbers that were given back, those beyond `frontier` included. */
  private readonly queue: OrdinalQueue | undefined;
  private frontier = 0;

  constructor(capacity: bigint, order: AddressOrder = "LowestFirst") {
    this.limit = Number(capacity > SAFE_MAX ? SAFE_MAX : capacity);
    this.queue = order === "LeastRecentlyUsed" ? new OrdinalQueue() : undefined;
  }

  /** How many numbers are in use. */
  get usedCount(): number {
    return this.used.size;
  }

  /** The numbers in use, in no order. */
  usedOrdinals(): Iterable<Ordinal> {
    return this.used;
  }

  isUsed(ordinal: Ordinal): boolean {
    return this.used.has(ordinal);
  }

  /** Marks a number as used; a second call changes nothing. */
  take(ordinal: Ordinal): void {
    this.used.add(ordinal);
    if (typeof ordinal === "number") this.queue?.remove(ordinal);
  }

  /** Marks a number as free. With lowest-first order it is found again at once, before every higher one. */
  release(ordinal: Ordinal): void {
    if (this.used.delete(ordinal)) this.giveBack(ordinal);
  }

  /** Keeps a number back: it is given only by `nextReserved`. */
  reserve(ordinal: Ordinal): void {
    this.reserved.add(ordinal);
    if (typeof ordinal !== "number") return;
    this.queue?.remove(ordinal);
    this.reservedHeap.add(ordinal);
  }

  unreserve(ordinal: Ordinal): void {
    if (this.reserved.delete(ordinal) && !this.used.has(ordinal)) this.giveBack(ordinal);
  }

  /** The number to be given next: free and not reserved; undefined when there is none. */
  next(): number | undefined {
    if (this.queue !== undefined) return this.nextFresh() ?? this.queue.first();
    if (this.heap.isEmpty) return this.nextFresh();
    return this.heap.first(ordinal => this.isFree(ordinal)) ?? this.nextFresh();
  }

  /** The lowest number that is free but reserved. */
  nextReserved(): number | undefined {
    return this.reservedHeap.first(
      ordinal => this.reserved.has(ordinal) && !this.used.has(ordinal),
    );
  }

  /** With least-recently-used order: the numbers that were given back, in that order. Otherwise none. */
  givenBack(): Iterable<number> {
    return this.queue?.values() ?? [];
  }

  /** Takes a free number as given back just now; says nothing to an order that does not care. */
  noteGivenBack(ordinal: Ordinal): void {
    if (typeof ordinal === "number" && this.isFree(ordinal)) this.queue?.add(ordinal);
  }

  private nextFresh(): number | undefined {
    while (this.frontier < this.limit && !this.isFresh(this.frontier)) this.frontier += 1;
    return this.frontier < this.limit ? this.frontier : undefined;
  }

  private isFresh(ordinal: number): boolean {
    return this.isFree(ordinal) && this.queue?.has(ordinal) !== true;
  }

  private isFree(ordinal: number): boolean {
    return !this.used.has(ordinal) && (this.reserved.size === 0 || !this.reserved.has(ordinal));
  }

  private giveBack(ordinal: Ordinal): void {
    if (typeof ordinal !== "number") return;
    if (this.reserved.has(ordinal)) this.reservedHeap.add(ordinal);
    else if (this.queue !== undefined) this.queue.add(ordinal);
    else if (this.used.size + this.reserved.size === 0) this.reset();
    else if (ordinal < this.frontier) this.heap.add(ordinal);
  }

  private reset(): void {
    this.frontier = 0;
    this.heap.clear();
  }
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
