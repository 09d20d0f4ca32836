import { describe, expect, it } from "vitest";
import { parseOptions } from "../../../../capabilities/cluster/options";
import { IGNORED_FLAGS, speakerOptions } from "../../../../capabilities/speaker/options";

function parse(argv: string[], env: Record<string, string> = {}) {
  const program = { name: "speaker", table: speakerOptions, retired: IGNORED_FLAGS };
  const parsed = parseOptions(program, { argv, env });
  if (parsed.type !== "options") throw new Error(parsed.text);
  return parsed;
}

describe("the speaker's options", () => {
  it("have MetalLB's defaults", () => {
    expect(parse([]).options).toEqual({
      namespace: "metallb-system",
      podName: undefined,
      logLevel: "info",
      loadBalancerClass: "",
      kubeconfig: undefined,
      metricsPort: 9120,
      healthProbePort: 17_472,
      isSecureMetrics: false,
      metricsCertificateFolder: undefined,
      tlsMinVersion: "VersionTLS13",
      nodeName: undefined,
      heartbeatAddress: undefined,
      heartbeatPort: 7946,
      memberLabels: undefined,
      heartbeatSecretPath: undefined,
      ignoreExcludeLabel: false,
      isWanProfile: false,
      livenessProfile: "default",
      failback: "delayed",
      failbackMs: 10_000,
      restartHoldMs: 10_000,
      standIn: "on",
      uplinkCheck: "on",
      memberlistConfigPath: "/etc/metallb/memberlist/config.json",
      isSecretPassthrough: false,
      conflictDetection: "fast",
      conflictPolicy: "defend",
      bgpDrainSeconds: 2,
      bgpRestartSeconds: 120,
      hasFrrK8sMetrics: false,
      excludeListPath: "/etc/metallb/excludel2.yaml",
    });
  });

  it("read the environment of MetalLB's manifests, flags first", () => {
    const env = {
      METALLB_NODE_NAME: "node-a",
      METALLB_POD_NAME: "speaker-x",
      METALLB_ML_BIND_ADDR: "192.168.1.11",
      METALLB_ML_BIND_PORT: "7947",
      METALLB_ML_LABELS: "app=metallb,component=speaker",
      METALLB_ML_SECRET_KEY_PATH: "/etc/ml_secret_key",
    };
    expect(parse(["--ml-bindport=7948"], env).options).toMatchObject({
      nodeName: "node-a",
      podName: "speaker-x",
      heartbeatAddress: "192.168.1.11",
      heartbeatPort: 7948,
      heartbeatSecretPath: "/etc/ml_secret_key",
    });
    expect(parse([], { NODE_NAME: "node-b" }).options.nodeName).toBe("node-b");
  });

  it("accept what other MetalLB manifests carry, with a notice for each flag", () => {
    const argv = [
      ...["--port=7472", "--log-level=debug", "--ml-wan-config", "--ignore-exclude-lb"],
      ...["--config=config", "--tls-min-version=VersionTLS12", "--host", "192.168.1.11"],
    ];
    const { options, notices } = parse(argv);
    expect(options).toMatchObject({
      metricsPort: 7472,
      logLevel: "debug",
      ignoreExcludeLabel: true,
      isWanProfile: true,
      tlsMinVersion: "VersionTLS12",
    });
    expect(notices).toHaveLength(2);
  });
});
