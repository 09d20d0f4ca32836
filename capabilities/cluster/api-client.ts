/**
 * The client of the API server for everything that is frequent: a small pool of kept-alive HTTP/1.1 connections (spec: ten
 * times cheaper than a connection per request, and HTTP/2 brings nothing over it), and one connection per watch outside it.
 */
import * as http from "node:http";
import * as https from "node:https";
import { ApiError, toStatusError } from "./api-error";
import type { ClusterAccess } from "./cluster-access";

/** Details of one request. */
export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Another form of the answer than the whole objects, such as `METADATA_ONLY`. */
  readonly accept?: string | undefined;
  /** Ends the request with an `ApiError` of code `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** For the whole answer, or for a stream's headers, counted from the moment a connection is free. */
  readonly timeoutMs?: number | undefined;
}

/** `accept` of a list whose items have nothing but their metadata: a Node is ten times as large. */
export const METADATA_ONLY =
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/** Details of a request with a body. */
export interface WriteOptions extends RequestOptions {
  /** Default: `application/json`; for a patch `application/merge-patch+json`. */
  readonly contentType?: string;
}

/** An answer that does not end, such as a watch: chunks as they come. Iterating throws when the connection breaks. */
export interface ApiStream extends AsyncIterable<Uint8Array> {
  destroy(error?: Error): void;
}

/** The reading half of `ApiClient`: all that a watch needs. */
export interface ApiReader {
  get<Answer>(path: string, options?: RequestOptions): Promise<Answer>;
  stream(path: string, options?: RequestOptions): Promise<ApiStream>;
}

export interface ApiClientOptions {
  /** Connections for requests that end; watches have their own. */
  readonly maxSockets?: number;
  readonly timeoutMs?: number;
  readonly userAgent?: string;
}

const DEFAULT_MAX_SOCKETS = 16;
const DEFAULT_TIMEOUT_MS = 30_000;

/** Idle connections are closed before a load balancer or the server (90 s and more) would do it without our knowing. */
const IDLE_SOCKET_MS = 30_000;

/** More than any list of a cluster within Kubernetes' own limits; a longer answer is an error, not our end. */
const MAX_ANSWER_OCTETS = 256 * 1024 * 1024;
const MAX_ERROR_OCTETS = 64 * 1024;

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One request as it goes out, and what is learnt about it. */
interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body: string | undefined;
  readonly options: WriteOptions;
  token: string | undefined;
  isOnReusedSocket: boolean;
}

interface StartedRequest {
  readonly request: http.ClientRequest;
  readonly endTimeLimit: () => void;
}

/**
 * Talks JSON to one API server. Every method rejects with `ApiError` and nothing else. A 401 reads the token file again and
 * repeats the request once if the token is another one (the server did nothing with the first); a kept-alive connection that the server had
 * already closed is replaced once for requests that may be repeated (GET, PUT, DELETE).
 */
export class ApiClient implements ApiReader {
  readonly #access: ClusterAccess;
  readonly #timeoutMs: number;
  readonly #userAgent: string;
  readonly #pool: http.Agent;
  readonly #streams: http.Agent;
  readonly #request: typeof http.request;
  readonly #base: string;
  /** Aborts each request under way. */
  readonly #underWay = new Set<() => void>();
  #isClosed = false;

