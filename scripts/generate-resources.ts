/**
 * Writes lib/config/generated/ from crds/*.yaml: `resources.ts`, a plain readonly interface for each kind, and
 * `schemas.ts`, the same schemas as data for the checks of lib/config. `--check` writes nothing and ends with 1 on drift.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { parse } from "yaml";

/** The part of an OpenAPI v3 schema that the CRDs use. */
interface Schema {
  type: "object" | "array" | "string" | "integer" | "boolean";
  description?: string;
  format?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  required?: string[];
  enum?: string[];
  minimum?: number;
  maximum?: number;
  minItems?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

interface Version {
  name: string;
  storage: boolean;
  schema: { openAPIV3Schema: Schema };
}

interface Definition {
  spec: { names: { kind: string; plural: string }; versions: Version[] };
}

const root = join(__dirname, "..");
const outputs = join(root, "lib/config/generated");
const NOTICE =
  "/** Generated from crds/ by scripts/generate-resources.ts (`npm run gen`). Do not edit. */\n";

/** Fields of metadata that Herald reads or writes; the API server has more. */
const PREAMBLE = `${NOTICE}
export interface ObjectMeta {
  /** Absent only on an object that is to be created with \`generateName\`. */
  readonly name?: string;
  readonly namespace?: string;
  readonly generateName?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, in whole seconds. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}
`;

function main(): void {
  const definitions = readDefinitions();
  void Promise.all([
    settle("resources.ts", interfacesOf(definitions)),
    settle("schemas.ts", schemasOf(definitions)),
  ]).then(drifted => {
    if (drifted.includes(true)) process.exitCode = 1;
  });
}

function readDefinitions(): Definition[] {
  const folder = join(root, "crds");
  const names = readdirSync(folder).filter(name => name.endsWith(".yaml"));
  return names.sort().map(name => parse(readFileSync(join(folder, name), "utf8")) as Definition);
}

/** Writes the file, or with --check says whether it has drifted. */
async function settle(name: string, text: string): Promise<boolean> {
  const path = join(outputs, name);
  const options = await resolveConfig(path);
  const wanted = await format(text, { ...options, filepath: path });
  const found = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (wanted === found) return false;
  if (process.argv.includes("--check")) {
    process.stderr.write(`lib/config/generated/${name} has drifted from crds/: npm run gen\n`);
    return true;
  }
  writeFileSync(path, wanted);
  return false;
}

/** Collects interfaces by name; a nested object becomes an interface named after its path. */
class Interfaces {
  readonly #texts = new Map<string, string>();

  add(name: string, schema: Schema): string {
    const known = isLabelSelector(schema) ? "LabelSelector" : name;
    if (this.#texts.has(known)) return known;
    this.#texts.set(known, "");
    const required = new Set(schema.required ?? []);
    const fields = Object.entries(schema.properties ?? {}).map(([key, field]) => {
      const mark = required.has(key) ? "" : "?";
      return `${comment(field)}readonly ${key}${mark}: ${this.typeOf(known + pascal(key), field)};`;
    });
    this.#texts.set(
      known,
      `${comment(schema)}export interface ${known} {\n${fields.join("\n")}\n}`,
    );
    return known;
  }

  addRoot(name: string, schema: Schema): void {
    const { spec, status } = schema.properties ?? {};
    const required = new Set(schema.required ?? []);
    const fields = [
      "readonly apiVersion?: string;",
      "readonly kind?: string;",
      "readonly metadata: ObjectMeta;",
    ];
    if (spec) {
      fields.push(
        `readonly spec${required.has("spec") ? "" : "?"}: ${this.typeOf(`${name}Spec`, spec)};`,
      );
    }
    if (status) fields.push(`readonly status?: ${this.typeOf(`${name}Status`, status)};`);
    this.#texts.set(name, `${comment(schema)}export interface ${name} {\n${fields.join("\n")}\n}`);
  }

