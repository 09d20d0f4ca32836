/** From the text of a file to the objects that Herald judges: documents, lists of objects, and what of it is not ours. */
import { isMap, isScalar, isSeq, type YAMLMap } from "yaml";
import { CONFIGURATION_KINDS, isOfGroup } from "./kinds";
import { readYaml, type YamlDocument, type YamlFault } from "./kubectl-yaml";
import { findDuplicateKeys, locateField } from "./locate";
import type { Manifest, Position, Reading, Unreadable } from "./manifest";

/** Aliases may stand for more nodes than are written; beyond this a document is refused. */
const MAX_ALIASES = 1_000;

/** Lists of objects in lists of objects: kubectl makes none, so deeper ones are not followed. */
const MAX_LIST_DEPTH = 8;

/** Reads the texts of several files one after the other. */
export class ManifestReader {
  readonly #namespace: string;
  readonly #manifests: Manifest[] = [];
  readonly #unreadable: Unreadable[] = [];
  #ignored = 0;
  #nameless = 0;

  /** Objects that name no namespace get `namespace`. */
  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  get reading(): Reading {
    return { manifests: this.#manifests, ignored: this.#ignored, unreadable: this.#unreadable };
  }

  /** Takes note of an input that could not even be opened. */
  addUnreadable(unreadable: Unreadable): void {
    this.#unreadable.push(unreadable);
  }

  /** Reads every document of the text. Total: what cannot be read is noted, and the rest is read all the same. */
  add(file: string, text: string): void {
    for (const read of readYaml(text)) {
      if (read.ok) this.#addDocument(file, read.value);
      else this.#refuse(file, read.error, text);
    }
  }

  #refuse(file: string, { line, column, reason }: YamlFault, text = ""): void {
    const hint = text.includes("{{")
      ? " It looks like the template of a chart: give me what `helm template` prints."
      : "";
    this.#unreadable.push({
      file,
      line,
      column,
      message: `This document cannot be read: ${reason}.${hint}`,
    });
  }

  #addDocument(file: string, read: YamlDocument): void {
    const root = read.document.contents;
    if (root === null) return;
    try {
      this.#addNode({ file, read }, root, 0);
    } catch (error) {
      // Aliases that stand for themselves or for too much.
      const reason = error instanceof Error ? error.message : String(error);
      this.#refuse(file, { ...read.toLineAndColumn(root.range[0]), reason });
    }
  }

  #addNode(source: Source, node: unknown, depth: number): void {
    const items = isMap(node) ? itemsOf(node) : undefined;
    if (items !== undefined && depth < MAX_LIST_DEPTH) {
      for (const item of items) this.#addNode(source, item, depth + 1);
    } else if (isMap(node) && isJudged(node)) {
      this.#manifests.push(this.#toManifest(source, node));
    } else {
      this.#ignored += 1;
    }
  }

  #toManifest({ file, read }: Source, root: YAMLMap): Manifest {
    const { document, toLineAndColumn } = read;
    const content: unknown = root.toJS(document, { maxAliasCount: MAX_ALIASES });
    const object = content as Readonly<Record<string, unknown>>; // A map becomes an object.
    const place = (offset: number): Position => ({ file, ...toLineAndColumn(offset) });
    const metadata = toRecord(object["metadata"]);
    const name = this.#nameOf(metadata);
    const namespace = textOf(metadata["namespace"]) || this.#namespace;
    return {
      ref: { kind: textOf(object["kind"]), namespace, name },
      object: { ...object, metadata: { ...metadata, name, namespace } },
      duplicates: findDuplicateKeys(root).map(({ field, offset }) => ({
        field,
        position: place(offset),
      })),
      locate: (field, value) => place(locateField({ root, document }, field, value !== "")),
    };
  }

  /** Two objects without a name are two objects. */
  #nameOf(metadata: Readonly<Record<string, unknown>>): string {
    const name = textOf(metadata["name"]);
    if (name !== "") return name;
    this.#nameless += 1;
    return `${textOf(metadata["generateName"])}(unnamed ${this.#nameless})`;
  }
}

interface Source {
  readonly file: string;
  readonly read: YamlDocument;
}

/** The objects of a list of objects; undefined for everything else. */
function itemsOf(node: YAMLMap): readonly unknown[] | undefined {
  if (!wordOf(node, "kind").endsWith("List")) return undefined;
  const items: unknown = node.get("items", true);
  return isSeq(items) ? items.items : undefined;
}

function isJudged(node: YAMLMap): boolean {
  const [apiVersion, kind] = [wordOf(node, "apiVersion"), wordOf(node, "kind")];
  if (isOfGroup(apiVersion))
    return !["ServiceL2Status", "ServiceBGPStatus", "ConfigurationState"].includes(kind);
  if (apiVersion === "") return CONFIGURATION_KINDS.has(kind);
  return apiVersion === "v1" && kind === "ConfigMap" && nameIn(node) === "bgpextras";
}

function nameIn(node: YAMLMap): string {
  const metadata: unknown = node.get("metadata", true);
  return isMap(metadata) ? wordOf(metadata, "name") : "";
}

function wordOf(node: YAMLMap, key: string): string {
  const value: unknown = node.get(key, true);
  return isScalar(value) && typeof value.value === "string" ? value.value : "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  return value as Readonly<Record<string, unknown>>;
}
