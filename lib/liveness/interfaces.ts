/** Interfaces by the hashes of their names, as heartbeats carry them: which an address wants, which a speaker has. */
import { toInterfaceNameHash, type InterfaceRecord } from "./message";

/** The interfaces that an address may be announced on; undefined: any. */
export type WantedInterfaces = ReadonlySet<number> | undefined;

export function toWantedInterfaces(
  interfaces: readonly string[] | "all" | undefined,
): WantedInterfaces {
  if (interfaces === undefined || interfaces === "all") return undefined;
  return new Set(interfaces.map(toInterfaceNameHash));
}

/** Those that are up, have carrier and are proven to receive. */
export function toUsableInterfaces(records: readonly InterfaceRecord[]): ReadonlySet<number> {
  const usable = records.filter(each => each.isUp && each.hasCarrier && each.isProven);
  return new Set(usable.map(({ nameHash }) => nameHash));
}

/** Whether one of the wanted interfaces is usable; a speaker whose interfaces are not known is believed to have it. */
export function hasWanted(
  wanted: WantedInterfaces,
  usable: ReadonlySet<number> | undefined,
): boolean {
  if (wanted === undefined || usable === undefined) return true;
  for (const nameHash of wanted) if (usable.has(nameHash)) return true;
  return false;
}

export function isSameSet(left: ReadonlySet<number>, right: ReadonlySet<number>): boolean {
  return left.size === right.size && [...left].every(each => right.has(each));
}
