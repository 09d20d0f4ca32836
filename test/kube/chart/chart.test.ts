/** The chart through Helm itself, without a cluster: what values do, what is refused, and that it is the same as install.yaml. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureHelm } from "../../../lab/helm/helm";
import { REPOSITORY } from "../../../lab/paths";
import { run } from "../../../lab/run";
import { version } from "../../../package.json";
import { parseObjects } from "../../../scripts/manifest/definitions";
import type { ManifestObject } from "../../../scripts/manifest/rbac";

const chart = join(REPOSITORY, `dist/herald-${version}.tgz`);
const values = (name: string) => ["-f", join(__dirname, "values", `${name}.yaml`)];
const work = mkdtempSync(join(tmpdir(), "herald-chart-"));
let helm = "";

beforeAll(async () => {
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  helm = await ensureHelm();
}, 600_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

async function template(...argv: readonly string[]) {
  const result = await run(
    [helm, "template", "metallb", chart, "-n", "lb-system", "--kube-version", "1.34.4", ...argv],
    { check: false, env: { HOME: work } },
  );
  return { ...result, objects: result.status === 0 ? parseObjects(result.stdout) : [] };
}

/** The notes of `helm install`, which wants a cluster: here they are rendered into a ConfigMap beside the chart's own templates. */
async function notes(...argv: readonly string[]): Promise<string> {
  await run(["tar", "-xzf", chart, "-C", work]);
  const folder = join(work, "herald");
  renameSync(join(folder, "templates/NOTES.txt"), join(folder, "files/notes.txt"));
  const text = '{{ tpl (.Files.Get "files/notes.txt") . | toJson }}';
  writeFileSync(
    join(folder, "templates/notes.yaml"),
    `{apiVersion: v1, kind: ConfigMap, metadata: {name: notes}, data: {text: ${text}}}\n`,
  );
  const command = [helm, "template", "metallb", folder, "--kube-version", "1.34.4", ...argv];
  const { stdout } = await run(command, { env: { HOME: work } });
  const { data } = find(parseObjects(stdout), "ConfigMap", "notes") as { data?: { text: string } };
  return (data?.text ?? "").replace(/\s+/g, " ");
}

