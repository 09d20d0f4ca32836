/**
 * The chart's monitors (case 2.5) on a real API server: without Prometheus Operator's definitions Helm says what is missing; with them
 * the server takes every monitor, and no field of one is unknown.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureHelm } from "../../../../lab/helm/helm";
import { REPOSITORY } from "../../../../lab/paths";
import { ensureMonitorDefinitions } from "../../../../lab/prometheus-operator";
import { run, type RunResult } from "../../../../lab/run";
import { version } from "../../../../package.json";
import { parseObjects } from "../../../../scripts/manifest/definitions";
import type { ManifestObject } from "../../../../scripts/manifest/rbac";
import { startTestCluster, type TestCluster } from "../../cluster/support";

const NAMESPACE = "metallb-system";
const chart = join(REPOSITORY, `dist/herald-${version}.tgz`);
const work = mkdtempSync(join(tmpdir(), "herald-monitors-"));
let helm = "";
let definitions = "";
let cluster: TestCluster;

beforeAll(async () => {
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  [helm, definitions] = [await ensureHelm(), await ensureMonitorDefinitions()];
  cluster = await startTestCluster();
  await cluster.server.kubectl(["create", "namespace", NAMESPACE]);
}, 600_000);

afterAll(async () => {
  await cluster.end();
  rmSync(work, { recursive: true, force: true });
});

/** `helm … metallb CHART` with these values, whatever its exit code. */
function release(command: readonly string[], values: readonly string[]): Promise<RunResult> {
  const set = ["prometheus.rbacPrometheus=false", ...values].join(",");
  const argv = [helm, ...command, "metallb", chart, "-n", NAMESPACE, "--set", set];
  const env = { HOME: work, KUBECONFIG: cluster.server.kubeconfigPath };
  return run(argv, { check: false, env });
}

/** The objects of Prometheus Operator's that the values make. */
async function monitors(values: readonly string[]): Promise<readonly ManifestObject[]> {
  const { stdout, stderr, status } = await release(["template", "--validate"], values);
  expect([status, stderr]).toEqual([0, ""]);
  return parseObjects(stdout).filter(({ apiVersion }) => apiVersion === "monitoring.coreos.com/v1");
}

const KINDS = [
  ["serviceMonitor", "ServiceMonitor"],
  ["podMonitor", "PodMonitor"],
  ["prometheusRule", "PrometheusRule"],
] as const;

it.each(KINDS)(
  "2.5 helm install with %s.enabled and no such kind names %s and installs nothing",
  async (key, kind) => {
    const { status, stderr } = await release(["install"], [`prometheus.${key}.enabled=true`]);
    expect(status).toBe(1);
    expect(stderr).toContain(
      `prometheus.${key}.enabled needs the kind ${kind} of Prometheus Operator, which this cluster does not have`,
    );
    const { stdout } = await cluster.server.kubectl([
      "get",
      "deployments,crds",
      "-A",
      "-o",
      "name",
    ]);
    expect(stdout).toBe("");
  },
);

/** What a monitor may be told besides. */
const SCRAPING = ["interval=30s", "jobLabel=app", "relabelings[0].action=labeldrop"];
const MORE = {
  serviceMonitor: [...SCRAPING, "speaker.tlsConfig.insecureSkipVerify=true"],
  podMonitor: [...SCRAPING, "additionalLabels.release=kps"],
  prometheusRule: ["additionalLabels.release=kps"],
} as const;

it.each(KINDS)("2.5 with the definitions the server takes every %s", async (key, kind) => {
  await cluster.server.kubectl(["apply", "--server-side", "-f", definitions]);
  await cluster.server.kubectl(["wait", "--for=condition=Established", "crd", "--all"]);
  for (const fields of [[], MORE[key]]) {
    const made = await monitors(
      ["enabled=true", ...fields].map(field => `prometheus.${key}.${field}`),
    );
    expect(made.filter(object => object.kind === kind).length).toBeGreaterThan(0);
    const { status, stderr } = await apply({ apiVersion: "v1", kind: "List", items: made });
    expect([status, stderr]).toEqual([0, ""]);
  }
});

it("2.5 the server's schema is what judges: a field that is none is refused", async () => {
  const [monitor] = await monitors(["prometheus.serviceMonitor.enabled=true"]);
  const spec = { ...(monitor?.["spec"] as object), endpoint: [] };
  const { status, stderr } = await apply({ ...monitor, spec });
  expect(status).toBe(1);
  expect(stderr).toContain("spec.endpoint");
});

/** Whatever its exit code. An unknown field is an error. */
function apply(object: object): Promise<RunResult> {
  const argv = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
  return cluster.server.kubectl(argv, { input: JSON.stringify(object), check: false });
}
