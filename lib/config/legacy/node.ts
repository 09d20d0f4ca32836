/**
 * A document as it was read, with the place of everything and the text of every scalar: `64512:1`, `yes` and `90` mean what the field
 * says, not what a version of YAML says. Made at the edge (capabilities/cluster/legacy-yaml.ts, hcl.ts); nothing here parses YAML.
 */

/** Lines and columns count from 1, in the text that was given. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface ScalarNode {
  readonly type: "scalar";
  readonly at: Place;
  /** As written, without quotes and with escapes resolved; empty for `null`, `~` and nothing. */
  readonly text: string;
  /** Quoted or a block: text, whatever it looks like. */
  readonly isQuoted: boolean;
}

export interface ListNode {
  readonly type: "list";
  readonly at: Place;
  readonly items: readonly LegacyNode[];
}

export interface MapNode {
  readonly type: "map";
  readonly at: Place;
  /** In the order in which they stand; a key that is written twice comes twice. */
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: string;
  /** Of the key. */
  readonly at: Place;
  readonly value: LegacyNode;
}

export type LegacyNode = ScalarNode | ListNode | MapNode;

/** Whether nothing is written: `key:` alone, `~` or `null`. */
export function isNothing(node: LegacyNode | undefined): boolean {
  return (
    node === undefined ||
    (node.type === "scalar" && !node.isQuoted && /^(?:~|null|Null|NULL)?$/.test(node.text))
  );
}

/** The value of the key; of several the last, as kubectl has it. Undefined for a node that is no map. */
export function entryOf(node: LegacyNode | undefined, key: string): LegacyNode | undefined {
  if (node?.type !== "map") return undefined;
  return node.entries.findLast(entry => entry.key === key)?.value;
}

/** The text at the end of the path of keys; undefined when there is none or it is no scalar. */
export function textAt(
  node: LegacyNode | undefined,
  ...keys: readonly string[]
): string | undefined {
  let found = node;
  for (const key of keys) found = entryOf(found, key);
  return found?.type === "scalar" && !isNothing(found) ? found.text : undefined;
}

/** What a parsed document looks like without its places; for values that are passed on unread, such as tolerations. */
export function toPlain(node: LegacyNode): unknown {
  if (node.type === "list") return node.items.map(toPlain);
  if (node.type === "map") {
    return Object.fromEntries(node.entries.map(({ key, value }) => [key, toPlain(value)]));
  }
  if (node.isQuoted) return node.text;
  if (isNothing(node)) return null;
  if (/^(?:true|false)$/i.test(node.text)) return node.text.toLowerCase() === "true";
  return /^-?(?:0|[1-9][0-9]{0,14})$/.test(node.text) ? Number(node.text) : node.text;
}
