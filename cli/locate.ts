/** From the path of a field to the node of a YAML document that holds it, and what else only the document itself can tell. */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Document,
  type Node,
  type Pair,
} from "yaml";

/** The steps of a path as in `Problem.field`: `spec.nodeSelectors[0].matchLabels[example.org/rack]`. */
export function parseFieldPath(field: string): readonly string[] {
  return [...field.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)].map(match => match[1] ?? match[2] ?? "");
}

/**
 * The offset of the field, or of the innermost part of its path that is written. For a field with a value that is one word this is the
 * value, otherwise its key.
 */
export function locateField(
  { root, document }: { readonly root: Node; readonly document: Document },
  field: string,
  hasValue: boolean,
): number {
  let node: Node | undefined = root;
  let offset = offsetOf(root);
  for (const step of parseFieldPath(field)) {
    const found = descend(resolveAlias(node, document), step);
    if (found === undefined) break;
    node = found.node;
    const isWord = node !== undefined && !isCollection(node);
    offset =
      (found.key === undefined || (isWord && hasValue) ? node : found.key)?.range?.[0] ?? offset;
  }
  return offset;
}

/** Paths and offsets of the keys that are written twice in one map, in the whole of `root`. */
export function findDuplicateKeys(
  root: Node,
): readonly { readonly field: string; readonly offset: number }[] {
  const duplicates: { field: string; offset: number }[] = [];
  const visit = (node: unknown, path: string): void => {
    if (isSeq(node))
      for (const [index, item] of node.items.entries()) visit(item, `${path}[${index}]`);
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const pair of node.items) {
      const key = keyText(pair);
      const field = path === "" ? key : `${path}.${key}`;
      if (seen.has(key) && key !== "<<") duplicates.push({ field, offset: offsetOf(pair.key) });
      seen.add(key);
      visit(pair.value, field);
    }
  };
  visit(root, "");
  return duplicates;
}

interface Found {
  /** Absent for an item of a list. */
  readonly key?: Node;
  readonly node: Node | undefined;
}

function descend(node: Node | undefined, step: string): Found | undefined {
  if (isSeq(node)) {
    const item = /^\d+$/.test(step) ? node.items[Number(step)] : undefined;
    return isNode(item) ? { node: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.findLast(item => keyText(item) === step);
  if (pair === undefined || !isNode(pair.key)) return undefined;
  return { key: pair.key, node: isNode(pair.value) ? pair.value : undefined };
}

/** The node that an alias stands for: there the field is written. */
function resolveAlias(node: Node | undefined, document: Document): Node | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

function keyText({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : "";
}

function offsetOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}
