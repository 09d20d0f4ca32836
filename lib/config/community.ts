/** BGP communities as resources write them: `a:b` (RFC 1997) and `large:a:b:c` (RFC 8092). */
import { err, ok, type Result } from "../net/result";

export type Community =
  | { readonly type: "standard"; readonly high: number; readonly low: number }
  | {
      readonly type: "large";
      readonly globalAdministrator: number;
      readonly localData1: number;
      readonly localData2: number;
    };

/**
 * Why a text is no community. `alias`: it has not the shape of a literal, so it can only be the name of an alias; `number`: a
 * part is no number of the allowed range; `marker`: four parts that do not begin with `large`.
 */
export interface CommunityParseError {
  readonly code: "alias" | "number" | "marker";
}

/** Parses a literal: two parts of 0 … 65535, or `large` and three parts of 0 … 4294967295. */
export function parseCommunity(text: string): Result<Community, CommunityParseError> {
  const parts = text.split(":", 5);
  if (parts.length === 2) return parseStandard(parts);
  if (parts.length === 4) return parseLarge(parts);
  return err({ code: "alias" });
}

/** Text as the tables of routers show it: `64500:1` and `64500:1:2`. */
export function formatCommunity(community: Community): string {
  if (community.type === "standard") return `${community.high}:${community.low}`;
  const { globalAdministrator, localData1, localData2 } = community;
  return `${globalAdministrator}:${localData1}:${localData2}`;
}

/** Order for sorting: a standard community counts as the large one with its 32 bits in front and zeros behind. */
export function compareCommunities(left: Community, right: Community): number {
  const [a, b] = [toSortable(left), toSortable(right)];
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? 0;
    if (part !== other) return part - other;
  }
  return left.type === right.type ? 0 : left.type === "standard" ? -1 : 1;
}

const MAX_STANDARD_PART = 0xffff;
const MAX_LARGE_PART = 0xffffffff;

function parseStandard(parts: readonly string[]): Result<Community, CommunityParseError> {
  const [high, low] = parts.map(part => parsePart(part, MAX_STANDARD_PART));
  if (high === undefined || low === undefined) return err({ code: "number" });
  return ok({ type: "standard", high, low });
}

function parseLarge(parts: readonly string[]): Result<Community, CommunityParseError> {
  const [marker, ...numbers] = parts;
  if (marker !== "large") return err({ code: "marker" });
  const [globalAdministrator, localData1, localData2] = numbers.map(part =>
    parsePart(part, MAX_LARGE_PART),
  );
  if (globalAdministrator === undefined || localData1 === undefined || localData2 === undefined) {
    return err({ code: "number" });
  }
  return ok({ type: "large", globalAdministrator, localData1, localData2 });
}

/** Leading zeros are allowed, as MetalLB allows them; the length bounds the work. */
function parsePart(text: string, maximum: number): number | undefined {
  if (!/^[0-9]{1,20}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= maximum ? number : undefined;
}

function toSortable(community: Community): readonly number[] {
  if (community.type === "standard") return [community.high * 0x10000 + community.low, 0, 0];
  return [community.globalAdministrator, community.localData1, community.localData2];
}
