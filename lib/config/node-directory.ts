/** Which nodes selectors select. Each selector is matched once, however many resources have it. */
import { matchesSelector, type Labels, type Selector } from "./labels";

interface Labelled {
  readonly labels: Labels;
}

/** Nodes or namespaces as far as they are known; an empty list says as little as none. */
export class NodeDirectory {
  readonly #nodes: readonly Labelled[];
  readonly #matches = new Map<string, ReadonlySet<number>>();

  constructor(nodes: readonly Labelled[] | undefined) {
    this.#nodes = nodes ?? [];
  }

  get isKnown(): boolean {
    return this.#nodes.length > 0;
  }

  /** Whether any node matches; true when no node is known. */
  matchesSome(selector: Selector): boolean {
    return !this.isKnown || this.#match(selector).size > 0;
  }

  /**
   * Whether a node may match both lists (an empty list selects every node). With no node known, two lists that both choose are
   * taken to choose differently, unless they have a selector in common.
   */
  mayShareNode(left: readonly Selector[], right: readonly Selector[]): boolean {
    if (left.length === 0 && right.length === 0) return true;
    if (!this.isKnown) {
      if (left.length === 0 || right.length === 0) return true;
      return left.some(selector => right.some(other => other.text === selector.text));
    }
    const others = this.#select(right);
    return this.#select(left).some(set => others.some(other => intersects(set, other)));
  }

  #select(selectors: readonly Selector[]): readonly ReadonlySet<number>[] {
    if (selectors.length === 0) return [this.#match(EVERYTHING)];
    return selectors.map(selector => this.#match(selector));
  }

  #match(selector: Selector): ReadonlySet<number> {
    const known = this.#matches.get(selector.text);
    if (known) return known;
    const matched = new Set<number>();
    for (const [index, node] of this.#nodes.entries()) {
      if (matchesSelector(selector, node.labels)) matched.add(index);
    }
    this.#matches.set(selector.text, matched);
    return matched;
  }
}

const EVERYTHING: Selector = { requirements: [], text: "" };

function intersects(left: ReadonlySet<number>, right: ReadonlySet<number>): boolean {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  for (const index of small) if (large.has(index)) return true;
  return false;
}
