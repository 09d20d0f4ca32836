/** What was read from objects by themselves, so that a review beside 1,000 others reads one. */

/**
 * Remembers by the identity of the object, for as long as the object is kept elsewhere. Whoever passes one memo to several calls
 * promises that an object is never changed in place: a change comes as another object, as watches deliver it. The verdicts are
 * the same with and without a memo.
 */
export class ReadMemo {
  readonly #kinds = new Map<string, WeakMap<object, unknown>>();

  /** What `read` returned for the object before, or returns now. `what` says which of several readings of an object is meant. */
  get<Value>(what: string, object: unknown, read: () => Value): Value {
    if (typeof object !== "object" || object === null) return read();
    const known = this.#of(what);
    const before = known.get(object);
    if (before !== undefined) return before as Value; // Only get() writes, under the same `what`.
    const value = read();
    known.set(object, value);
    return value;
  }

  #of(what: string): WeakMap<object, unknown> {
    const known = this.#kinds.get(what) ?? new WeakMap<object, unknown>();
    this.#kinds.set(what, known);
    return known;
  }
}
