/** Community objects: one table of aliases from all of them (rules V-C1, V-C2). */
import { parseCommunity, type Community } from "./community";
import type { CommunitySpec } from "./generated/resources";
import { formatObject, type ObjectRef } from "./problem";
import type { Subject } from "./subject";

export type CommunityAliases = ReadonlyMap<string, Community>;

/**
 * The aliases that can be used. Expects the objects oldest first: of two aliases with one name the older counts. A wrong alias
 * is left out alone; the other aliases of its object stay, because advertisements without their communities could leak routes.
 */
export function readCommunityAliases(
  subjects: readonly Subject<Partial<CommunitySpec>>[],
): CommunityAliases {
  const table: AliasTable = { aliases: new Map(), owners: new Map() };
  for (const subject of subjects) {
    for (const [index, alias] of (subject.spec.communities ?? []).entries()) {
      addAlias(subject, table, { ...alias, field: `spec.communities[${index}]` });
    }
  }
  return table.aliases;
}

interface AliasTable {
  readonly aliases: Map<string, Community>;
  /** Who defined a name first, whether or not its value can be used. */
  readonly owners: Map<string, ObjectRef>;
}

function addAlias<Spec>(
  subject: Subject<Spec>,
  { aliases, owners }: AliasTable,
  { name = "", value = "", field }: { name?: string; value?: string; field: string },
): void {
  const community = readValue(subject, value, `${field}.value`);
  if (name.includes(":")) warnUnusable(subject, name, `${field}.name`);
  const owner = owners.get(name);
  if (owner !== undefined) {
    refuseDouble(subject, { name, owner, field: `${field}.name` });
    return;
  }
  owners.set(name, subject.ref);
  if (community !== undefined) aliases.set(name, community);
}

function readValue<Spec>(
  subject: Subject<Spec>,
  value: string,
  field: string,
): Community | undefined {
  const community = parseCommunity(value);
  if (community.ok) return community.value;
  subject.refusePart({
    rule: "V-C1",
    field,
    value,
    reason: "is no BGP community",
    wayOut: "Write 64500:1 (each part up to 65535) or large:64500:1:2 (each up to 4294967295).",
  });
  return undefined;
}

function refuseDouble<Spec>(
  subject: Subject<Spec>,
  { name, owner, field }: { name: string; owner: ObjectRef; field: string },
): void {
  const isOwn = owner === subject.ref;
  subject.refusePart({
    rule: "V-C2",
    field,
    value: name,
    reason: `is an alias that ${isOwn ? "this object" : formatObject(owner)} already defines`,
    wayOut: "Choose another name, or remove one of the two.",
    related: isOwn ? [] : [owner],
  });
}

function warnUnusable<Spec>(subject: Subject<Spec>, name: string, field: string): void {
  subject.warn({
    rule: "H-C1",
    field,
    value: name,
    reason: "contains a colon, so an advertisement can never use it: it would read as a number",
    wayOut: "Choose a name without a colon.",
  });
}
