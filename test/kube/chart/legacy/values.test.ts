/** Values that convert makes of kubespray's and Lokomotive's options, through Helm: what the Pods become. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { convertInput } from "../../../../cli/convert-input";
import { formatValues } from "../../../../cli/convert-yaml";
import { parseLegacyYaml } from "../../../../capabilities/cluster/legacy-yaml";
import { ensureHelm } from "../../../../lab/helm/helm";
import { REPOSITORY } from "../../../../lab/paths";
import { run } from "../../../../lab/run";
import { convertConfigText } from "../../../../lib/config/legacy/convert-text";
import { version } from "../../../../package.json";
import { parseObjects } from "../../../../scripts/manifest/definitions";
import type { ManifestObject } from "../../../../scripts/manifest/rbac";

const chart = join(REPOSITORY, `dist/herald-${version}.tgz`);
const work = mkdtempSync(join(tmpdir(), "herald-legacy-chart-"));
let helm = "";

beforeAll(async () => {
  await run([process.execPath, "--import", "tsx", "scripts/build.ts"], { cwd: REPOSITORY });
  helm = await ensureHelm();
}, 600_000);

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** `helm template metallb CHART -n metallb-system -f values.yaml`. */
async function template(
  values: string,
  namespace = "metallb-system",
): Promise<readonly ManifestObject[]> {
  const file = join(work, "values.yaml");
  writeFileSync(file, values);
  const flags = ["-n", namespace, "--kube-version", "1.34.4", "-f", file];
  const command = [helm, "template", "metallb", chart, ...flags];
  return parseObjects((await run(command, { env: { HOME: work } })).stdout);
}

async function templateOf(text: string): Promise<readonly ManifestObject[]> {
  const input = { file: "input", text, from: "auto", namespace: "metallb-system" } as const;
  const [conversion] = convertInput(input);
  return template(formatValues(conversion?.values ?? {}));
}

interface Pod {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly containers: readonly { readonly args: readonly string[] }[];
}

function pod(objects: readonly ManifestObject[], name: string): Pod {
  const found = objects.find(
    ({ kind, metadata }) => ["Deployment", "DaemonSet"].includes(kind) && metadata.name === name,
  );
  if (found === undefined) throw new Error(`no ${name}`);
  return (found["spec"] as { template: { spec: Pod } }).template.spec;
}

