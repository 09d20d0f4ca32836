/** The command lines of a control plane: what a bare API server and one with nodes share, and where they differ. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubeconfig, type CertificateRequest, type Pki } from "./pki";

/** First addresses of the Service ranges: the API server's own Service. */
const API_SERVICE_ADDRESSES = ["10.96.0.1", "fd00:96::1"] as const;
const SERVICE_RANGE = "10.96.0.0/16,fd00:96::/112";

/** Names and addresses under which an API server's certificate must be valid, besides those of its host. */
export const API_SERVER_NAMES = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "127.0.0.1",
  "::1",
  ...API_SERVICE_ADDRESSES,
] as const;

/** Where etcd listens. */
export interface EtcdPorts {
  readonly client: number;
  readonly peer: number;
}

/** Arguments of etcd: loopback only, and no fsync since nothing has to survive the machine. */
export function etcdArguments(dataDirectory: string, ports: EtcdPorts): string[] {
  const client = `http://127.0.0.1:${ports.client}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return [
    "--name=lab",
    `--data-dir=${dataDirectory}`,
    "--unsafe-no-fsync",
    "--quota-backend-bytes=4294967296",
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=lab=${peer}`,
  ];
}

/** Arguments of kube-apiserver that do not depend on nodes; `apiserver` must have been issued. */
export function apiServerArguments(pki: Pki, etcdClientPort: number, securePort: number): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdClientPort}`,
    `--secure-port=${securePort}`,
    `--client-ca-file=${pki.path("ca.crt")}`,
    `--tls-cert-file=${pki.path("apiserver.crt")}`,
    `--tls-private-key-file=${pki.path("apiserver.key")}`,
    `--service-account-key-file=${pki.path("sa.pub")}`,
    `--service-account-signing-key-file=${pki.path("sa.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    "--authorization-mode=Node,RBAC",
    "--allow-privileged=true",
  ];
}

/** kube-controller-manager's own user, as in a cluster of kubeadm's: what RBAC grants it, and no more. */
export const CONTROLLER_MANAGER: CertificateRequest = {
  name: "kube-controller-manager",
  commonName: "system:kube-controller-manager",
  usages: ["clientAuth"],
};

/** Writes the kubeconfig of kube-controller-manager, whose certificate must have been issued. */
export function writeControllerManagerKubeconfig(pki: Pki, url: string, directory: string): void {
  const text = kubeconfig(url, pki.credentials(CONTROLLER_MANAGER.name));
  writeFileSync(controllerManagerKubeconfig(directory), text, { mode: 0o600 });
}

function controllerManagerKubeconfig(directory: string): string {
  return join(directory, `${CONTROLLER_MANAGER.name}.kubeconfig`);
}

/**
 * Arguments of kube-controller-manager, whose kubeconfig is in `directory`; without a lease: nothing else competes. Each controller
 * acts by its own service account, so that webhooks see who deletes what is in a namespace.
 */
export function controllerManagerArguments(pki: Pki, directory: string): string[] {
  return [
    `--kubeconfig=${controllerManagerKubeconfig(directory)}`,
    `--service-account-private-key-file=${pki.path("sa.key")}`,
    `--root-ca-file=${pki.path("ca.crt")}`,
    "--leader-elect=false",
    "--use-service-account-credentials=true",
  ];
}
