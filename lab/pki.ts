/**
 * The lab's certificate authority: EC keys (P-256, because making RSA keys takes longer than starting a cluster), made by
 * the `openssl` command. One folder holds `<name>.key` and `<name>.crt` of each certificate, `ca.*`, and `sa.key`/`sa.pub`
 * for the tokens of service accounts. For tests only: keys are not encrypted and live 30 days.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { LabError, run } from "./run";

/** What a certificate says. */
export interface CertificateRequest {
  /** The file's name and, without `organization` or `commonName`, the subject's. */
  readonly name: string;
  readonly commonName?: string;
  readonly organization?: string;
  /** DNS names and IP addresses. */
  readonly alternativeNames?: readonly string[];
  readonly usages: readonly ("clientAuth" | "serverAuth")[];
}

/** Key and certificate as PEM. */
export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const DAYS = "30";
const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** The openssl configuration of one certificate: nothing of the machine's own openssl.cnf gets in. */
export function certificateConfiguration(request: CertificateRequest): string {
  const names = (request.alternativeNames ?? []).map(name =>
    isIP(name) ? `IP:${name}` : `DNS:${name}`,
  );
  return [
    "[req]",
    "distinguished_name = subject",
    "prompt = no",
    "x509_extensions = extensions",
    "[subject]",
    ...(request.organization === undefined ? [] : [`O = ${request.organization}`]),
    `CN = ${request.commonName ?? request.name}`,
    "[extensions]",
    "basicConstraints = critical, CA:false",
    "keyUsage = critical, digitalSignature",
    `extendedKeyUsage = ${request.usages.join(", ")}`,
    ...(names.length === 0 ? [] : [`subjectAltName = ${names.join(", ")}`]),
    "",
  ].join("\n");
}

const AUTHORITY_CONFIGURATION = `[req]
distinguished_name = subject
prompt = no
x509_extensions = extensions
[subject]
CN = herald-lab
[extensions]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign, digitalSignature
subjectKeyIdentifier = hash
`;

/** A certificate authority in a folder; `create` makes a new one, `open` uses the one that is there. */
export class Pki {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static open(directory: string): Pki {
    return new Pki(directory);
  }

  /** Makes the authority and the key pair of the service accounts. */
  static async create(directory: string): Promise<Pki> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const pki = new Pki(directory);
    const serviceAccounts = async () => {
      await openssl([
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        pki.path("sa.key"),
      ]);
      await openssl(["ec", "-in", pki.path("sa.key"), "-pubout", "-out", pki.path("sa.pub")]);
    };
    await Promise.all([pki.#make("ca", AUTHORITY_CONFIGURATION, []), serviceAccounts()]);
    return pki;
  }

  /** Makes `<name>.key` and `<name>.crt`, signed by this authority. */
  async issue(request: CertificateRequest): Promise<Credentials> {
    const authority = ["-CA", this.path("ca.crt"), "-CAkey", this.path("ca.key")];
    await this.#make(request.name, certificateConfiguration(request), authority);
    return this.credentials(request.name);
  }

  /** The PEM texts of a certificate that was issued. */
  credentials(name: string): Credentials {
    const read = (file: string) => readFileSync(this.path(file), "utf8");
    return { ca: read("ca.crt"), certificate: read(`${name}.crt`), key: read(`${name}.key`) };
  }

  path(file: string): string {
    return join(this.directory, file);
  }

  async #make(name: string, configuration: string, authority: readonly string[]): Promise<void> {
    writeFileSync(this.path(`${name}.cnf`), configuration);
    const outputs = ["-keyout", this.path(`${name}.key`), "-out", this.path(`${name}.crt`)];
    const settings = ["-config", this.path(`${name}.cnf`), "-days", DAYS];
    await openssl(["req", "-x509", ...EC_KEY, ...settings, ...authority, ...outputs]);
  }
}

/** A kubeconfig with inline credentials for one user of one cluster. */
export function kubeconfig(url: string, credentials: Credentials): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return `apiVersion: v1
kind: Config
clusters:
- name: lab
  cluster: {server: "${url}", certificate-authority-data: ${base64(credentials.ca)}}
users:
- name: user
  user: {client-certificate-data: ${base64(credentials.certificate)}, client-key-data: ${base64(credentials.key)}}
contexts:
- name: lab
  context: {cluster: lab, user: user}
current-context: lab
`;
}

async function openssl(args: readonly string[]): Promise<void> {
  try {
    await run(["openssl", ...args]);
  } catch (cause) {
    if (cause instanceof LabError && !cause.message.includes("ENOENT")) throw cause;
    throw new LabError("no-openssl", "openssl is missing: install the package openssl.", { cause });
  }
}
