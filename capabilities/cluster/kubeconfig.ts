/**
 * Kubeconfig files: which server, whose certificates, which credentials. Reads what kubectl writes; refuses with a clear
 * sentence what would need a program started or a dialogue held (exec and auth-provider plugins) or a proxy.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

/** Access to a cluster that cannot be had; the message says which file and which field, and what would work. */
export class ClusterAccessError extends Error {
  override readonly name = "ClusterAccessError";
  readonly code: "missing" | "malformed" | "unsupported";

  constructor(code: ClusterAccessError["code"], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The one context of a kubeconfig that is in force, with certificates and keys as PEM. */
export interface KubeconfigContext {
  readonly server: string;
  readonly namespace: string | undefined;
  readonly ca: string | undefined;
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  readonly serverName: string | undefined;
  readonly isVerifyingServer: boolean;
  readonly token: string | undefined;
  /** A file that holds the token and is replaced from time to time. */
  readonly tokenFile: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** One named entry and the file it stands in: relative paths count from that file's folder. */
interface Entry {
  readonly fields: Fields;
  readonly path: string;
}

/**
 * The context in force of the kubeconfig files at `paths`; as with kubectl the first file that says something wins and missing
 * files are skipped as long as one is there. Throws `ClusterAccessError`.
 */
export function readKubeconfig(paths: readonly string[], contextName?: string): KubeconfigContext {
  const files = paths.flatMap(path => readFile(path));
  if (files.length === 0) {
    throw new ClusterAccessError("missing", `no kubeconfig file at ${paths.join(" or ")}`);
  }
  const from = files.map(file => file.path).join(", ");
  const wanted =
    contextName ?? files.map(file => text(file.fields, "current-context")).find(Boolean);
  if (wanted === undefined) {
    throw new ClusterAccessError("malformed", `kubeconfig ${from} has no current-context`);
  }
  const context = findEntry(files, "context", wanted);
  const cluster = findEntry(files, "cluster", text(context.fields, "cluster") ?? "");
  const user = findEntry(files, "user", text(context.fields, "user") ?? "");
  refuseUnsupported(cluster, user);
  const server = text(cluster.fields, "server");
  if (server === undefined) {
    throw new ClusterAccessError(
      "malformed",
      `kubeconfig ${cluster.path}: a cluster has no server`,
    );
  }
  const tokenFile = text(user.fields, "tokenFile");
  return {
    server,
    namespace: text(context.fields, "namespace"),
    ca: material(cluster, "certificate-authority"),
    clientCertificate: material(user, "client-certificate"),
    clientKey: material(user, "client-key"),
    serverName: text(cluster.fields, "tls-server-name"),
    isVerifyingServer: cluster.fields["insecure-skip-tls-verify"] !== true,
    token: text(user.fields, "token"),
    tokenFile: tokenFile === undefined ? undefined : resolve(dirname(user.path), tokenFile),
  };
}

function readFile(path: string): readonly Entry[] {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new ClusterAccessError("missing", `kubeconfig ${path} cannot be read`, error);
  }
  try {
    return [{ fields: toFields(parse(content)), path }];
  } catch (error) {
    throw new ClusterAccessError("malformed", `kubeconfig ${path} is no YAML`, error);
  }
}

function findEntry(
  files: readonly Entry[],
  kind: "context" | "cluster" | "user",
  name: string,
): Entry {
  for (const file of files) {
    const list: unknown = file.fields[`${kind}s`];
    const named = (Array.isArray(list) ? list : [])
      .map(toFields)
      .find(item => item["name"] === name);
    if (named !== undefined) return { fields: toFields(named[kind]), path: file.path };
  }
  const from = files.map(file => file.path).join(", ");
  throw new ClusterAccessError("malformed", `kubeconfig ${from} has no ${kind} "${name}"`);
}

function refuseUnsupported(cluster: Entry, user: Entry): void {
  const refused: readonly [Entry, string, string][] = [
    [user, "exec", "credential plugins are not run"],
    [user, "auth-provider", "auth providers are not supported"],
    [user, "username", "API servers take no passwords since Kubernetes 1.19"],
    [cluster, "proxy-url", "proxies are not supported"],
  ];
  for (const [entry, field, why] of refused) {
    if (entry.fields[field] === undefined || entry.fields[field] === null) continue;
    throw new ClusterAccessError(
      "unsupported",
      `kubeconfig ${entry.path} uses "${field}": ${why}; use a token, tokenFile or client certificate, ` +
        `for instance of a ServiceAccount (kubectl create token)`,
    );
  }
}

/** PEM text of `<field>-data` (base64) or, failing that, of the file that `<field>` names. */
function material(entry: Entry, field: string): string | undefined {
  const inline = text(entry.fields, `${field}-data`);
  if (inline !== undefined) return Buffer.from(inline, "base64").toString("utf8");
  const named = text(entry.fields, field);
  if (named === undefined) return undefined;
  const path = resolve(dirname(entry.path), named);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const message = `kubeconfig ${entry.path}: ${field} ${path} cannot be read`;
    throw new ClusterAccessError("missing", message, error);
  }
}

function text(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function toFields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
