/**
 * Holds a value from outside against its schema, as the API server does. A resource that was stored under an older schema, or
 * read from a file, may hold anything; the rules behind this one may rely on the types.
 */
import { LIST_LIMITS, SPEC_LIMIT, type ListLimit } from "./limits";
import type { ResourceSchema } from "./schema";

export interface SchemaViolation {
  readonly code:
    | "missing"
    | "type"
    | "bounds"
    | "enum"
    | "length"
    | "pattern"
    | "unknown"
    | "limit";
  /** Path below the value, such as `.addresses[1]`. */
  readonly field: string;
  /** What was found, as text. */
  readonly found: string;
  /** What is allowed, as the end of a sentence: `must be …`. */
  readonly allowed: string;
  /** The bound of limits.ts that is exceeded, when `code` is `limit`. */
  readonly limit?: ListLimit;
}

export interface Conformed {
  /** The value with the shape of the schema: no null, no unknown field, nothing that violates it. */
  readonly value: unknown;
  readonly violations: readonly SchemaViolation[];
}

/** Work and memory stay bounded whatever comes in: later violations of the same value are not looked for. */
const MAX_VIOLATIONS = 100;

/** Checks the value and copies what conforms. Total: any value, never a throw. */
export function conform(value: unknown, schema: ResourceSchema): Conformed {
  const walk = new Walk();
  return { value: walk.copy(value, schema, ""), violations: walk.violations };
}

class Walk {
  readonly violations: SchemaViolation[] = [];
  #values = 0;

  /** `limit` is the bound of a list or map. */
  copy(value: unknown, schema: ResourceSchema, field: string, limit?: ListLimit): unknown {
    if (this.violations.length >= MAX_VIOLATIONS) return undefined;
    if (isNothing(value)) return this.#reject("missing", value, { field, allowed: "is missing" });
    switch (schema.type) {
      case "object":
        return isRecord(value)
          ? this.#copyObject(value, { schema, field, limit })
          : this.#reject("type", value, { field, allowed: "must be a map of fields" });
      case "array":
        return Array.isArray(value)
          ? this.#copyArray(value, { schema, field, limit })
          : this.#reject("type", value, { field, allowed: "must be a list" });
      case "boolean":
        return this.#copyBoolean(value, field);
      case "integer":
        return this.#copyInteger(value, schema, field);
      case "string":
        return this.#copyString(value, schema, field);
    }
  }

  #copyObject(value: object, { schema, field, limit }: Place): unknown {
    const keys = Object.keys(value);
    if (this.#isTooMuch(keys.length, field, limit)) return undefined;
    const { required = [] } = schema;
    const fields = value as Readonly<Record<string, unknown>>; // Any object has fields by name.
    for (const key of required) {
      if (Object.hasOwn(value, key) && !isNothing(fields[key])) continue;
      this.#reject("missing", undefined, { field: `${field}.${key}`, allowed: "is missing" });
    }
    const copied = this.#copyFields(keys, fields, { schema, field, limit });
    // Inside the value an object without its required fields would break the type; the value itself may be partial.
    const isWhole = required.every(key => copied.some(([name]) => name === key));
    return isWhole || field === "" ? Object.fromEntries(copied) : undefined;
  }

