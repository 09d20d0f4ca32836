/** A min-heap of distinct numbers: O(log n) to add, and to drop the lowest. */
export class OrdinalHeap {
  private readonly heap: number[] = [];
  private readonly members = new Set<number>();

  get isEmpty(): boolean {
    return this.heap.length === 0;
  }

  /** Adds a number; one that is in the heap already changes nothing. */
  add(ordinal: number): void {
    if (this.members.has(ordinal)) return;
    this.members.add(ordinal);
    const { heap } = this;
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

  /** The lowest number for which `isFree` holds; lower ones are dropped. Undefined when there is none. */
  first(isFree: (ordinal: number) => boolean): number | undefined {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (isFree(top)) return top;
      this.drop();
    }
    return undefined;
  }

  clear(): void {
    this.heap.length = 0;
    this.members.clear();
  }

  private drop(): void {
    const top = this.heap[0];
    const last = this.heap.pop();
    if (top === undefined || last === undefined) return;
    this.members.delete(top);
    if (this.heap.length > 0) this.sink(last);
  }

  /** Puts `ordinal` where the root was and moves it down to its place. */
  private sink(ordinal: number): void {
    const { heap } = this;
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
