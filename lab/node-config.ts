/** The configuration files of one node's daemons; pure. */
import type { Host } from "./topology";
import { POD_RANGES } from "./topology";

/** What the files of a node depend on. */
export interface NodeConfigInput {
  readonly host: Host;
  /** kubelet's `cgroupRoot`. */
  readonly cgroupRoot: string;
  readonly pauseImage: string;
  readonly cniDirectory: string;
  /** "native" where /var/lib/containerd is itself on an overlay, which cannot carry another. */
  readonly snapshotter: "overlayfs" | "native";
  readonly proxyMode: "iptables" | "nftables";
  readonly authorityPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly proxyKubeconfigPath: string;
}

/** File names and contents below the node's `config` folder. */
export function nodeConfigFiles(input: NodeConfigInput): Readonly<Record<string, string>> {
  return {
    "containerd.toml": containerd(input),
    "cni.conflist": cni(input.host),
    "kubelet.yaml": kubelet(input),
    "kube-proxy.yaml": kubeProxy(input),
  };
}

function containerd(input: NodeConfigInput): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
oom_score = 0
[${cri}]
  sandbox_image = "${input.pauseImage}"
  # Lowering a score needs CAP_SYS_RESOURCE, which a container may lack.
  restrict_oom_score_adj = true
  [${cri}.containerd]
    snapshotter = "${input.snapshotter}"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
  [${cri}.cni]
    bin_dir = "${input.cniDirectory}"
    conf_dir = "/etc/cni/net.d"
`;
}

function cni(host: Host): string {
  const bridge = {
    type: "bridge",
    bridge: "cni0",
    isGateway: true,
    hairpinMode: true,
    // True would also rewrite Pod to Pod on another node; the node has a rule of its own.
    ipMasq: false,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: host.pods?.ipv4 }], [{ subnet: host.pods?.ipv6 }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
  };
  const portmap = { type: "portmap", capabilities: { portMappings: true } };
  return JSON.stringify({ cniVersion: "0.4.0", name: "lab", plugins: [bridge, portmap] });
}

function kubelet(input: NodeConfigInput): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: ${input.cgroupRoot}
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
localStorageCapacityIsolation: false
evictionHard: {memory.available: 1Mi, nodefs.available: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
resolvConf: ""
nodeStatusUpdateFrequency: 2s
nodeLeaseDurationSeconds: 8
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: ${input.authorityPath}}}
authorization: {mode: Webhook}
tlsCertFile: ${input.certificatePath}
tlsPrivateKeyFile: ${input.keyPath}
`;
}

function kubeProxy(input: NodeConfigInput): string {
  return `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ${input.proxyMode}
clientConnection: {kubeconfig: ${input.proxyKubeconfigPath}}
clusterCIDR: ${POD_RANGES.ipv4},${POD_RANGES.ipv6}
hostnameOverride: ${input.host.name}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`;
}
