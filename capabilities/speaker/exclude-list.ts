/** The interfaces that are never used for layer 2: the file that MetalLB's ConfigMap `metallb-excludel2` is mounted as. */
import { parse } from "yaml";
import { err, ok, type Result } from "../../lib/net/result";

/** Why a list cannot be used; `message` is a sentence that names the place. */
export interface ExcludeListError {
  readonly message: string;
}

/**
 * The regular expressions of `announcedInterfacesToExclude`, each valid and searched anywhere in a name. Empty text, or a file
 * without the key, excludes nothing.
 */
export function parseExcludeList(text: string): Result<readonly string[], ExcludeListError> {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    return err({ message: `it is no YAML: ${error instanceof Error ? error.message : ""}` });
  }
  const list = isRecord(document) ? document["announcedInterfacesToExclude"] : undefined;
  if (list === undefined || list === null) return ok([]);
  if (!isTexts(list)) {
    return err({ message: "announcedInterfacesToExclude has to be a list of texts" });
  }
  for (const [index, pattern] of list.entries()) {
    if (!isRegularExpression(pattern)) {
      const place = `announcedInterfacesToExclude[${index}]`;
      return err({ message: `${place} is no regular expression: "${pattern}"` });
    }
  }
  return ok(list);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(each => typeof each === "string");
}

function isRegularExpression(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}
