/**
 * The part of HCL that Lokomotive's components are written in: attributes, blocks, strings, numbers, booleans, lists and maps. Expressions
 * (`${var.x}`, functions) are refused: their value is not in the file. Total; nesting is bounded.
 */
import { err, ok, type Result } from "../../net/result";
import type { TextFault } from "./convert-text";
import type { LegacyNode, MapEntry, Place } from "./node";

const MAX_DEPTH = 50;

/** A whole file as one map; blocks of one type become a list below their type, labels a map of it. */
export function parseHcl(text: string): Result<LegacyNode, TextFault> {
  try {
    return ok(new HclReader(text).readFile());
  } catch (error) {
    if (error instanceof HclFault) return err({ ...error.at, reason: error.message });
    throw error;
  }
}

class HclFault extends Error {
  constructor(
    readonly at: Place,
    reason: string,
  ) {
    super(reason);
  }
}

/** One attribute, or one block with its labels. */
interface Item extends MapEntry {
  readonly isBlock: boolean;
}

type Token =
  | { readonly type: "word" | "string" | "number"; readonly text: string; readonly at: Place }
  | { readonly type: "mark"; readonly text: string; readonly at: Place };

const TOKEN =
  /(?<blank>\s+|#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>"(?:[^"\\\n]|\\.)*")|(?<number>-?\d+(?:\.\d+)?)(?![\w-])|(?<word>[A-Za-z_][\w-]*)|(?<mark>[{}[\]=,:.()+*/?%!<>&|-])/y;

class HclReader {
  readonly #tokens: readonly Token[];
  readonly #end: Place;
  #next = 0;

  constructor(text: string) {
    const read = tokenise(text);
    this.#tokens = read.tokens;
    this.#end = read.end;
  }

  readFile(): LegacyNode {
    return toMap(this.#items(undefined, 0), { line: 1, column: 1 });
  }

  /** Attributes and blocks up to the mark, or to the end of the file. */
  #items(until: string | undefined, depth: number): readonly Item[] {
    if (depth > MAX_DEPTH) throw new HclFault(this.#at(), "it is nested too deeply");
    const items: Item[] = [];
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token === undefined && until === undefined) return items;
      if (token?.type === "mark" && token.text === until) {
        this.#next += 1;
        return items;
      }
      if (this.#takeMark(",")) continue;
      items.push(this.#item(depth));
    }
  }

  #item(depth: number): Item {
    const name = this.#take("a name");
    if (name.type === "mark") throw new HclFault(name.at, `a name is expected, not ${name.text}`);
    if (this.#takeMark("=") || this.#takeMark(":")) {
      return { key: name.text, at: name.at, value: this.#value(depth + 1), isBlock: false };
    }
    return this.#block(name, depth);
  }

  #block({ text, at }: Token, depth: number): Item {
    const labels: Token[] = [];
    for (;;) {
      const token = this.#take("= or {");
      if (token.type === "mark" && token.text === "{") break;
      if (token.type === "mark") throw new HclFault(token.at, `= or { is expected after ${text}`);
      labels.push(token);
    }
    const body = toMap(this.#items("}", depth + 1), at);
    const value = labels.reduceRight<LegacyNode>(
      (inner, label) => ({
        type: "map",
        at,
        entries: [{ key: label.text, at: label.at, value: inner }],
      }),
      body,
    );
    return { key: text, at, value, isBlock: true };
  }

  #value(depth: number): LegacyNode {
    const token = this.#take("a value");
    const { at } = token;
    if (token.type === "mark" && token.text === "{") return toMap(this.#items("}", depth), at);
    if (token.type === "mark" && token.text === "[") return this.#list(at, depth);
    const isLiteral = token.type !== "word" || /^(?:true|false|null)$/.test(token.text);
    if (token.type === "mark" || !isLiteral) {
      throw new HclFault(at, `${token.text} is an expression; write its value`);
    }
    return { type: "scalar", at, text: token.text, isQuoted: token.type === "string" };
  }

  #list(at: Place, depth: number): LegacyNode {
    if (depth > MAX_DEPTH) throw new HclFault(at, "it is nested too deeply");
    const items: LegacyNode[] = [];
    while (!this.#takeMark("]")) {
      items.push(this.#value(depth + 1));
      this.#takeMark(",");
    }
    return { type: "list", at, items };
  }

  #take(wanted: string): Token {
    const token = this.#tokens[this.#next];
    if (token === undefined)
      throw new HclFault(this.#end, `the file ends where ${wanted} is expected`);
    this.#next += 1;
    return token;
  }

  #takeMark(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.type !== "mark" || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #at(): Place {
    return this.#tokens[this.#next]?.at ?? this.#end;
  }
}

function tokenise(text: string): { readonly tokens: readonly Token[]; readonly end: Place } {
  const tokens: Token[] = [];
  let [line, lineStart] = [1, 0];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const at = { line, column: start - lineStart + 1 };
    const match = pattern.exec(text);
    if (match === null)
      throw new HclFault(at, `${JSON.stringify(text[start])} is not expected here`);
    const token = toToken(match, at);
    if (token !== undefined) tokens.push(token);
    for (const newline of match[0].matchAll(/\n/g)) {
      line += 1;
      lineStart = start + newline.index + 1;
    }
  }
  return { tokens, end: { line, column: text.length - lineStart + 1 } };
}

function toToken(match: RegExpExecArray, at: Place): Token | undefined {
  const { string, number, word, mark } = match.groups ?? {};
  if (string !== undefined) {
    if (string.includes("${"))
      throw new HclFault(at, "a text holds an expression; write its value");
    return { type: "string", text: unescape(string.slice(1, -1)), at };
  }
  if (number !== undefined) return { type: "number", text: number, at };
  if (word !== undefined) return { type: "word", text: word, at };
  return mark === undefined ? undefined : { type: "mark", text: mark, at };
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** Attributes as they are; blocks of one type, also a single one, as a list, so that readers need no special case. */
function toMap(items: readonly Item[], at: Place): LegacyNode {
  const entries: MapEntry[] = items.filter(item => !item.isBlock);
  const blocks = items.filter(item => item.isBlock);
  for (const key of new Set(blocks.map(block => block.key))) {
    const own = blocks.filter(block => block.key === key);
    const first = own[0]?.at ?? at;
    entries.push({
      key,
      at: first,
      value: { type: "list", at: first, items: own.map(({ value }) => value) },
    });
  }
  return { type: "map", at, entries };
}
