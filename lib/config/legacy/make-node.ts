/** Nodes in place of nodes that were read: one format said in the words of another, each part with the place it comes from. */
import type { LegacyNode, MapNode, Place } from "./node";

export function scalarNode(text: string, at: Place): LegacyNode {
  return { type: "scalar", at, text, isQuoted: true };
}

export function listNode(items: readonly LegacyNode[], at: Place): LegacyNode {
  return { type: "list", at, items };
}

/** Entries whose value is undefined are left out. */
export function mapNode(
  entries: Readonly<Record<string, LegacyNode | undefined>>,
  at: Place,
): MapNode {
  const given = Object.entries(entries).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, at: value.at, value }],
  );
  return { type: "map", at, entries: given };
}
