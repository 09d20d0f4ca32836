/** The speakers: one Pod on each node, on the node's own network, with one capability. */
import {
  command,
  containerRights,
  fromField,
  labels,
  MEMBERLIST_SECRET,
  METRICS_FLAGS,
  PROBE_PORT,
  probes,
  workload,
  type Installation,
} from "./pod-parts";
import type { ManifestObject } from "./rbac";

const EXCLUDE_LIST = "metallb-excludel2";

/** Interfaces of container networks, where nobody asks for an address of a Service. MetalLB's list. */
const EXCLUDED_INTERFACES = [
  "^docker.*",
  "^cbr.*",
  "^dummy.*",
  "^virbr.*",
  "^lxcbr.*",
  "^veth.*",
  "^lo$",
  "^cali.*",
  "^tunl.*",
  "^flannel.*",
  "^kube-ipvs.*",
  "^cni.*",
  "^nodelocaldns.*",
  "^lxc.*",
];

export function speakerObjects(installation: Installation): readonly ManifestObject[] {
  return [excludeList(installation.namespace), speakerDaemonSet(installation)];
}

function excludeList(namespace: string): ManifestObject {
  const lines = EXCLUDED_INTERFACES.map(pattern => `- ${pattern}\n`).join("");
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: EXCLUDE_LIST, namespace, labels: { app: "metallb" } },
    data: { "excludel2.yaml": `announcedInterfacesToExclude:\n${lines}` },
  };
}

function speakerDaemonSet({ namespace, image }: Installation): ManifestObject {
  return workload("DaemonSet", "speaker", namespace, {
    own: {
      revisionHistoryLimit: 3,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
    },
    pod: {
      hostNetwork: true,
      // Up to 2 s in which BGP peers turn to other paths, and what ends after them.
      terminationGracePeriodSeconds: 10,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      tolerations: ["master", "control-plane"].map(role => ({
        key: `node-role.kubernetes.io/${role}`,
        operator: "Exists",
        effect: "NoSchedule",
      })),
      containers: [speakerContainer(image)],
      volumes: [
        { name: "memberlist", secret: { secretName: MEMBERLIST_SECRET, defaultMode: 0o400 } },
        { name: "metallb-excludel2", configMap: { name: EXCLUDE_LIST, optional: true } },
      ],
    },
  });
}

function speakerContainer(image: string): Readonly<Record<string, unknown>> {
  const selector = Object.entries(labels("speaker")).map(([name, value]) => `${name}=${value}`);
  return {
    name: "speaker",
    image,
    imagePullPolicy: "IfNotPresent",
    command: command("speaker"),
    args: [...METRICS_FLAGS, "--log-level=info"],
    env: [
      fromField("METALLB_NODE_NAME", "spec.nodeName"),
      fromField("METALLB_POD_NAME", "metadata.name"),
      fromField("METALLB_NAMESPACE", "metadata.namespace"),
      { name: "METALLB_ML_LABELS", value: selector.join(",") },
      { name: "METALLB_ML_SECRET_KEY_PATH", value: "/etc/ml_secret_key" },
    ],
    // No ports: one that is named here is the node's, and two speakers could not be there at once during an upgrade.
    ...probes(PROBE_PORT, "127.0.0.1"),
    // The Pod is root, since a capability of anybody else is lost when the program starts; root has no other right.
    securityContext: { ...containerRights(["NET_RAW"]), runAsUser: 0 },
    volumeMounts: [
      { name: "memberlist", mountPath: "/etc/ml_secret_key", readOnly: true },
      { name: "metallb-excludel2", mountPath: "/etc/metallb", readOnly: true },
    ],
  };
}
