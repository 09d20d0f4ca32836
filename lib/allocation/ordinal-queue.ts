/** Distinct numbers in the order in which they were added last: what was given back longest ago comes first. */
export class OrdinalQueue {
  /** Oldest first from `head` on; an entry counts only while its turn is the number's latest. */
  private entries: { readonly ordinal: number; readonly turn: number }[] = [];
  private head = 0;
  private turns = new Map<number, number>();
  private lastTurn = 0;

  has(ordinal: number): boolean {
    return this.turns.has(ordinal);
  }

  /** Adds a number at the end; one that is in the queue already moves there. */
  add(ordinal: number): void {
    this.lastTurn += 1;
    this.turns.set(ordinal, this.lastTurn);
    this.entries.push({ ordinal, turn: this.lastTurn });
    if (this.entries.length > 2 * this.turns.size + 64) this.compact();
  }

  remove(ordinal: number): void {
    this.turns.delete(ordinal);
  }

  /** The number that was added longest ago; undefined when there is none. */
  first(): number | undefined {
    for (; this.head < this.entries.length; this.head += 1) {
      const entry = this.entries[this.head];
      if (entry !== undefined && this.turns.get(entry.ordinal) === entry.turn) return entry.ordinal;
    }
    return undefined;
  }

  /** All of them, the oldest first. */
  *values(): Generator<number> {
    for (const { ordinal, turn } of this.entries.slice(this.head)) {
      if (this.turns.get(ordinal) === turn) yield ordinal;
    }
  }

  private compact(): void {
    this.entries = this.entries.filter(({ ordinal, turn }) => this.turns.get(ordinal) === turn);
    this.head = 0;
  }
}