  constructor(access: ClusterAccess, options: ApiClientOptions = {}) {
    this.#access = access;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#userAgent = options.userAgent ?? "herald";
    this.#base = access.server.pathname.replace(/\/+$/, "");
    const isSecure = access.server.protocol === "https:";
    this.#request = isSecure ? https.request : http.request;
    const toAgent = (limits: http.AgentOptions): http.Agent =>
      isSecure ? new https.Agent({ ...access.tls, ...limits }) : new http.Agent(limits);
    this.#pool = toAgent({
      keepAlive: true,
      keepAliveMsecs: 15_000,
      maxSockets: options.maxSockets ?? DEFAULT_MAX_SOCKETS,
      timeout: IDLE_SOCKET_MS,
    });
    this.#streams = toAgent({ keepAlive: false });
  }

  get<Answer>(path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.#json<Answer>("GET", path, undefined, options);
  }

  post<Answer>(path: string, body: unknown, options: WriteOptions = {}): Promise<Answer> {
    return this.#json<Answer>("POST", path, body, options);
  }

  put<Answer>(path: string, body: unknown, options: WriteOptions = {}): Promise<Answer> {
    return this.#json<Answer>("PUT", path, body, options);
  }

  /** A merge patch unless `contentType` says otherwise; with `metadata.resourceVersion` in it a stale one gives 409. */
  patch<Answer>(path: string, body: unknown, options: WriteOptions = {}): Promise<Answer> {
    const contentType = options.contentType ?? "application/merge-patch+json";
    return this.#json<Answer>("PATCH", path, body, { ...options, contentType });
  }

  delete<Answer>(path: string, body?: unknown, options: WriteOptions = {}): Promise<Answer> {
    return this.#json<Answer>("DELETE", path, body, options);
  }

  /** The body of a GET that stays open, once the server has said 200. The caller must read it to its end or destroy it. */
  stream(path: string, options: RequestOptions = {}): Promise<ApiStream> {
    const call = toCall("GET", path, undefined, options);
    return this.#repeatOnce(call, () => this.#openStream(call));
  }

  /** Closes every connection; requests under way, and later ones, are rejected with code `aborted`. */
  close(): void {
    this.#isClosed = true;
    for (const abort of this.#underWay) abort();
    this.#pool.destroy();
    this.#streams.destroy();
  }

  async #json<Answer>(
    method: Method,
    path: string,
    body: unknown,
    options: WriteOptions,
  ): Promise<Answer> {
    const call = toCall(method, path, body, options);
    const text = await this.#repeatOnce(call, () => this.#exchange(call));
    if (text === "") return undefined as Answer;
    try {
      return JSON.parse(text) as Answer;
    } catch (cause) {
      throw new ApiError(`${toTitle(call)}: the answer is no JSON`, { code: "malformed", cause });
    }
  }

  async #repeatOnce<Result>(call: Call, attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await attempt();
    } catch (error) {
      if (!this.#mayRepeat(call, error)) throw error;
      return attempt();
    }
  }

  #mayRepeat(call: Call, error: unknown): boolean {
    if (!(error instanceof ApiError)) return false;
    if (error.status === 401) return this.#access.token?.refresh() !== call.token;
    const isIdempotent = call.method !== "POST" && call.method !== "PATCH";
    return error.code === "network" && call.isOnReusedSocket && isIdempotent;
  }

  #exchange(call: Call): Promise<string> {
    return new Promise((resolve, reject) => {
      const { request } = this.#start(call, this.#pool, reject);
      request.on("response", response => {
        collect(response, call, MAX_ANSWER_OCTETS).then(text => {
          if (isSuccess(response)) resolve(text);
          else reject(toAnswerError(call, response, text));
        }, reject);
      });
    });
  }

  #openStream(call: Call): Promise<ApiStream> {
    return new Promise((resolve, reject) => {
      const { request, endTimeLimit } = this.#start(call, this.#streams, reject);
      request.on("response", response => {
        if (isSuccess(response)) {
          endTimeLimit();
          // A watch that breaks, or is given up because it is silent, says something about the other connections, too.
          response.on("error", () => this.#dropIdleSockets());
          resolve(response);
          return;
        }
        collect(response, call, MAX_ERROR_OCTETS).then(
          text => reject(toAnswerError(call, response, text)),
          reject,
        );
      });
    });
  }

  /** Sends the request; its time limit ends with the answer or with a call of `endTimeLimit`. */
  #start(call: Call, agent: http.Agent, fail: (error: ApiError) => void): StartedRequest {
    const { signal } = call.options;
    const timeoutMs = call.options.timeoutMs ?? this.#timeoutMs;
    const request = this.#request({
      agent,
      method: call.method,
      hostname: this.#access.server.hostname.replace(/^\[|\]$/g, ""),
      port: this.#access.server.port || (this.#access.server.protocol === "https:" ? 443 : 80),
      path: `${this.#base}${call.path}${toQueryText(call.options.query)}`,
      headers: this.#headers(call),
    });
    let timer: NodeJS.Timeout | undefined;
    const endTimeLimit = (): void => clearTimeout(timer);
    const abort = (): void => {
      const error = new ApiError(`${toTitle(call)}: aborted`, { code: "aborted" });
      fail(error);
      request.destroy(error);
    };
    this.#underWay.add(abort);
    request.on("socket", () => {
      call.isOnReusedSocket = request.reusedSocket;
      timer = setTimeout(() => {
        const message = `${toTitle(call)}: no complete answer within ${timeoutMs} ms`;
        request.destroy(new ApiError(message, { code: "timeout" }));
        // The way to the server may be dead without a word: idle connections on it would each cost a time limit, too.
        this.#dropIdleSockets();
      }, timeoutMs);
    });
    request.on("error", error => fail(toNetworkError(call, error)));
    request.on("close", () => {
      endTimeLimit();
      this.#underWay.delete(abort);
      signal?.removeEventListener("abort", abort);
    });
    if (signal?.aborted === true || this.#isClosed) abort();
    else signal?.addEventListener("abort", abort);
    request.end(call.body);
    return { request, endTimeLimit };
  }

  #headers(call: Call): http.OutgoingHttpHeaders {
    call.token = this.#access.token?.current();
    const headers: http.OutgoingHttpHeaders = {
      accept: call.options.accept ?? "application/json",
      "user-agent": this.#userAgent,
    };
    if (call.token !== undefined) headers["authorization"] = `Bearer ${call.token}`;
    if (call.body !== undefined) {
      headers["content-type"] = call.options.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(call.body);
    }
    return headers;
  }

  #dropIdleSockets(): void {
    for (const sockets of Object.values(this.#pool.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

function toCall(method: Method, path: string, body: unknown, options: WriteOptions): Call {
  // Text is JSON already: a 64-bit counter has digits that JSON.stringify cannot write.
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  return { method, path, body: text, options, token: undefined, isOnReusedSocket: false };
}

function toTitle(call: Call): string {
  return `${call.method} ${call.path}`;
}

function toQueryText(query: RequestOptions["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function isSuccess(response: http.IncomingMessage): boolean {
  const status = response.statusCode ?? 0;
  return status >= 200 && status < 300;
}

/** The whole body as text. Rejects with `ApiError` when it breaks off or is longer than `maxOctets`. */
async function collect(
  response: http.IncomingMessage,
  call: Call,
  maxOctets: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let octets = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      octets += chunk.length;
      if (octets > maxOctets) throw tooLong(call, maxOctets);
      chunks.push(chunk);
    }
  } catch (error) {
    throw toNetworkError(call, error);
  }
  return Buffer.concat(chunks, octets).toString("utf8");
}

function tooLong(call: Call, maxOctets: number): ApiError {
  const message = `${toTitle(call)}: the answer is longer than ${maxOctets} octets`;
  return new ApiError(message, { code: "malformed" });
}

function toAnswerError(call: Call, response: http.IncomingMessage, text: string): ApiError {
  const retryAfterS = Number(response.headers["retry-after"] ?? Number.NaN);
  const retryAfterMs = Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : undefined;
  return toStatusError(toTitle(call), response.statusCode ?? 0, parseOrText(text), retryAfterMs);
}

function parseOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

function toNetworkError(call: Call, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const detail = error instanceof Error ? error.message || error.name : String(error);
  return new ApiError(`${toTitle(call)}: ${detail}`, { code: "network", cause: error });
}
