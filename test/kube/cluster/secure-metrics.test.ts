/** Metrics over HTTPS against a real API server: who gets them, and with which rights of our own that is found out. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request, type RequestOptions } from "node:https";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gauge, Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { TokenSource } from "../../../capabilities/cluster/cluster-access";
import { systemClock } from "../../../capabilities/cluster/clock";
import { ProbeServer } from "../../../capabilities/cluster/probe-server";
import { secureMetrics } from "../../../capabilities/cluster/secure-metrics";
import { createSelfSigned } from "../../../capabilities/cluster/self-signed";
import { accountsAndRoles, PEPR_NAMESPACE } from "../../../scripts/manifest/rbac";
import { quietLog, startTestCluster, until, type TestCluster } from "./support";

const NAMESPACE = "metallb-system";
const READER_ROLE = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name: "metrics-reader" },
  rules: [{ nonResourceURLs: ["/metrics"], verbs: ["get"] }],
};
const READER_BINDING = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: "metrics-reader" },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "metrics-reader" },
  subjects: [{ kind: "ServiceAccount", name: "prometheus", namespace: NAMESPACE }],
};

let cluster: TestCluster;
let folder: string;
const running: ProbeServer[] = [];
const clients: ApiClient[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
  folder = mkdtempSync(join(tmpdir(), "herald-metrics-"));
  const namespaces = [NAMESPACE, PEPR_NAMESPACE].map(name => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
  const accounts = ["prometheus", "stranger"].map(name => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace: NAMESPACE },
  }));
  const roles = [...accountsAndRoles(NAMESPACE), ...accounts, READER_ROLE, READER_BINDING];
  const items = [...namespaces, ...roles];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await cluster.server.kubectl(["apply", "-f", "-"], { input: list });
});

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
  for (const client of clients.splice(0)) client.close();
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await cluster.end();
});

async function tokenOf(account: string): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
  const answer = await cluster.client.post<{ status: { token: string } }>(path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {},
  });
  return answer.status.token;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, "::", () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

interface Ports {
  readonly metrics: number;
  readonly probes: number;
}

/** The servers of a part that asks with the rights of `account`. */
async function start(account: string, certificateFolder?: string): Promise<Ports> {
  const token = await tokenOf(account);
  const { ca, rejectUnauthorized } = cluster.access.tls;
  const client = new ApiClient({
    ...cluster.access,
    tls: { ...(ca !== undefined && { ca }), rejectUnauthorized },
    token: new TokenSource(() => token, systemClock),
  });
  clients.push(client);
  const registry = new Registry();
  new Gauge({ name: "herald_test", help: "test", registers: [registry] }).set(7);
  const [metrics, probes] = [await freePort(), await freePort()];
  const options = {
    isSecureMetrics: true,
    metricsCertificateFolder: certificateFolder,
    metricsPort: metrics,
    tlsMinVersion: "VersionTLS13",
  } as const;
  const server = await ProbeServer.start({
    healthProbePort: probes,
    healthProbeHost: "",
    metricsPort: metrics,
    metricsHost: "",
    isHealthy: () => undefined,
    isReady: () => undefined,
    metrics: registry,
    secureMetrics: secureMetrics(options, { client, log: quietLog() }),
  });
  running.push(server);
  return { metrics, probes };
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
  readonly commonName: string;
}

function scrape(port: number, token?: string, options: RequestOptions = {}): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const fixed = { port, headers, agent: false, path: "/metrics", rejectUnauthorized: false };
    const asked = request({ host: "127.0.0.1", ...fixed, ...options }, response => {
      const socket = response.socket as unknown as {
        getPeerCertificate: () => { subject: { CN: string } };
      };
      const commonName = socket.getPeerCertificate().subject.CN;
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode, body, commonName }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

describe.each(["admission", "controller", "speaker"])("metrics of the %s", account => {
  it("are for those whose account may get /metrics", async () => {
    const { metrics } = await start(account);
    const allowed = await scrape(metrics, await tokenOf("prometheus"));
    expect(allowed).toMatchObject({ status: 200, commonName: "metrics" });
    expect(allowed.body).toContain("herald_test 7");
    const stranger = await scrape(metrics, await tokenOf("stranger"));
    expect(stranger.status).toBe(403);
    expect(stranger.body).toBe(
      `system:serviceaccount:${NAMESPACE}:stranger may not get the non-resource URL /metrics`,
    );
    expect((await scrape(metrics)).status).toBe(401);
    expect((await scrape(metrics, "made-up")).status).toBe(401);
  });
});

describe("the port of the metrics", () => {
  it("needs the rights to ask: without them nobody is let in", async () => {
    const { metrics } = await start("stranger");
    expect((await scrape(metrics, await tokenOf("prometheus"))).status).toBe(503);
  });

  it("answers on IPv6 too", async () => {
    const { metrics } = await start("speaker");
    const answer = await scrape(metrics, await tokenOf("prometheus"), { host: "::1" });
    expect(answer.status).toBe(200);
  });

  it("speaks neither plain HTTP nor TLS 1.2", async () => {
    const { metrics } = await start("speaker");
    await expect(fetch(`http://127.0.0.1:${metrics}/metrics`)).rejects.toThrow();
    await expect(scrape(metrics, "any", { maxVersion: "TLSv1.2" })).rejects.toThrow();
  });

  it("has nothing else, and the probes' port has no metrics", async () => {
    const { metrics, probes } = await start("speaker");
    const token = await tokenOf("prometheus");
    expect((await scrape(metrics, token, { path: "/healthz" })).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${probes}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${probes}/readyz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${probes}/metrics`)).status).toBe(404);
  });
});

describe("a certificate of one's own", () => {
  function write(host: string): void {
    const { certificate, key } = createSelfSigned(host, Date.now());
    for (const [name, text] of [
      ["tls.key", key],
      ["tls.crt", certificate],
    ] as const) {
      writeFileSync(join(folder, "new"), text);
      renameSync(join(folder, "new"), join(folder, name));
    }
  }

  it("is served, and so is the next one in its place", async () => {
    write("first.example");
    const { metrics } = await start("speaker", folder);
    const token = await tokenOf("prometheus");
    expect((await scrape(metrics, token)).commonName).toBe("first.example");
    write("second.example");
    await until("the new certificate is served", 30_000, async () => {
      return (await scrape(metrics, token)).commonName === "second.example";
    });
  });

  it("that is none, or of another key, is named", async () => {
    write("first.example");
    writeFileSync(join(folder, "tls.key"), createSelfSigned("other", Date.now()).key);
    await expect(start("speaker", folder)).rejects.toThrow(
      `--metrics-cert-dir=${folder}: no certificate (tls.crt) with its key (tls.key) can be read`,
    );
    await expect(start("speaker", join(folder, "nowhere"))).rejects.toThrow("nowhere");
  });
});
