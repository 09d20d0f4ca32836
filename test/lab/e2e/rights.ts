/** What Herald's accounts must not be able to do. */
import type { Account } from "../../../scripts/manifest/grants";
import { NAMESPACE } from "./world";

const OTHER = "kube-system";

/** Questions for `kubectl auth can-i` whose answer has to be no. */
export const FOREIGN: Readonly<Record<Account, readonly (readonly string[])[]>> = {
  admission: [
    ["update", "services/status", "-A"],
    ["get", "secrets", "-n", OTHER],
    ["update", "validatingwebhookconfigurations/other"],
    ["create", "validatingwebhookconfigurations"],
    ["update", "ipaddresspools.metallb.io", "-n", NAMESPACE],
    ["create", "pods", "-n", NAMESPACE],
  ],
  controller: [
    ["update", "services", "-A"],
    ["get", "secrets", "-n", OTHER],
    ["update", "validatingwebhookconfigurations/metallb-webhook-configuration"],
    ["patch", "nodes"],
    ["create", "pods", "-n", NAMESPACE],
    ["get", "pods", "-n", OTHER],
    ["update", "leases.coordination.k8s.io", "-n", OTHER],
  ],
  speaker: [
    ["update", "services/status", "-A"],
    ["get", "secrets", "-n", OTHER],
    ["update", "leases.coordination.k8s.io", "-n", NAMESPACE],
    ["create", "ipaddresspools.metallb.io", "-n", NAMESPACE],
    ["patch", "nodes"],
  ],
};

/** What somebody with a speaker's token would try. */
export const PRIVILEGED: readonly (readonly string[])[] = [
  ["get", "secrets", "-A"],
  ["get", "secrets", "-n", OTHER],
  ["get", "secret", "metallb-webhook-cert", "-n", NAMESPACE],
  ["create", "secret", "generic", "mine", "-n", NAMESPACE],
  ["create", "serviceaccount", "mine", "-n", NAMESPACE],
  ["create", "token", "controller", "-n", NAMESPACE],
  ["create", "clusterrolebinding", "mine", "--clusterrole=cluster-admin", "--user=me"],
  ["create", "clusterrole", "mine", "--verb=get", "--resource=secrets"],
  ["create", "deployment", "mine", "--image=herald.lab/nginx:1", "-n", NAMESPACE],
  ["get", "pods", "-A"],
  ["delete", "pod", "--all", "-n", NAMESPACE],
  ["delete", "daemonset", "speaker", "-n", NAMESPACE],
  ["set", "image", "daemonset/speaker", "speaker=mine", "-n", NAMESPACE],
  ["label", "node", "n1", "mine=1"],
  ["create", "namespace", "mine"],
  ["delete", "ipaddresspool", "first-pool", "-n", NAMESPACE],
  ["delete", "validatingwebhookconfiguration", "metallb-webhook-configuration"],
  ["delete", "crd", "ipaddresspools.metallb.io"],
  ["delete", "service", "nginx"],
  ["delete", "lease", "herald-controller", "-n", NAMESPACE],
];

const legacy = "a ConfigMap of MetalLB 0.1 to 0.12 (test/lab/documents)";
const kinds = ["bfdprofiles", "bgpadvertisements", "bgppeers", "communities", "ipaddresspools"];

/**
 * Grants that the installation of the test does not use, each with what would: `account group/resource`, or with the verb behind it.
 * Everything else has to be seen in the audit.
 */
export const RARE: ReadonlyMap<string, string> = new Map([
  ["admission /services list", "a pool shrinks or is deleted"],
  ["admission /secrets create", "somebody deleted the Secret of the webhooks"],
  ["controller /services get", "somebody else wrote the status at the same time"],
  ["controller /events patch", "the same event again"],
  ["speaker /events patch", "the same event again"],
  ["controller coordination.k8s.io/leases create", "somebody deleted the Lease"],
  ...[...kinds, "l2advertisements"].map(
    kind => [`controller metallb.io/${kind} create`, legacy] as const,
  ),
  ...[...kinds, "l2advertisements"].map(
    kind => [`controller metallb.io/${kind} delete`, legacy] as const,
  ),
  ...[...kinds, "l2advertisements"].map(
    kind => [`controller metallb.io/${kind} patch`, legacy] as const,
  ),
  ["controller metallb.io/addresspools", legacy],
  ["controller /configmaps", legacy],
  ["controller /secrets", legacy],
  ["admission pepr.dev/peprstores create", "a patch that makes the store is a creation, too"],
  ["controller pepr.dev/peprstores create", "the same"],
  ["controller /pods list", "statuses of nodes that have no speaker are removed"],
  ["controller metallb.io/servicebgpstatuses", "the same"],
  ["controller metallb.io/servicel2statuses", "the same"],
  ["speaker /secrets", "a BGPPeer with a password"],
  ["speaker metallb.io/servicebgpstatuses", "a BGPPeer"],
  ["speaker metallb.io/servicebgpstatuses/status", "a BGPPeer"],
  ["speaker metallb.io/servicel2statuses delete", "a Service that is gone, or moved"],
]);
