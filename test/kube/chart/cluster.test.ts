/** What Helm says before it installs anything, on a real API server: another load balancer is there, or the installer may not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureHelm } from "../../../lab/helm/helm";
import { REPOSITORY } from "../../../lab/paths";
import { run, type RunResult } from "../../../lab/run";
import { version } from "../../../package.json";
import { startTestCluster, type TestCluster } from "../cluster/support";

const chart = join(REPOSITORY, `dist/herald-${version}.tgz`);
const work = mkdtempSync(join(tmpdir(), "herald-chart-cluster-"));
let helm = "";
let cluster: TestCluster;

beforeAll(async () => {
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  helm = await ensureHelm();
  cluster = await startTestCluster();
  for (const name of ["metallb-system", "other"]) {
    await cluster.server.kubectl(["create", "namespace", name]);
  }
}, 600_000);

afterAll(async () => {
  await cluster.end();
  rmSync(work, { recursive: true, force: true });
});

async function install(...argv: readonly string[]): Promise<RunResult> {
  const command = [helm, "install", "metallb", chart, "-n", "metallb-system", ...argv];
  const env = { HOME: work, KUBECONFIG: cluster.server.kubeconfigPath };
  return run(command, { check: false, env });
}

async function installed(): Promise<string> {
  const kinds = "deployments,daemonsets,crds,secrets,serviceaccounts";
  const { stdout } = await cluster.server.kubectl(["get", kinds, "-A", "-o", "name"]);
  return stdout;
}

describe("a second load balancer for the same Services", () => {
  const args = (lbClass: string) => (lbClass === "" ? [] : [`--lb-class=${lbClass}`]);

  async function speakers(namespace: string, labels: object, lbClass: string): Promise<void> {
    const name = "speaker";
    const containers = [{ name, image: "quay.io/metallb/speaker:v0.15.2", args: args(lbClass) }];
    const template = { metadata: { labels }, spec: { containers } };
    const spec = { selector: { matchLabels: labels }, template };
    const metadata = { name, namespace, labels };
    const object = { apiVersion: "apps/v1", kind: "DaemonSet", metadata, spec };
    const input = JSON.stringify(object);
    await cluster.server.kubectl(["replace", "--force", "-f", "-"], { input });
  }

  const byManifest = { app: "metallb", component: "speaker" };
  const byHelm = { "app.kubernetes.io/name": "metallb", "app.kubernetes.io/component": "speaker" };

  it.each([
    ["a manifest", byManifest],
    ["a chart", byHelm],
  ])("from %s is named, and nothing is installed", async (_from, labels) => {
    await speakers("other", labels, "");
    const before = await installed();
    const { status, stderr } = await install();
    expect(status).toBe(1);
    expect(stderr).toContain(
      "the DaemonSet other/speaker serves the same Services (those without a class): take it away first",
    );
    expect(await installed()).toBe(before);
    const own = await install("--set", "loadBalancerClass=example.com/own", "--dry-run=server");
    expect(own.stderr).not.toContain("rror");
    expect(own.status).toBe(0);
  });

  it("is told apart by its class", async () => {
    await speakers("other", byHelm, "example.com/lb");
    expect((await install("--dry-run=server")).status).toBe(0);
    const same = await install("--set", "loadBalancerClass=example.com/lb", "--dry-run=server");
    expect(same.stderr).toContain("serves the same Services (class example.com/lb)");
  });

  it("in the same namespace is the one that is taken over", async () => {
    await cluster.server.kubectl(["delete", "daemonset", "speaker", "-n", "other"]);
    await speakers("metallb-system", byManifest, "");
    expect((await install("--dry-run=server")).status).toBe(0);
  });
});

it("an installer who may not is told what, and nothing is installed", async () => {
  const before = await installed();
  const { status, stderr } = await install("--kube-as-user=somebody");
  expect(status).toBe(1);
  expect(stderr).toMatch(/forbidden: User "somebody" cannot (get|list) resource/);
  expect(await installed()).toBe(before);
});
