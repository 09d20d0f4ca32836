/**
 * Where a request to the API server failed: `status` – the server answered with an HTTP error; `network` – no connection, or it
 * broke; `timeout` – no complete answer in time; `aborted` – the caller's signal; `malformed` – an answer that is no JSON.
 */
export type ApiErrorCode = "status" | "network" | "timeout" | "aborted" | "malformed";

/** What the server, or the lack of it, said. */
export interface ApiErrorFields {
  readonly code: ApiErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status?: number;
  /** Kubernetes' machine-readable word, such as `Conflict` or `AlreadyExists`; empty when there is none. */
  readonly reason?: string;
  /** The parsed answer, mostly a Kubernetes `Status`; text when it was no JSON. */
  readonly body?: unknown;
  /** The server's `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** A request to the API server that brought no result. The message names the request. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly reason: string;
  readonly body: unknown;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, fields: ApiErrorFields) {
    super(message, { cause: fields.cause });
    this.code = fields.code;
    this.status = fields.status ?? 0;
    this.reason = fields.reason ?? "";
    this.body = fields.body;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

/** The part of a Kubernetes `Status` object that is read here. */
export interface ApiStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

/** The error that a Kubernetes `Status` (body of an HTTP error, or object of a watch's ERROR event) tells. */
export function toStatusError(
  request: string,
  status: number,
  body: unknown,
  retryAfterMs?: number,
): ApiError {
  const told: ApiStatus = typeof body === "object" && body !== null ? body : {};
  const reason = told.reason ?? "";
  const detail = told.message ?? (typeof body === "string" ? body.slice(0, 200) : "");
  const words = [status, reason].filter(word => word !== "" && word !== 0).join(" ");
  const message = detail === "" ? `${request}: ${words}` : `${request}: ${words}: ${detail}`;
  return new ApiError(message, { code: "status", status, reason, body, retryAfterMs });
}

/** Whether the object is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Whether somebody else wrote first (stale `resourceVersion`) or the name is taken: read again and plan again. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** Whether the server, or the way to it, is in trouble, so that any other request would likely fail, too. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.code === "network" || error.code === "timeout") return true;
  return error.status === 429 || error.status >= 500;
}
