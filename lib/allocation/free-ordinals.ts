/**
 * Which numbers of 0 … capacity-1 are free, lowest first. Below `frontier` every number has been used at some time: those that
 * are free again wait in a heap. From `frontier` on, only numbers asked for by name are used. So the lowest free number is
 * found without a walk: O(log n) to take and release, whatever the capacity.
 */
export class FreeOrdinals {
  private readonly capacity: bigint;
  private readonly used = new Set<bigint>();
  private frontier = 0n;
  /** Min-heap of released numbers below `frontier`; may hold numbers that were taken by name meanwhile. */
  private heap: bigint[] = [];
  private inHeap = new Set<bigint>();

  constructor(capacity: bigint) {
    this.capacity = capacity;
  }

  /** How many numbers are in use. */
  get usedCount(): number {
    return this.used.size;
  }

  isUsed(ordinal: bigint): boolean {
    return this.used.has(ordinal);
  }

  /** Marks a number as used; a second call changes nothing. */
  take(ordinal: bigint): void {
    this.used.add(ordinal);
  }

  /** Marks a number as free; it is found again at once, before every higher one. */
  release(ordinal: bigint): void {
    if (!this.used.delete(ordinal)) return;
    if (this.used.size === 0) this.reset();
    else if (ordinal < this.frontier && !this.inHeap.has(ordinal)) this.push(ordinal);
  }

  /** The lowest free number; undefined when all are used. */
  lowest(): bigint | undefined {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (!this.used.has(top)) return top;
      this.pop();
    }
    while (this.used.has(this.frontier)) this.frontier += 1n;
    return this.frontier < this.capacity ? this.frontier : undefined;
  }

  private reset(): void {
    this.frontier = 0n;
    this.heap = [];
    this.inHeap = new Set();
  }

  private push(ordinal: bigint): void {
    this.inHeap.add(ordinal);
    const heap = this.heap;
    let index = heap.length;
    heap.push(ordinal);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      const above = heap[parent];
      if (above === undefined || above <= ordinal) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = ordinal;
  }

  private pop(): void {
    const heap = this.heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return;
    this.inHeap.delete(top);
    if (heap.length > 0) this.sink(last);
  }

  /** Puts `ordinal` where the root was and moves it down to its place. */
  private sink(ordinal: bigint): void {
    const heap = this.heap;
    let index = 0;
    for (;;) {
      const child = this.lesserChild(index);
      const below = heap[child];
      if (below === undefined || below >= ordinal) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = ordinal;
  }

  private lesserChild(index: number): number {
    const left = this.heap[2 * index + 1];
    const right = this.heap[2 * index + 2];
    return left !== undefined && right !== undefined && right < left
      ? 2 * index + 2
      : 2 * index + 1;
  }
}
