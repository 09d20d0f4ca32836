/**
 * How to reach the API server and as whom. Sources, as Kubernetes' own controllers look for them: an explicit kubeconfig, the
 * files of KUBECONFIG, the ServiceAccount of the Pod, ~/.kube/config.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock, type Clock } from "./clock";
import { ClusterAccessError, readKubeconfig, type KubeconfigContext } from "./kubeconfig";

/** Everything a client needs to talk to one API server. */
export interface ClusterAccess {
  /** `https://host:port`, possibly with a path in front of `/api`; `http:` only for a local proxy. */
  readonly server: URL;
  readonly tls: TlsMaterial;
  /** Absent when a client certificate, or nothing, says who we are. */
  readonly token: TokenSource | undefined;
  /** The namespace of the context or Pod; undefined when none is told. */
  readonly namespace: string | undefined;
}

/** PEM texts and checks for the TLS connection. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** Where to look for access. */
export interface ClusterAccessOptions {
  /** Path of a kubeconfig; overrides everything else. */
  readonly kubeconfig?: string | undefined;
  /** Name of the kubeconfig's context instead of its current one. */
  readonly context?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Folder with `token`, `ca.crt` and `namespace`. */
  readonly serviceAccountDir?: string;
}

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** How old a token read from a file may get; the kubelet replaces a projected token long before it ends. */
const TOKEN_MAX_AGE_MS = 60_000;

/** A bearer token that may change while we run. */
export class TokenSource {
  readonly #read: () => string;
  readonly #clock: Clock;
  #token: string;
  #readAtMs: number;

  /** Throws what `read` throws, but only now: later a failed reading keeps the last token. */
  constructor(read: () => string, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
    this.#token = read();
    this.#readAtMs = clock.nowMs();
  }

  /** The token, read anew when the last reading is a minute old. */
  current(): string {
    const isFresh = this.#clock.nowMs() - this.#readAtMs < TOKEN_MAX_AGE_MS;
    return isFresh ? this.#token : this.refresh();
  }

  /** The token, read anew at once because the server refused the last one. */
  refresh(): string {
    this.#readAtMs = this.#clock.nowMs();
    try {
      // An empty file is one that is being written.
      this.#token = this.#read() || this.#token;
    } catch {
      // The file is being replaced or the volume is gone: the token we have may still be good, and a 401 will tell.
    }
    return this.#token;
  }
}

/** Access by the first source that is there. Throws `ClusterAccessError` when there is none, or it cannot be used. */
export function loadClusterAccess(options: ClusterAccessOptions): ClusterAccess {
  const { env } = options;
  // Either way a list, as kubectl's: a process hands the variable on as if it were its flag.
  const explicit = options.kubeconfig ?? "";
  const listed = (explicit !== "" ? explicit : (env["KUBECONFIG"] ?? ""))
    .split(":")
    .filter(Boolean);
  if (listed.length > 0) return fromKubeconfig(listed, options);
  if (env["KUBERNETES_SERVICE_HOST"] !== undefined) return fromServiceAccount(options);
  const home = env["HOME"] ?? "";
  if (home !== "") return fromKubeconfig([join(home, ".kube", "config")], options);
  throw new ClusterAccessError(
    "missing",
    "no way to the API server is known: pass --kubeconfig, set KUBECONFIG, or run in a Pod",
  );
}

function fromKubeconfig(paths: readonly string[], options: ClusterAccessOptions): ClusterAccess {
  const context = readKubeconfig(paths, options.context);
  return {
    server: parseServer(context.server, paths.join(", ")),
    tls: toTlsMaterial(context),
    token: toTokenSource(context, options.clock ?? systemClock),
    namespace: context.namespace,
  };
}

function parseServer(server: string, from: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw new ClusterAccessError("malformed", `kubeconfig ${from}: server "${server}" is no URL`);
}

function toTlsMaterial(context: KubeconfigContext): TlsMaterial {
  return {
    ...(context.ca !== undefined && { ca: context.ca }),
    ...(context.clientCertificate !== undefined && { cert: context.clientCertificate }),
    ...(context.clientKey !== undefined && { key: context.clientKey }),
    ...(context.serverName !== undefined && { servername: context.serverName }),
    rejectUnauthorized: context.isVerifyingServer,
  };
}

function toTokenSource(context: KubeconfigContext, clock: Clock): TokenSource | undefined {
  const { token, tokenFile } = context;
  if (tokenFile !== undefined) return fileToken(tokenFile, clock);
  return token === undefined ? undefined : new TokenSource(() => token, clock);
}

function fromServiceAccount(options: ClusterAccessOptions): ClusterAccess {
  const dir = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  const host = options.env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = options.env["KUBERNETES_SERVICE_PORT"] ?? "443";
  const authority = host.includes(":") ? `[${host}]` : host;
  return {
    server: parseServer(`https://${authority}:${port}`, "of KUBERNETES_SERVICE_HOST"),
    tls: { ca: readServiceAccountFile(join(dir, "ca.crt")), rejectUnauthorized: true },
    token: fileToken(join(dir, "token"), options.clock ?? systemClock),
    namespace: readServiceAccountFile(join(dir, "namespace")).trim(),
  };
}

function fileToken(path: string, clock: Clock): TokenSource {
  return new TokenSource(() => readServiceAccountFile(path).trim(), clock);
}

function readServiceAccountFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ClusterAccessError("missing", `${path} cannot be read`, error);
  }
}