const MASTER = { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" };
const CONTROL_PLANE = { ...MASTER, key: "node-role.kubernetes.io/control-plane" };

describe("kubespray", () => {
  it("1.3 both tolerations are in the Pod of the controller", async () => {
    const objects = await templateOf(`
metallb_controller_tolerations:
  - {key: node-role.kubernetes.io/master, operator: Equal, value: "", effect: NoSchedule}
  - {key: node-role.kubernetes.io/control-plane, operator: Equal, value: "", effect: NoSchedule}
`);
    const wanted = { operator: "Equal", value: "", effect: "NoSchedule" };
    expect(pod(objects, "metallb-controller").tolerations).toEqual([
      { key: "node-role.kubernetes.io/master", ...wanted },
      { key: "node-role.kubernetes.io/control-plane", ...wanted },
    ]);
  });

  it("1.4 with nothing set the speakers are on the control plane too", async () => {
    const objects = await template("{}\n");
    expect(pod(objects, "metallb-speaker").tolerations).toEqual([MASTER, CONTROL_PLANE]);
  });

  it("1.7 without speakers there is no DaemonSet", async () => {
    const objects = await templateOf(
      'metallb_speaker_enabled: false\nmetallb_ip_range: ["10.5.0.0/16"]\n',
    );
    expect(objects.filter(({ kind }) => kind === "DaemonSet")).toEqual([]);
    expect(pod(objects, "metallb-controller").containers).toHaveLength(1);
  });
});

describe("Lokomotive", () => {
  const COMPONENT = `component "metallb" {
  address_pools = { pool1 = ["147.63.8.20/32"] }
  controller_node_selectors = { "kubernetes.io/hostname" = "worker3" }
  speaker_node_selectors = { "ingress_node" = "true", "node-role.kubernetes.io/node" = "" }
  controller_toleration {
    key      = "nodepool"
    operator = "Equal"
    value    = "ingress"
  }
  speaker_toleration {
    key      = "nodepool"
    operator = "Equal"
    value    = "ingress"
  }
  service_monitor = true
}
`;

  it("2.2 2.3 selectors are those of the component and the operating system, nothing else", async () => {
    const objects = await templateOf(COMPONENT);
    const linux = { "kubernetes.io/os": "linux" };
    expect(pod(objects, "metallb-controller").nodeSelector).toEqual({
      "kubernetes.io/hostname": "worker3",
      ...linux,
    });
    expect(pod(objects, "metallb-speaker").nodeSelector).toEqual({
      ingress_node: "true",
      "node-role.kubernetes.io/node": "",
      ...linux,
    });
  });

  it("2.4 tolerations without an effect stay without one", async () => {
    const objects = await templateOf(COMPONENT);
    const own = { key: "nodepool", operator: "Equal", value: "ingress" };
    expect(pod(objects, "metallb-controller").tolerations).toEqual([own, MASTER]);
    expect(pod(objects, "metallb-speaker").tolerations).toEqual([own]);
  });

  it("2.5 service_monitor makes ServiceMonitors of the operator's kind for controller and speaker", async () => {
    const monitors = (await templateOf(COMPONENT)).filter(({ kind }) => kind === "ServiceMonitor");
    const names = monitors.map(({ metadata }) => metadata.name);
    expect(names).toEqual(
      expect.arrayContaining(["metallb-controller-monitor", "metallb-speaker-monitor"]),
    );
    for (const monitor of monitors) {
      // Without the operator's definitions this is what Helm cannot find and names.
      expect(monitor.apiVersion).toBe("monitoring.coreos.com/v1");
      const spec = monitor["spec"] as { endpoints: object[]; selector: object };
      expect(spec.endpoints.length).toBeGreaterThan(0);
      expect(spec.selector).toBeInstanceOf(Object);
    }
  });
});

describe("values of old charts", () => {
  it("5.16 configInline is rendered as the old chart rendered it, and the controller is told its name", async () => {
    const objects = await template(
      "configInline: {address-pools: [{name: default, protocol: layer2, addresses: [192.168.1.240-192.168.1.250]}]}\n",
    );
    const configMap = objects.find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "metallb",
    );
    expect(configMap?.metadata.name).toBe("metallb");
    const source = { kind: "ConfigMap", namespace: "metallb-system", name: "metallb" };
    const { config = "" } = configMap?.["data"] as { config?: string };
    const conversion = convertConfigText(config, parseLegacyYaml, {
      source,
      namespace: "metallb-system",
    });
    expect(conversion.resources.map(({ object }) => [object.kind, object.metadata.name])).toEqual([
      ["IPAddressPool", "default"],
      ["L2Advertisement", "l2advertisement1"],
    ]);
    expect(pod(objects, "metallb-controller").containers[0]?.args).toContain("--config=metallb");
    const notes = readFileSync(join(REPOSITORY, "charts/herald/templates/NOTES.txt"), "utf8");
    expect(notes).toMatch(/configInline is .* deprecated/);
  });

  it("existingConfigMap is the one that the controller follows", async () => {
    const objects = await template("existingConfigMap: mine\n");
    const names = objects.filter(({ kind }) => kind === "ConfigMap").map(one => one.metadata.name);
    expect(names).not.toContain("metallb");
    expect(pod(objects, "metallb-controller").containers[0]?.args).toContain("--config=mine");
  });

  it("3.2 without a namespace everything is in default, and logLevel reaches the controller", async () => {
    const objects = await template("controller: {logLevel: debug}\n", "default");
    for (const { kind, metadata } of objects) {
      const isOurs = ["Deployment", "DaemonSet", "ServiceAccount"].includes(kind);
      if (isOurs) expect(metadata["namespace"]).toBe("default");
    }
    expect(pod(objects, "metallb-controller").containers[0]?.args).toContain("--log-level=debug");
  });
});
