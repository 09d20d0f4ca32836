/** A lab with Herald's image on its nodes and nothing of Herald in the cluster: tests install it as people do. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { NGINX_IMAGE } from "../../../lab/images";
import { Lab } from "../../../lab/lab";
import { REPOSITORY } from "../../../lab/paths";
import { poll, run, type RunResult } from "../../../lab/run";
import { version } from "../../../package.json";

export const NAMESPACE = "metallb-system";
export const INSTALL_MANIFEST = join(REPOSITORY, "dist/install.yaml");
export const CHART = join(REPOSITORY, `dist/herald-${version}.tgz`);
export const ADDRESS = "192.168.1.240";

/** Every request of an account of Herald's, and nobody else's. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  userGroups: ["system:serviceaccounts:${NAMESPACE}", "system:serviceaccounts:pepr-system"]
- level: None
`;

/** One request as the API server saw it. */
export interface AuditedRequest {
  readonly account: string;
  readonly verb: string;
  readonly group: string;
  /** With the subresource: `services/status`. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly status: number;
}

export class World {
  private constructor(
    readonly lab: Lab,
    private readonly work: string,
  ) {}

  /** Builds what is not up to date, then three Ready nodes that have the image. */
  static async up(name: string): Promise<World> {
    await tsx("scripts/build.ts");
    await tsx("scripts/image.ts");
    const work = mkdtempSync(join(tmpdir(), "herald-e2e-"));
    const policy = join(work, "audit-policy.yaml");
    writeFileSync(policy, AUDIT_POLICY);
    const audit = [`--audit-policy-file=${policy}`, `--audit-log-path=${join(work, "audit.log")}`];
    const apiServerArgs = [...audit, "--audit-log-mode=blocking"];
    const lab = await Lab.up({ name, nodes: 3, apiServerArgs });
    const world = new World(lab, work);
    try {
      await lab.importImage(join(REPOSITORY, "dist/herald-image.tar"));
      return world;
    } catch (error) {
      await world.down();
      throw error;
    }
  }

  async down(): Promise<void> {
    await this.lab.down();
    rmSync(this.work, { recursive: true, force: true });
  }

  kubectl(argv: readonly string[], input?: string): Promise<RunResult> {
    return this.lab.kubectl(argv, { check: false, ...(input === undefined ? {} : { input }) });
  }

  /** As an administrator at the control plane would type it. Rejects when it fails. */
  command(argv: readonly string[]): Promise<RunResult> {
    return this.lab.exec("cp", argv, { env: { HOME: this.work } });
  }

  /** Resolves when a client outside the cluster gets nginx's page on the address; rejects with what it got. */
  async answers(address = ADDRESS, timeoutMs = 60_000): Promise<void> {
    let got = "";
    const ask = async (): Promise<true | undefined> => {
      const curl = ["curl", "-s", "-S", "-m", "1", `http://${address}/`];
      const { stdout, stderr } = await this.lab.exec("client", curl, { check: false });
      got = stdout + stderr;
      return stdout.includes("Welcome to nginx!") ? true : undefined;
    };
    await poll(ask, { timeoutMs, everyMs: 100, describe: () => `${address} answers: ${got}` });
  }

  /** Whether anybody on the client's network claims the address. */
  async isClaimed(address = ADDRESS): Promise<boolean> {
    const arping = ["arping", "-q", "-c", "2", "-w", "2", "-i", "eth0", address];
    return (await this.lab.exec("client", arping, { check: false })).status === 0;
  }

  /** A Deployment of nginx and its Service, typed as in a tutorial. */
  async exposeNginx(name = "nginx"): Promise<void> {
    const create = ["create", "deployment", name, `--image=${NGINX_IMAGE}`, "--replicas=3"];
    const expose = ["expose", "deployment", name, "--port=80", "--type=LoadBalancer"];
    for (const argv of [create, expose]) {
      const { stderr, status } = await this.kubectl(argv);
      expect(stderr).toBe("");
      expect(status).toBe(0);
    }
  }

  /** The refusal of a bad pool, as kubectl prints it. */
  async refusal(): Promise<string> {
    const bad = pool("typing-error", "192.168.1.240-192.168.1.2500");
    const { status, stderr } = await this.kubectl(["create", "-f", "-"], bad);
    expect(status).toBe(1);
    return stderr;
  }

  /** What Herald's accounts have asked for so far. */
  audited(): readonly AuditedRequest[] {
    const path = join(this.work, "audit.log");
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap(line => toRequest(line) ?? []);
  }

  /** Names of all objects of these kinds that have to do with Herald, Pepr or MetalLB. */
  async leftovers(kinds: readonly string[]): Promise<readonly string[]> {
    const { stdout } = await this.kubectl(["get", kinds.join(","), "-A", "-o", "name"]);
    return stdout.split("\n").filter(name => /metallb|herald|pepr/.test(name));
  }
}

export function pool(name: string, addresses: string): string {
  return `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec: {addresses: ["${addresses}"]}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: ${name}, namespace: ${NAMESPACE}}
`;
}

async function tsx(script: string): Promise<void> {
  await run([process.execPath, "--import", "tsx", script], { cwd: REPOSITORY });
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code?: number };
}

function toRequest(line: string): AuditedRequest | undefined {
  if (line === "") return undefined;
  const { verb, user, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
  if (objectRef?.resource === undefined) return undefined;
  const { resource, subresource } = objectRef;
  return {
    account: user.username.split(":").at(-1) ?? "",
    verb,
    group: objectRef.apiGroup ?? "",
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace: objectRef.namespace,
    status: responseStatus?.code ?? 0,
  };
}