function find(objects: readonly ManifestObject[], kind: string, name: string): ManifestObject {
  const found = objects.find(object => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

interface Pod {
  readonly [field: string]: unknown;
  readonly containers: readonly (Record<string, unknown> & { readonly args: readonly string[] })[];
}

const podOf = (object: ManifestObject): Pod =>
  (object as unknown as { spec: { template: { spec: Pod } } }).spec.template.spec;

describe("the chart", () => {
  it("passes helm lint", async () => {
    const { stdout } = await run([helm, "lint", "--strict", chart], { env: { HOME: work } });
    expect(stdout).toContain("0 chart(s) failed");
  });

  it("has the version of this tree", () => {
    const text = readFileSync(join(REPOSITORY, "charts/herald/Chart.yaml"), "utf8");
    expect(/^version: (.*)$/m.exec(text)?.[1]).toBe(version);
    expect(/^appVersion: (.*)$/m.exec(text)?.[1]).toBe(version);
  });

  it("gives the same Pods as install.yaml, but for names and probes", async () => {
    const { objects } = await template();
    const manifest = parseObjects(readFileSync(join(REPOSITORY, "dist/install.yaml"), "utf8"));
    for (const part of ["controller", "admission", "speaker"]) {
      const kind = part === "speaker" ? "DaemonSet" : "Deployment";
      const ours = podOf(find(manifest, kind, part)).containers[0];
      const theirs = podOf(find(objects, kind, `metallb-${part}`)).containers[0];
      for (const field of ["image", "imagePullPolicy", "command", "lifecycle", "volumeMounts"]) {
        expect(theirs?.[field], `${part} ${field}`).toEqual(ours?.[field]);
      }
      expect(theirs?.args).toEqual(expect.arrayContaining([...(ours?.args ?? [])]));
    }
  });

  it("gives the accounts the same rights as install.yaml", async () => {
    const { objects } = await template();
    const manifest = parseObjects(readFileSync(join(REPOSITORY, "dist/install.yaml"), "utf8"));
    const named = (object: ManifestObject) =>
      JSON.stringify(object["rules"]).replaceAll("metallb-memberlist", "memberlist");
    for (const part of ["controller", "admission", "speaker"]) {
      const ours = named(find(manifest, "ClusterRole", `metallb-system:${part}`));
      expect(named(find(objects, "ClusterRole", `metallb:${part}`))).toBe(ours);
      const own = named(find(manifest, "Role", part));
      const rules = named(find(objects, "Role", `metallb-${part}`));
      expect(
        rules.replace(
          '"deployments"],"verbs":["get"],"resourceNames":["metallb-',
          '"deployments"],"verbs":["get"],"resourceNames":["',
        ),
      ).toBe(own);
    }
  });

  it("keeps its definitions when it is uninstalled", async () => {
    const { objects } = await template();
    const definitions = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
    expect(definitions).toHaveLength(10);
    for (const { metadata } of definitions) {
      expect(metadata["annotations"]).toMatchObject({ "helm.sh/resource-policy": "keep" });
    }
  });
});

describe("values written for MetalLB", () => {
  it.each(["metallb-0.12", "metallb-0.15.2", "metallb-0.16"])("%s renders", async name => {
    const { status, stderr, objects } = await template(...values(name));
    expect(stderr).not.toContain("rror");
    expect(status).toBe(0);
    for (const part of ["controller", "admission"]) {
      const [container] = podOf(find(objects, "Deployment", `metallb-${part}`)).containers;
      expect(container?.["image"]).toBe(`herald:${version}`);
    }
  });

  it("that have no effect are named in the notes, the others are not", async () => {
    const said = await notes(...values("metallb-0.12"));
    for (const text of [
      "controller.image registry.example/mirror/metallb/controller is MetalLB's",
      "configInline is the configuration of MetalLB up to 0.12",
      "psp has no effect",
    ]) {
      expect(said).toContain(text);
    }
    expect(said).not.toContain("frr");
    expect(await notes()).not.toContain("What differs");
    expect(await notes(...values("metallb-0.16"))).toContain("frrk8s, frr-k8s: there is no FRR");
    const tls = await notes("--set", "tls.cipherSuites=X,tls.curvePreferences=Y");
    expect(tls).toContain("tls.cipherSuites, controller.tlsCipherSuites have no effect");
    expect(tls).toContain("tls.curvePreferences has no effect");
  });

  it("may have keys that nobody knows", async () => {
    expect((await template("--set", "speaker.future.key=1,other=2")).status).toBe(0);
  });
});

describe("every key", () => {
  it("that is set to something else is seen in what is rendered", async () => {
    const { stdout, objects, status, stderr } = await template(...values("everything"));
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const controller = podOf(find(objects, "Deployment", "lb-controller"));
    expect(controller).toMatchObject({
      serviceAccountName: "allocator",
      nodeSelector: { "kubernetes.io/os": "linux", role: "infra" },
      tolerations: [{ key: "infra", operator: "Exists" }],
      priorityClassName: "system-cluster-critical",
      runtimeClassName: "runc",
      imagePullSecrets: [{ name: "pull" }],
    });
    expect(controller.containers[0]).toMatchObject({
      image: "registry.example/herald:9.9.9",
      imagePullPolicy: "Always",
      resources: { limits: { memory: "300Mi" } },
    });
    expect(controller.containers[0]?.args).toEqual([
      "--port=9999",
      "--secure-metrics",
      "--log-level=debug",
      "--lb-class=example.com/lb",
      "--tls-min-version=VersionTLS12",
      "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "--tls-curve-preferences=29",
      "--health-probe-port=17000",
      "--metrics-cert-dir=/etc/metrics",
    ]);
    const admission = podOf(find(objects, "Deployment", "lb-admission"));
    expect(admission).toMatchObject({
      nodeSelector: { role: "edge" },
      priorityClassName: "admission-critical",
      terminationGracePeriodSeconds: 12,
    });
    expect(admission.containers[0]?.args).toContain("--disable-cert-rotation");
    expect(admission.containers[0]?.args).toContain("--metrics-cert-dir=/etc/metrics");
    const speaker = podOf(find(objects, "DaemonSet", "lb-speaker"));
    expect(speaker).toMatchObject({
      serviceAccountName: "announcer",
      tolerations: [{ operator: "Exists" }],
      nodeSelector: { role: "worker" },
      terminationGracePeriodSeconds: 25,
    });
    expect(speaker.containers[0]).toMatchObject({
      securityContext: { capabilities: { drop: ["ALL"], add: ["NET_RAW", "SYS_NICE"] } },
      resources: { limits: { memory: "120Mi" } },
    });
    expect(speaker.containers[0]?.args).toEqual(
      expect.arrayContaining([
        ...["--ignore-exclude-lb", "--ml-wan-config", "--log-level=error", "--frrk8s-metrics"],
        ...["--bgp-drain-seconds=20", "--bgp-restart-seconds=60"],
        ...["--l2-profile=relaxed", "--l2-failback=never", "--l2-failback-ms=3600000"],
        ...["--l2-restart-hold-ms=0", "--l2-stand-in=off", "--l2-uplink-check=off"],
        ...["--l2-conflict-detection=rfc5227", "--l2-conflict-policy=yield"],
      ]),
    );
    for (const text of [
      "7999",
      "192.0.2.1",
      "/etc/other",
      "own-secret",
      "^wlan.*",
      "interval: 30s",
    ]) {
      expect(stdout).toContain(text);
    }
    for (const text of [
      "MetalLBAddressPoolUsage50Percent",
      "alert: Mine",
      "port: 7443",
      "note: rules",
    ]) {
      expect(stdout).toContain(text);
    }
  });

  it("of an older Kubernetes gives a sleep that it knows", async () => {
    const { stdout } = await template("--kube-version", "1.29.0");
    expect(stdout).toContain("setTimeout(() => {}, 5000)");
    expect(stdout).not.toContain("sleep:");
  });
});

describe("metrics", () => {
  const kindsOf = (objects: readonly ManifestObject[]) =>
    objects.filter(object => JSON.stringify(object).includes("tokenreviews"));

  it("are for callers that may read them, and each part may look its callers up", async () => {
    const { objects } = await template();
    expect(kindsOf(objects).map(({ metadata }) => metadata.name)).toEqual([
      ...["metallb:admission", "metallb:controller", "metallb:speaker"],
    ]);
  });

  it("are plain with secureMetrics=false, and nobody may look anybody up", async () => {
    const { objects, stdout } = await template("--set", "prometheus.secureMetrics=false");
    expect(kindsOf(objects)).toEqual([]);
    expect(stdout).not.toContain("--secure-metrics");
    expect(stdout).not.toContain("metricshttps");
  });
});

describe("speakers are replaced one after the other", () => {
  const strategy = async (...argv: readonly string[]) => {
    const { objects } = await template(...argv);
    const daemonSet = find(objects, "DaemonSet", "metallb-speaker");
    return (daemonSet as unknown as { spec: { updateStrategy: unknown } }).spec.updateStrategy;
  };

  it("unless the values say another number, or nobody replaces them", async () => {
    const one = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } };
    expect(await strategy()).toEqual(one);
    const set = "speaker.updateStrategy.rollingUpdate.maxUnavailable=3";
    expect(await strategy("--set", set)).toMatchObject({ rollingUpdate: { maxUnavailable: 3 } });
    expect(await strategy("--set", "speaker.updateStrategy.type=OnDelete")).toEqual({
      type: "OnDelete",
    });
  });
});

