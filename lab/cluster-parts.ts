/** The processes of the control plane in a lab with nodes, and their command lines; pure. */
import {
  apiServerArguments,
  CONTROLLER_MANAGER,
  controllerManagerArguments,
  etcdArguments,
  API_SERVER_NAMES,
} from "./control-plane";
import type { CertificateRequest, Pki } from "./pki";
import type { Host } from "./topology";

/** A process of the control plane. */
export type Part = (typeof PARTS)[number];

/** In the order in which they start. */
export const PARTS = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
] as const;

const SECURE_PORT = 6443;
// The control plane's host has a loopback interface of its own: these are always free.
const ETCD_PORTS = { client: 2379, peer: 2380 };

/** What the command lines depend on. */
export interface PartContext {
  readonly pki: Pki;
  readonly directory: string;
  readonly kubeconfigPath: string;
  readonly controlPlane: Host;
  readonly apiServerArgs: readonly string[];
}

/** The API server's URL, the same from every host of the lab. */
export function apiUrl(controlPlane: Host): string {
  return `https://${controlPlane.ipv4}:${SECURE_PORT}`;
}

/** The certificates of the control plane and of users; those of nodes are made with them. */
export function certificateRequests(controlPlane: Host): readonly CertificateRequest[] {
  return [
    {
      name: "apiserver",
      alternativeNames: [
        ...API_SERVER_NAMES,
        controlPlane.name,
        controlPlane.ipv4,
        controlPlane.ipv6,
      ],
      usages: ["serverAuth"],
    },
    { name: "admin", organization: "system:masters", usages: ["clientAuth"] },
    CONTROLLER_MANAGER,
    { name: "kube-proxy", commonName: "system:kube-proxy", usages: ["clientAuth"] },
  ];
}

/** The arguments of a part. The times are short so that tests see a dead node after 10 s, not after a minute. */
export function partArguments(part: Part, context: PartContext): string[] {
  const { pki, directory, kubeconfigPath } = context;
  switch (part) {
    case "etcd":
      return etcdArguments(`${directory}/etcd`, ETCD_PORTS);
    case "kube-apiserver":
      return [
        ...apiServerArguments(pki, ETCD_PORTS.client, SECURE_PORT),
        "--bind-address=0.0.0.0",
        `--advertise-address=${context.controlPlane.ipv4}`,
        "--enable-admission-plugins=NodeRestriction",
        "--kubelet-preferred-address-types=InternalIP",
        `--kubelet-certificate-authority=${pki.path("ca.crt")}`,
        `--kubelet-client-certificate=${pki.path("admin.crt")}`,
        `--kubelet-client-key=${pki.path("admin.key")}`,
        // Webhooks behind Services: the API server dials the Pods itself, there is no kube-proxy beside it.
        "--enable-aggregator-routing=true",
        "--default-not-ready-toleration-seconds=5",
        "--default-unreachable-toleration-seconds=5",
        ...context.apiServerArgs,
      ];
    case "kube-controller-manager":
      return [
        ...controllerManagerArguments(pki, directory),
        "--controllers=*",
        "--node-monitor-period=1s",
        "--node-monitor-grace-period=10s",
      ];
    case "kube-scheduler":
      return [`--kubeconfig=${kubeconfigPath}`, "--leader-elect=false"];
  }
}
