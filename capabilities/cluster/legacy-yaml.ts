/**
 * YAML of old configurations as `lib/config/legacy` wants it: every scalar as the text that is written, every node with its place.
 * Total: hostile input is refused, never followed.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  parseAllDocuments,
  Parser,
  type Document,
  type Node,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { LegacyNode, MapEntry, Place } from "../../lib/config/legacy/node";
import type { TextFault } from "../../lib/config/legacy/convert-text";
import { err, ok, type Result } from "../../lib/net/result";

/** The reader of YAML recurses; ConfigMaps nest 8 levels. */
const MAX_OPEN_TOKENS = 200;

/** Nodes of one text, those behind aliases counted each time. */
const MAX_NODES = 200_000;

/** Each is looked for in the whole document. */
const MAX_ALIASES = 1_000;

/** One document of a text, with what its block scalars look like in the source. */
export interface LegacyDocument {
  readonly root: LegacyNode;
  /** Where the text of a block scalar (`key: |`) begins, so that places inside it can be given in the whole text. */
  readonly blockStart: (scalar: LegacyNode) => Place | undefined;
}

/** The one document of the text; an empty text is an empty scalar. */
export function parseLegacyYaml(text: string): Result<LegacyNode, TextFault> {
  const documents = parseLegacyDocuments(text);
  if (!documents.ok) return documents;
  const [first, second] = documents.value;
  if (second !== undefined) {
    return err({ ...second.root.at, reason: "a second document begins here" });
  }
  return ok(first?.root ?? NOTHING);
}

const NOTHING: LegacyNode = {
  type: "scalar",
  at: { line: 1, column: 1 },
  text: "",
  isQuoted: false,
};

/** All documents that are not empty. */
export function parseLegacyDocuments(text: string): Result<readonly LegacyDocument[], TextFault> {
  const deep = tooDeepAt(text);
  const counter = new LineCounter();
  if (deep !== undefined) return err({ ...deep, reason: "it is nested too deeply" });
  const parsed = parseAllDocuments(text, {
    lineCounter: counter,
    schema: "failsafe",
    uniqueKeys: false,
    strict: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  if ("empty" in parsed) return ok([]);
  const place = (offset: number): Place => {
    const { line, col } = counter.linePos(Math.min(offset, text.trimEnd().length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const documents: LegacyDocument[] = [];
  for (const document of parsed) {
    const [error] = document.errors;
    if (error !== undefined) return err({ ...place(error.pos[0]), reason: shorten(error.message) });
    const read = readDocument(document, text, place);
    if (!read.ok) return read;
    if (read.value !== undefined) documents.push(read.value);
  }
  return ok(documents);
}

function readDocument(
  document: Document.Parsed,
  text: string,
  place: (offset: number) => Place,
): Result<LegacyDocument | undefined, TextFault> {
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.source === "")) return ok(undefined);
  const blocks = new Map<LegacyNode, Place>();
  const reader = new NodeReader(document, place, (node, scalar) => {
    const start = blockStart(scalar, text, place);
    if (start !== undefined) blocks.set(node, start);
  });
  try {
    const root = reader.read(contents);
    return ok({ root, blockStart: node => blocks.get(node) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err({ ...place(contents.range[0]), reason: shorten(reason) });
  }
}

class NodeReader {
  #left = MAX_NODES;
  #aliasesLeft = MAX_ALIASES;
  readonly #open = new Set<unknown>();

  constructor(
    private readonly document: Document,
    private readonly place: (offset: number) => Place,
    private readonly noteBlock: (node: LegacyNode, scalar: Scalar) => void,
  ) {}

  read(node: Node | null): LegacyNode {
    this.#left -= 1;
    if (this.#left < 0) throw new Error("it is too long, or its aliases stand for too much");
    const at = this.place(node?.range?.[0] ?? 0);
    if (isAlias(node)) return this.#alias(node.resolve(this.document));
    if (isMap(node)) return { type: "map", at, entries: this.#entries(node) };
    if (isSeq(node)) {
      return { type: "list", at, items: node.items.map(item => this.read(item as Node | null)) };
    }
    return this.#scalar(isScalar(node) ? node : undefined, at);
  }

  #scalar(scalar: Scalar | undefined, at: Place): LegacyNode {
    const style = scalar?.type ?? "PLAIN";
    const read = { type: "scalar", at, text: textOf(scalar), isQuoted: style !== "PLAIN" } as const;
    if (scalar !== undefined && style.startsWith("BLOCK")) this.noteBlock(read, scalar);
    return read;
  }

  #alias(target: Node | undefined): LegacyNode {
    this.#aliasesLeft -= 1;
    if (this.#aliasesLeft < 0) throw new Error("it has too many aliases");
    if (target === undefined) throw new Error("an alias stands for nothing");
    if (this.#open.has(target)) throw new Error("an alias stands for itself");
    this.#open.add(target);
    const read = this.read(target);
    this.#open.delete(target);
    return read;
  }

  #entries(map: YAMLMap): readonly MapEntry[] {
    const own: MapEntry[] = [];
    const merged: MapEntry[] = [];
    for (const pair of map.items) {
      const key = pair.key as Node | null;
      const value = this.read(pair.value as Node | null);
      if (!isScalar(key)) throw new Error("a key is no text");
      const name = textOf(key);
      if (name === "<<" && key.type === "PLAIN") merged.push(...mergedEntries(value));
      else own.push({ key: name, at: this.place(key.range?.[0] ?? 0), value });
    }
    // What the map writes itself wins, and of maps that are merged the first (YAML 1.1, merge key).
    const written = new Set(own.map(({ key }) => key));
    for (const entry of merged) {
      if (written.has(entry.key)) continue;
      written.add(entry.key);
      own.push(entry);
    }
    return own;
  }
}

/** YAML 1.1 merges: `<<: *defaults`. */
function mergedEntries(value: LegacyNode): readonly MapEntry[] {
  if (value.type === "map") return value.entries;
  return value.type === "list" ? value.items.flatMap(mergedEntries) : [];
}

function textOf(scalar: Scalar | undefined): string {
  return typeof scalar?.value === "string" ? scalar.value : "";
}

/** Line and column of the first character of a block scalar's text, past its indentation. */
function blockStart(
  scalar: Scalar,
  text: string,
  place: (offset: number) => Place,
): Place | undefined {
  const start = scalar.range?.[0];
  if (start === undefined) return undefined;
  const header = text.indexOf("\n", start);
  const first = header < 0 ? null : /^(?:[ \t]*\n)*( +)/.exec(text.slice(header + 1));
  if (first?.[1] === undefined) return undefined;
  return { line: place(start).line + 1, column: first[1].length + 1 };
}

/** Where brackets or indentation open more than anybody writes; the parser would recurse into them. */
function tooDeepAt(text: string): Place | undefined {
  const counter = new LineCounter();
  const parser = new Parser(counter.addNewLine);
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    offset += lexeme.length;
    Array.from(parser.next(lexeme));
    if (parser.stack.length > MAX_OPEN_TOKENS) {
      const { line, col } = counter.linePos(Math.min(offset, text.length));
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    }
  }
  return undefined;
}

const MAX_REASON_CHARACTERS = 160;

/** The first line of what the parser says. */
function shorten(message: string): string {
  const [line = ""] = message.split("\n");
  return line.replace(/[.:]$/, "").slice(0, MAX_REASON_CHARACTERS);
}
