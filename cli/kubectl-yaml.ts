/**
 * YAML as kubectl reads it, with the places of everything. Measured with kubectl 1.34: a line that begins with `---` separates documents
 * whatever follows; `yes`, `on`, `y` and their kind are booleans; `014`, `0b11` and `1_000` are numbers; of two equal keys the last counts.
 * JSON is read too. Total: hostile input is refused, never followed.
 */
import {
  Composer,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  type Document,
  type ScalarTag,
} from "yaml";
import { toShownText } from "../lib/config/problem";

/** One document of a text. */
export interface YamlDocument {
  readonly document: Document.Parsed;
  /** Line and column of an offset of one of the document's nodes, both from 1. */
  readonly toLineAndColumn: (offset: number) => LineAndColumn;
}

export interface LineAndColumn {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends LineAndColumn {
  /** The end of a sentence. */
  readonly reason: string;
}

/** In place of a document that cannot be read. The documents after it are read all the same. */
export type ReadDocument =
  | { readonly ok: true; readonly value: YamlDocument }
  | { readonly ok: false; readonly error: YamlFault };

/** Manifests nest 60 levels at most (schemas of large definitions). The reader of YAML recurses, and V8 ends the process near 1,000. */
const MAX_OPEN_TOKENS = 400;

const MAX_REASON_CHARACTERS = 160;

/** Every document of the text that is not empty. */
export function readYaml(text: string): readonly ReadDocument[] {
  return splitDocuments(text.replace(/^\uFEFF/, "")).flatMap(readPart);
}

interface Part {
  readonly text: string;
  /** Lines before it. */
  readonly lines: number;
}

/** Cuts before each line that begins with `---`, so that a broken document takes no other with it. */
function splitDocuments(text: string): readonly Part[] {
  const parts: Part[] = [];
  let start = 0;
  let [lines, linesBefore] = [0, 0];
  let hasContent = false;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(at, next);
    if (hasContent && /^---(\s|$)/.test(line)) {
      parts.push({ text: text.slice(start, at), lines: linesBefore });
      [start, linesBefore, hasContent] = [at, lines, false];
    }
    // Comments and directives belong to the document that follows them.
    hasContent ||= !/^\s*$|^[#%]/.test(line);
    lines += 1;
    at = next;
  }
  return [...parts, { text: text.slice(start), lines: linesBefore }];
}

function readPart(part: Part): readonly ReadDocument[] {
  const counter = new LineCounter();
  counter.addNewLine(0);
  // What is missing at the end is missing on the last line that says anything.
  const end = part.text.trimEnd().length;
  const toLineAndColumn = (offset: number): LineAndColumn => {
    const { line, col } = counter.linePos(Math.min(offset, end));
    return { line: Math.max(line, 1) + part.lines, column: Math.max(col, 1) };
  };
  try {
    return parsePart(part.text, counter).flatMap(parsed => {
      const [error] = parsed.errors;
      if (error) {
        const reason = REASONS[error.code] ?? error.message;
        return [fault(toLineAndColumn(error.pos[0]), reason)];
      }
      return isEmpty(parsed.contents)
        ? []
        : [{ ok: true, value: { document: parsed, toLineAndColumn } }];
    });
  } catch (error) {
    if (error instanceof TooDeep) return [fault(toLineAndColumn(error.offset), error.message)];
    const reason = error instanceof Error ? error.message : String(error);
    return [fault(toLineAndColumn(0), reason)];
  }
}

/** In place of what the reader of YAML says about its own options. */
const REASONS: Readonly<Record<string, string>> = {
  NON_STRING_KEY: "a key is no text",
  RESOURCE_EXHAUSTION: "it is nested too deeply",
};

/** Whether there is nothing but comments. */
function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function fault(at: LineAndColumn, reason: string): ReadDocument {
  return {
    ok: false,
    error: { ...at, reason: toShownText(reason.replaceAll('"', "'"), MAX_REASON_CHARACTERS) },
  };
}

class TooDeep extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("it is nested too deeply");
    this.offset = offset;
  }
}

function parsePart(text: string, counter: LineCounter): readonly Document.Parsed[] {
  const parser = new Parser(counter.addNewLine);
  const composer = new Composer({
    customTags: tags => [...KUBECTL_SCALARS, ...tags],
    merge: true,
    // Each key would be compared with all others of its map; `findDuplicates` does it in one pass, and for our kinds alone.
    uniqueKeys: false,
    stringKeys: true,
    strict: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  return [...composer.compose(tokensOf(text, parser), false, text.length)].filter(
    (parsed): parsed is Document.Parsed => "contents" in parsed,
  );
}

/** The tokens of the text; throws `TooDeep` before anything recurses into it. */
function* tokensOf(text: string, parser: Parser): ReturnType<Parser["next"]> {
  let length = 0;
  for (const lexeme of new Lexer().lex(text)) {
    length += lexeme.length;
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_OPEN_TOKENS) throw new TooDeep(Math.min(length, text.length));
  }
  yield* parser.end();
}

const YES = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;

/** Plain scalars that kubectl reads otherwise than YAML 1.2. */
const KUBECTL_SCALARS: readonly ScalarTag[] = [
  {
    default: true,
    tag: "tag:yaml.org,2002:bool",
    test: /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/,
    resolve: text => YES.test(text),
  },
  integer(/^[-+]?0[0-7_]*[0-7]$/, 8, "0"),
  integer(/^[-+]?0b[01_]+$/, 2, "0b"),
  integer(/^[-+]?[1-9][0-9]*_[0-9_]*$/, 10, ""),
];

function integer(test: RegExp, radix: number, prefix: string): ScalarTag {
  return {
    default: true,
    tag: "tag:yaml.org,2002:int",
    test,
    resolve: text => {
      const digits = text.replace(/^[-+]/, "").slice(prefix.length).replaceAll("_", "");
      return parseInt(digits, radix) * (text.startsWith("-") ? -1 : 1);
    },
  };
}
