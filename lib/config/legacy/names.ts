/** From names that ConfigMaps allowed to names that objects can have. */
import type { Place } from "./node";
import type { LegacyReport } from "./report";

/** Most characters of a label, which some tools make of names. */
const MAX_CHARACTERS = 63;
const LEGAL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/**
 * A legal name stays as it is (`9pool`, `a.b`). Otherwise: cut at 63, lower case, what is illegal becomes a dash, and everything before
 * the first letter and dashes at the end go. Undefined when nothing is left.
 */
function normaliseName(name: string): string | undefined {
  if (LEGAL.test(name) && name.length <= MAX_CHARACTERS) return name;
  const dashed = name
    .slice(0, MAX_CHARACTERS)
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-");
  const normal = dashed.replace(/^[^a-z]+/, "").replace(/-+$/, "");
  return normal === "" ? undefined : normal;
}

export interface ObjectName {
  readonly name: string;
  /** The old name, when no object can have it. */
  readonly legacyName?: string;
  /** Sentences for the comment above the object. */
  readonly comments: readonly string[];
}

/** Gives names to the objects of one kind: two that would be one are told apart by a number. */
export class ObjectNames {
  readonly #taken: Set<string>;
  readonly #what: string;

  /** `what` are the things that are named, in the singular. Of `all` names those that are legal keep themselves, whatever comes first. */
  constructor(what: string, all: readonly string[]) {
    this.#what = what;
    this.#taken = new Set(all.filter(name => normaliseName(name) === name));
  }

  /** Undefined, and reported, when nothing of the name can be used. */
  give(
    legacyName: string,
    where: { readonly report: LegacyReport; readonly path: string; readonly at: Place },
  ): ObjectName | undefined {
    const { report, path, at } = where;
    const normal = normaliseName(legacyName);
    if (normal === undefined) {
      report.refuse({
        rule: "H-F3",
        path,
        at,
        value: legacyName,
        reason: "has no letter that the name of an object could begin with",
        wayOut: "Choose a name of lower-case letters, digits and dashes.",
      });
      return undefined;
    }
    if (normal === legacyName) return { name: normal, comments: [] };
    const name = this.#unique(normal);
    const isShared = name !== normal;
    const reason = isShared
      ? `becomes ${this.#what} "${name}", because "${normal}" is taken`
      : `becomes ${this.#what} "${name}", because no object can have this name`;
    const wayOut =
      this.#what === "pool"
        ? "Services may go on asking for the old name."
        : "What refers to it was changed too.";
    report.inform({ rule: "H-F6", path, at, value: legacyName, reason, wayOut });
    return { name, legacyName, comments: [`"${legacyName}" ${reason}. ${wayOut}`] };
  }

  #unique(normal: string): string {
    let name = normal;
    for (let number = 2; this.#taken.has(name); number += 1) {
      const suffix = `-${number}`;
      name = `${normal.slice(0, MAX_CHARACTERS - suffix.length).replace(/-+$/, "")}${suffix}`;
    }
    this.#taken.add(name);
    return name;
  }
}