  #copyFields(
    keys: readonly string[],
    fields: Readonly<Record<string, unknown>>,
    place: Place,
  ): readonly (readonly [string, unknown])[] {
    const copied: [string, unknown][] = [];
    for (const key of keys) {
      if (this.violations.length >= MAX_VIOLATIONS) break;
      if (isNothing(fields[key])) continue;
      const item = this.#copyField(key, fields[key], place);
      if (item !== undefined) copied.push([key, item]);
    }
    return copied;
  }

  #copyField(key: string, item: unknown, { schema, field }: Place): unknown {
    if (schema.additionalProperties) {
      return this.copy(item, schema.additionalProperties, `${field}[${key}]`);
    }
    const known =
      schema.properties && Object.hasOwn(schema.properties, key)
        ? schema.properties[key]
        : undefined;
    if (known) return this.copy(item, known, `${field}.${key}`, LIST_LIMITS.get(key));
    const names = Object.keys(schema.properties ?? {}).join(", ");
    return this.#reject("unknown", undefined, { field: `${field}.${key}`, allowed: names });
  }

  #copyArray(value: readonly unknown[], { schema, field, limit }: Place): unknown {
    const { items, minItems = 0 } = schema;
    if (value.length < minItems) {
      const allowed = `must have ${minItems} entry or more`;
      return this.#reject("length", value, { field, allowed });
    }
    // Of a list that is too long one entry stays, so that it does not look like an empty one to other rules.
    const seen = this.#isTooMuch(value.length, field, limit) ? value.slice(0, 1) : value;
    if (items === undefined || isListOfTexts(seen, items)) return seen;
    const copied: unknown[] = [];
    for (const [index, item] of seen.entries()) {
      if (this.violations.length >= MAX_VIOLATIONS) break;
      const result = this.copy(item, items, `${field}[${index}]`);
      if (result !== undefined) copied.push(result);
    }
    return copied;
  }

  /** Whether a list or map is longer than allowed, or makes the whole too large: then it is not looked through. */
  #isTooMuch(count: number, field: string, limit: ListLimit | undefined): boolean {
    this.#values += count;
    const broken =
      limit !== undefined && count > limit.maximum
        ? { limit, count }
        : this.#values > SPEC_LIMIT.maximum
          ? { limit: SPEC_LIMIT, count: this.#values }
          : undefined;
    if (broken === undefined) return false;
    const { maximum, what } = broken.limit;
    const allowed = `has ${broken.count} ${what}, more than the ${maximum} that are allowed`;
    const violation = { code: "limit", field, found: "", allowed, limit: broken.limit } as const;
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push(violation);
    return true;
  }

  #copyBoolean(value: unknown, field: string): unknown {
    if (typeof value === "boolean") return value;
    return this.#reject("type", value, { field, allowed: "must be true or false" });
  }

  #copyInteger(value: unknown, schema: ResourceSchema, field: string): unknown {
    if (typeof value === "bigint") return value;
    if (typeof value !== "number" || !Number.isInteger(value)) {
      return this.#reject("type", value, { field, allowed: "must be a whole number" });
    }
    const { minimum = -Infinity, maximum = Infinity } = schema;
    if (value >= minimum && value <= maximum) return value;
    const allowed = describeBounds(schema.minimum, schema.maximum);
    return this.#reject("bounds", value, { field, allowed });
  }

  #copyString(value: unknown, schema: ResourceSchema, field: string): unknown {
    if (typeof value !== "string") {
      return this.#reject("type", value, { field, allowed: "must be text (put it in quotes)" });
    }
    if (schema.enum && !schema.enum.includes(value)) {
      const allowed = `must be one of ${schema.enum.join(", ")}`;
      return this.#reject("enum", value, { field, allowed });
    }
    const { minLength = 0, maxLength = Infinity } = schema;
    if (value.length < minLength || value.length > maxLength) {
      const allowed = `${describeBounds(minLength, schema.maxLength)} characters long`;
      return this.#reject("length", value, { field, allowed });
    }
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
      return this.#reject("pattern", value, { field, allowed: `must match ${schema.pattern}` });
    }
    return value;
  }

  #reject(
    code: SchemaViolation["code"],
    found: unknown,
    { field, allowed }: Pick<SchemaViolation, "field" | "allowed">,
  ): unknown {
    if (this.violations.length < MAX_VIOLATIONS) {
      this.violations.push({ code, field, found: describeFound(found), allowed });
    }
    return undefined;
  }
}

interface Place {
  readonly schema: ResourceSchema;
  readonly field: string;
  readonly limit: ListLimit | undefined;
}

/** The usual long list, which can be taken over as it is. */
function isListOfTexts(value: readonly unknown[], items: ResourceSchema): boolean {
  const { type, minLength, maxLength, pattern } = items;
  const isPlain = [minLength, maxLength, pattern, items.enum].every(bound => bound === undefined);
  return type === "string" && isPlain && value.every(item => typeof item === "string");
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The API server drops an explicit null. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function describeBounds(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum === undefined) return `must be ${maximum ?? "a number"} or less`;
  if (maximum === undefined) return `must be ${minimum} or more`;
  return `must be ${minimum} to ${maximum}`;
}

function describeFound(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "a map";
}
