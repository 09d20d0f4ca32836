/** A watch's answer: one JSON object per line, cut into chunks anywhere, even inside a character. */
import { ApiError, toStatusError, type ApiStatus } from "./api-error";
import type { ApiObject } from "./api-object";

/** What a watch tells. `error` ends it. */
export type WatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: ApiObject }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }
  | { readonly type: "ERROR"; readonly error: ApiError };

const NEWLINE = 0x0a;

/** No object is longer: etcd takes 1.5 MiB, API servers 3 MiB, unless told otherwise. */
const MAX_LINE_OCTETS = 32 * 1024 * 1024;

/** Puts chunks together to lines. Holds no more than one unfinished line. */
export class LineDecoder {
  readonly #maxOctets: number;
  #parts: Uint8Array[] = [];
  #octets = 0;

  constructor(maxOctets: number = MAX_LINE_OCTETS) {
    this.#maxOctets = maxOctets;
  }

  /**
   * The lines that `chunk` completes, without their ends, empty ones left out. Throws `ApiError` of code `malformed` when a
   * line is longer than the limit.
   */
  push(chunk: Uint8Array): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    // A newline inside a JSON text is escaped and no octet of a longer UTF-8 sequence equals it: octets can be searched.
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      const line = this.#take();
      if (line !== "") lines.push(line);
      start = end + 1;
    }
    // A copy: the memory of the chunk, which may be large, need not live as long as this line.
    this.#keep(new Uint8Array(chunk.subarray(start)));
    return lines;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#octets += part.length;
    if (this.#octets > this.#maxOctets) {
      const message = `a line of a watch is longer than ${this.#maxOctets} octets`;
      throw new ApiError(message, { code: "malformed" });
    }
    this.#parts.push(part);
  }

  #take(): string {
    const line = Buffer.concat(this.#parts, this.#octets).toString("utf8").trim();
    this.#parts = [];
    this.#octets = 0;
    return line;
  }
}

/**
 * The event that one line of a watch holds; undefined for a type that we do not know, which later servers may send. Throws `ApiError`
 * of code `malformed` when the line is no event at all.
 */
export function parseWatchEvent(line: string): WatchEvent | undefined {
  const { type, object } = parseLine(line);
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object };
    case "BOOKMARK": {
      const resourceVersion = object.metadata?.resourceVersion;
      return resourceVersion === undefined ? undefined : { type, resourceVersion };
    }
    case "ERROR":
      return { type, error: toStatusError("watch", (object as ApiStatus).code ?? 500, object) };
    default:
      return undefined;
  }
}

function parseLine(line: string): { readonly type: string; readonly object: ApiObject } {
  let event: { readonly type?: unknown; readonly object?: unknown } | null;
  try {
    event = JSON.parse(line) as typeof event;
  } catch (cause) {
    throw new ApiError("watch: a line is no JSON", { code: "malformed", cause });
  }
  const { type, object } = event ?? {};
  if (typeof type !== "string" || typeof object !== "object" || object === null) {
    throw new ApiError("watch: a line is no event", { code: "malformed" });
  }
  return { type, object };
}
