/**
 * Who may read metrics: a caller whose bearer token the API server knows (TokenReview) and whose account may `get` the non-resource
 * URL `/metrics` (SubjectAccessReview), as with MetalLB. What was found out is kept for a while, so that a scrape costs no two
 * requests; strangers cannot make us ask the API server more than a few things at a time.
 */
import { createHash } from "node:crypto";
import type { ApiClient } from "./api-client";
import type { Clock } from "./clock";

/** 401: no token, or an unknown one; 403: somebody who may not; 429: too many unknown callers at once; 503: it cannot be found out. */
export type AccessStatus = 200 | 401 | 403 | 429 | 503;

export interface AccessVerdict {
  readonly status: AccessStatus;
  /** For the caller, a sentence without anything secret. */
  readonly why: string;
}

const ALLOWED: AccessVerdict = { status: 200, why: "" };
const NO_TOKEN: AccessVerdict = { status: 401, why: "a bearer token is needed" };
const UNKNOWN: AccessVerdict = { status: 401, why: "the API server does not know this token" };
const BUSY: AccessVerdict = { status: 429, why: "too many callers are being looked at" };
const UNREACHABLE: AccessVerdict = {
  status: 503,
  why: "the API server cannot be asked who this is",
};

const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
/** How long somebody who was allowed stays so while the API server is away. */
const STALE_MS = 600_000;
const MAX_KNOWN = 256;
const MAX_UNDER_WAY = 4;
const REVIEW_TIMEOUT_MS = 5_000;

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

interface TokenReview {
  readonly status?: { readonly authenticated?: boolean; readonly user?: User };
}

interface User {
  readonly username?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean };
}

interface Known {
  readonly verdict: AccessVerdict;
  readonly atMs: number;
}

export class MetricsAccess {
  readonly #client: Pick<ApiClient, "post">;
  readonly #clock: Pick<Clock, "nowMs">;
  /** By the token's digest, oldest first. */
  readonly #known = new Map<string, Known>();
  readonly #underWay = new Map<string, Promise<AccessVerdict>>();

  constructor(client: Pick<ApiClient, "post">, clock: Pick<Clock, "nowMs">) {
    this.#client = client;
    this.#clock = clock;
  }

  /** What becomes of a request with this `Authorization` header. Never rejects. */
  async judge(authorization: string | undefined): Promise<AccessVerdict> {
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return NO_TOKEN;
    const key = createHash("sha256").update(token).digest("base64");
    const known = this.#known.get(key);
    if (known !== undefined && this.#isFresh(known)) return known.verdict;
    const current = this.#underWay.get(key);
    if (current !== undefined) return current;
    if (this.#underWay.size >= MAX_UNDER_WAY) return BUSY;
    const asked = this.#ask(key, token);
    this.#underWay.set(key, asked);
    return asked.finally(() => this.#underWay.delete(key));
  }

  async #ask(key: string, token: string): Promise<AccessVerdict> {
    try {
      const verdict = await this.#review(token);
      this.#remember(key, verdict);
      return verdict;
    } catch {
      const known = this.#known.get(key);
      const isStillGood =
        known?.verdict.status === 200 && this.#clock.nowMs() - known.atMs < STALE_MS;
      return isStillGood ? ALLOWED : UNREACHABLE;
    }
  }

  async #review(token: string): Promise<AccessVerdict> {
    const { status } = await this.#client.post<TokenReview>(
      TOKEN_REVIEWS,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } },
      { timeoutMs: REVIEW_TIMEOUT_MS },
    );
    if (status?.authenticated !== true) return UNKNOWN;
    const { username = "", uid, groups, extra } = status.user ?? {};
    const caller = { user: username, uid, groups, extra };
    const spec = { ...caller, nonResourceAttributes: { path: "/metrics", verb: "get" } };
    const access = await this.#client.post<AccessReview>(
      ACCESS_REVIEWS,
      { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec },
      { timeoutMs: REVIEW_TIMEOUT_MS },
    );
    if (access.status?.allowed === true) return ALLOWED;
    return { status: 403, why: `${username} may not get the non-resource URL /metrics` };
  }

  #isFresh({ verdict, atMs }: Known): boolean {
    return this.#clock.nowMs() - atMs < (verdict.status === 200 ? ALLOWED_MS : REFUSED_MS);
  }

  #remember(key: string, verdict: AccessVerdict): void {
    this.#known.delete(key);
    this.#known.set(key, { verdict, atMs: this.#clock.nowMs() });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}