describe("what is rendered is what was looked at", () => {
  /** `npx vitest run --project kube test/kube/chart -u` writes it anew. */
  const golden = (name: string) => join(REPOSITORY, "test/golden/chart", `${name}.yaml`);

  it.each([
    ["default", []],
    ["plain-metrics", ["--set", "prometheus.secureMetrics=false"]],
    ["allocator-only", ["--set", "speaker.enabled=false,controller.webhookMode=disabled"]],
    ["everything", values("everything")],
    ["metallb-0.12", values("metallb-0.12")],
    ["metallb-0.15.2", values("metallb-0.15.2")],
    ["metallb-0.16", values("metallb-0.16")],
  ])("%s", async (name, argv) => {
    const { stdout, status } = await template(...argv, "--set", "crds.enabled=false");
    expect(status).toBe(0);
    const text = stdout.replaceAll(version, "VERSION").replace(/[ \t]+$/gm, "");
    await expect(text).toMatchFileSnapshot(golden(name));
  });
});

describe("parts that are switched off", () => {
  it("leave no webhook behind: webhookMode=disabled", async () => {
    const { stdout } = await template("--set", "controller.webhookMode=disabled");
    expect(stdout).not.toContain("WebhookConfiguration");
    expect(stdout).not.toContain("metallb-admission");
  });

  it("leave admission alone: webhookMode=onlywebhook", async () => {
    const { objects } = await template("--set", "controller.webhookMode=onlywebhook");
    const deployments = objects.filter(({ kind }) => kind === "Deployment");
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(["metallb-admission"]);
  });

  it("leave the allocator: speaker.enabled=false", async () => {
    const { objects, stdout } = await template("--set", "speaker.enabled=false");
    expect(objects.some(({ kind }) => kind === "DaemonSet")).toBe(false);
    expect(stdout).not.toContain("METALLB_ML_SECRET_NAME");
  });
});