  typeOf(name: string, schema: Schema): string {
    switch (schema.type) {
      case "object":
        return schema.properties ? this.add(name, schema) : this.#recordOf(name, schema);
      case "array":
        return this.#arrayOf(name, schema);
      case "integer":
        return isWide(schema) ? "number | bigint" : "number";
      case "string":
        return schema.enum?.map(value => JSON.stringify(value)).join(" | ") ?? "string";
      case "boolean":
        return "boolean";
    }
  }

  #recordOf(name: string, schema: Schema): string {
    const values = schema.additionalProperties;
    return `Readonly<Record<string, ${values ? this.typeOf(name, values) : "never"}>>`;
  }

  #arrayOf(name: string, schema: Schema): string {
    return `readonly ${schema.items ? this.typeOf(singular(name), schema.items) : "unknown"}[]`;
  }

  text(): string {
    return [...this.#texts.values()].join("\n\n");
  }
}

function interfacesOf(definitions: readonly Definition[]): string {
  const interfaces = new Interfaces();
  for (const { spec } of definitions) {
    for (const version of spec.versions) {
      const name = version.storage ? spec.names.kind : spec.names.kind + pascal(version.name);
      interfaces.addRoot(name, version.schema.openAPIV3Schema);
    }
  }
  return `${PREAMBLE}\n${interfaces.text()}`;
}

function schemasOf(definitions: readonly Definition[]): string {
  const entries = definitions.flatMap(({ spec }) =>
    spec.versions.map(version => {
      const key = `${spec.names.kind}/${version.name}`;
      return `${JSON.stringify(key)}: ${JSON.stringify(compact(version.schema.openAPIV3Schema))}`;
    }),
  );
  return `${NOTICE}
import type { ResourceSchema } from "../schema";

/** The schema of each kind and served version, without texts, metadata and CEL rules. */
export const RESOURCE_SCHEMAS: Readonly<Record<string, ResourceSchema>> = {${entries.join(",\n")}};
`;
}

/** What the checks need of a schema; \`metadata\` and the type fields are the API server's own. */
function compact(schema: Schema): object {
  const { type, format: numberFormat, properties, additionalProperties, items, ...bounds } = schema;
  const kept = Object.entries(properties ?? {}).filter(
    ([key, field]) => !(key === "metadata" && field.properties === undefined),
  );
  return {
    type,
    ...(numberFormat === undefined ? {} : { format: numberFormat }),
    ...pick(bounds, [
      "required",
      "enum",
      "minimum",
      "maximum",
      "minItems",
      "minLength",
      "maxLength",
      "pattern",
    ]),
    ...(properties
      ? { properties: Object.fromEntries(kept.map(([key, field]) => [key, compact(field)])) }
      : {}),
    ...(additionalProperties ? { additionalProperties: compact(additionalProperties) } : {}),
    ...(items ? { items: compact(items) } : {}),
  };
}

function pick(from: Partial<Schema>, keys: readonly (keyof Schema)[]): Partial<Schema> {
  return Object.fromEntries(
    keys.filter(key => from[key] !== undefined).map(key => [key, from[key]]),
  );
}

function isLabelSelector(schema: Schema): boolean {
  const keys = Object.keys(schema.properties ?? {});
  return keys.length === 2 && keys.includes("matchLabels") && keys.includes("matchExpressions");
}

/**
 * A 64-bit number without bounds: the counters of a pool, which reach 2^63 - 1. JSON.parse gives
 * numbers; who writes them uses bigint, printed as raw digits, because a number would round 2^63 - 1 up.
 */
function isWide(schema: Schema): boolean {
  return schema.format === "int64" && schema.maximum === undefined && schema.minimum === undefined;
}

function comment(schema: Schema): string {
  return schema.description === undefined ? "" : `/** ${schema.description.trim()} */\n`;
}

function pascal(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name of one item: `Communities` → `Community`, `Interfaces` → `Interface`. */
function singular(name: string): string {
  return name.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
}

main();
