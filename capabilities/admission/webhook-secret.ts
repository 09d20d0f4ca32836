/**
 * The Secret of the webhooks as a value: authority, server certificate and token, and how they are replaced without a moment in
 * which the API server and a replica do not know each other:
 *
 *   steady ──► introduced: the new ones lie beside the old; the API server trusts both authorities, replicas accept both tokens
 *     ▲            │
 *     └─ switched ◄┘      the new ones are in use; the old authority is still trusted, the old token still accepted
 *
 * Each arrow waits until everybody knows the state before (rotation.ts). Pure but for the making of keys.
 */
import { randomBytes } from "node:crypto";
import {
  canServeWith,
  createAuthority,
  createServerCertificate,
  hostsOf,
  isAuthorityGood,
  isCertificate,
  isServerCertificateGood,
  type CertifiedKey,
} from "./certificate";

/** Keys and texts of the Secret, decoded. MetalLB's keys, `token`, and those of a rotation under way. */
export type SecretTexts = Readonly<Record<string, string>>;

/** Everything that makes a Secret complete. */
export interface WebhookSecret {
  readonly "ca.crt": string;
  readonly "ca.key": string;
  readonly "tls.crt": string;
  readonly "tls.key": string;
  readonly token: string;
}

export const WEBHOOK_SECRET = "metallb-webhook-cert";

/** What a certificate names: the Service of the webhooks as the API server calls it, and the own host for a process without a Pod. */
export function servingHosts(namespace: string, service: string): readonly string[] {
  return [`${service}.${namespace}.svc`, "localhost", "127.0.0.1", "::1"];
}

/** What a replica serves with. */
export interface Serving {
  readonly certificate: string;
  readonly key: string;
  /** The one in use and, while a rotation is under way, the one before or after it. */
  readonly tokens: readonly string[];
}

export type RotationPhase = "steady" | "introduced" | "switched";

const KEYS = ["ca.crt", "ca.key", "tls.crt", "tls.key", "token"] as const;

/** Whether everything is there and can be used: a Secret may be cut short, or mixed from two, by hand or by a tool. */
export function isComplete(secret: SecretTexts): secret is SecretTexts & WebhookSecret {
  const [authority, , certificate, key] = KEYS.map(name => secret[name] ?? "");
  return (
    KEYS.every(name => isSet(secret[name])) &&
    isCertificate(authority ?? "") &&
    canServeWith({ certificate: certificate ?? "", key: key ?? "" })
  );
}

export function phaseOf(secret: SecretTexts): RotationPhase {
  if (isSet(secret["next.token"])) return "introduced";
  return isSet(secret["previous.token"]) ? "switched" : "steady";
}

export function servingOf(secret: SecretTexts & WebhookSecret): Serving {
  return {
    certificate: secret["tls.crt"],
    key: secret["tls.key"],
    tokens: [secret.token, secret["next.token"], secret["previous.token"]].filter(isSet),
  };
}

/** Every authority that may have signed what a replica serves with, PEM after PEM: the `caBundle`. */
export function trustedAuthorities(secret: SecretTexts): string {
  const found = ["ca.crt", "next.ca.crt", "previous.ca.crt"].map(key => secret[key]).filter(isSet);
  return [...new Set(found)].join("");
}

/** The Secret with whatever is missing or no longer good made anew for these hosts; the same value when all is good. */
export async function completeSecret(
  found: SecretTexts,
  hosts: readonly string[],
  nowMs: number,
): Promise<SecretTexts & WebhookSecret> {
  const { authority = await createAuthority(nowMs), server } = goodPairs(found, hosts, nowMs);
  if (server !== undefined && isComplete(found)) return found;
  const { certificate, key } = server ?? (await createServerCertificate(authority, hosts, nowMs));
  return {
    ...found,
    "ca.crt": authority.certificate,
    "ca.key": authority.key,
    "tls.crt": certificate,
    "tls.key": key,
    token: isSet(found["token"]) ? found["token"] : createToken(),
  };
}

/** Whether the certificate or its authority is near its end, or a host is not named. */
export function isRotationDue(
  secret: SecretTexts,
  hosts: readonly string[],
  nowMs: number,
): boolean {
  return goodPairs(secret, hosts, nowMs).server === undefined;
}

/**
 * steady → introduced: a new certificate, for these hosts and those of the old one, and a new token lie beside those in use. The
 * authority stays while it is good, unless `withNewAuthority`.
 */
export async function introduceNext(
  secret: SecretTexts & WebhookSecret,
  hosts: readonly string[],
  { nowMs, withNewAuthority }: { readonly nowMs: number; readonly withNewAuthority: boolean },
): Promise<SecretTexts> {
  const old = { certificate: secret["ca.crt"], key: secret["ca.key"] };
  const isKept = !withNewAuthority && isAuthorityGood(old, nowMs);
  const authority = isKept ? old : await createAuthority(nowMs);
  const names = [...new Set([...hosts, ...hostsOf(secret["tls.crt"])])];
  const server = await createServerCertificate(authority, names, nowMs);
  return {
    ...secret,
    "next.ca.crt": authority.certificate,
    "next.ca.key": authority.key,
    "next.tls.crt": server.certificate,
    "next.tls.key": server.key,
    "next.token": createToken(),
  };
}

/** introduced → switched → steady; a steady Secret stays as it is. What was introduced and cannot be used is dropped. */
export function advance(secret: SecretTexts): SecretTexts {
  switch (phaseOf(secret)) {
    case "introduced": {
      const rest = without(secret, "next.");
      const next = Object.fromEntries(KEYS.map(key => [key, secret[`next.${key}`] ?? ""]));
      if (!isComplete(next)) return rest;
      return {
        ...rest,
        ...next,
        "previous.ca.crt": secret["ca.crt"] ?? "",
        "previous.token": secret["token"] ?? "",
      };
    }
    case "switched":
      return without(secret, "previous.");
    case "steady":
      return secret;
  }
}

/** The pairs of the Secret as far as they are good; a certificate is not, when its authority is not. */
function goodPairs(
  secret: SecretTexts,
  hosts: readonly string[],
  nowMs: number,
): { readonly authority?: CertifiedKey; readonly server?: CertifiedKey } {
  const authority = keyPair(secret, "ca");
  if (authority === undefined || !isAuthorityGood(authority, nowMs)) return {};
  const server = keyPair(secret, "tls");
  const isGood = server !== undefined && isServerCertificateGood(authority, server, hosts, nowMs);
  return isGood ? { authority, server } : { authority };
}

function keyPair(secret: SecretTexts, name: "ca" | "tls"): CertifiedKey | undefined {
  const certificate = secret[`${name}.crt`];
  const key = secret[`${name}.key`];
  return isSet(certificate) && isSet(key) ? { certificate, key } : undefined;
}

function without(secret: SecretTexts, prefix: string): SecretTexts {
  return Object.fromEntries(Object.entries(secret).filter(([key]) => !key.startsWith(prefix)));
}

function createToken(): string {
  return randomBytes(32).toString("hex");
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