describe("what cannot work is refused", () => {
  it.each([
    [
      "both monitors",
      "prometheus.podMonitor.enabled=true,prometheus.serviceMonitor.enabled=true",
      "cannot both be true",
    ],
    [
      "a monitor without Prometheus' account",
      "prometheus.podMonitor.enabled=true",
      "prometheus.serviceAccount and prometheus.namespace",
    ],
    ["an FRR elsewhere", "frrk8s.external=true", "Herald speaks BGP itself"],
    [
      "speakers without heartbeats",
      "speaker.memberlist.enabled=false",
      "speaker.memberlist.enabled=false: speakers find out by heartbeats",
    ],
    ["a layer 2 profile that is none", "speaker.layer2.profile=faster", "profile"],
    ["a layer 2 key that is none", "speaker.layer2.profil=fast", "profil"],
    ["a drain without end", "speaker.bgp.drainSeconds=3600", "drainSeconds"],
    [
      "suites of TLS 1.2 for TLS 1.3",
      "tls.minVersion=VersionTLS13,tls.cipherSuites=X",
      "tls.cipherSuites is for TLS 1.2",
    ],
    ["a log level that is none", "speaker.logLevel=loud", "logLevel"],
    ["a pull policy that is none", "controller.image.pullPolicy=Sometimes", "pullPolicy"],
    [
      "a failure policy that is none",
      "crds.validationFailurePolicy=Maybe",
      "validationFailurePolicy",
    ],
    ["a port as a word", "prometheus.metricsPort=many", "metricsPort"],
    ["replicas as a word", "admission.replicas=two", "replicas"],
    ["a list for a map", "speaker.nodeSelector[0]=x", "nodeSelector"],
  ])("%s", async (_what, set, why) => {
    const { status, stderr } = await template("--set", set);
    expect(status).not.toBe(0);
    expect(stderr).toContain(why);
  });

  it("a percentage above 100", async () => {
    const file = join(work, "percent.yaml");
    writeFileSync(
      file,
      "prometheus: {prometheusRule: {addressPoolUsage: {thresholds: [{percent: 101}]}}}",
    );
    const { status, stderr } = await template("-f", file);
    expect(status).not.toBe(0);
    expect(stderr).toContain("percent");
  });

  it("a Kubernetes that is too old, by name", async () => {
    const { status, stderr } = await template("--kube-version", "1.27.9");
    expect(status).not.toBe(0);
    expect(stderr).toContain(">= 1.28.0-0");
  });
});
