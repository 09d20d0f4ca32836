/** What BGPPeers refer to: Secrets and BFDProfiles (rules V-P16 … V-P19), and each other (rule H-R8). */
import { formatIpAddress } from "../net/ip-address";
import type { BgpPeerConfig } from "./configuration";
import type { NodeDirectory } from "./node-directory";
import type { PeerSubject } from "./peers";
import { formatObject, quote } from "./problem";
import type { SecretInfo } from "./resources";

export interface ReadPeer {
  readonly subject: PeerSubject;
  readonly config: BgpPeerConfig;
}

/** Refuses, for now, a peer whose profile is not there or cannot be used. */
export function refuseMissingProfile(
  { subject, config }: ReadPeer,
  usableProfiles: ReadonlySet<string>,
): void {
  const { bfdProfile } = config;
  if (bfdProfile === undefined || usableProfiles.has(bfdProfile)) return;
  subject.refuseForNow({
    rule: "V-P19",
    field: "spec.bfdProfile",
    value: bfdProfile,
    reason: "names no BFDProfile that can be used, so the session is not opened",
    wayOut: "Create or correct that profile, or remove the field.",
    related: [{ kind: "BFDProfile", namespace: subject.ref.namespace, name: bfdProfile }],
  });
}

/** Refuses, for now, a peer whose Secret does not give a password. Without knowledge of Secrets nothing is said. */
export function refuseMissingSecret(
  { subject, config }: ReadPeer,
  secrets: readonly SecretInfo[] | undefined,
): void {
  const { password } = config;
  if (secrets === undefined || password === undefined || "text" in password) return;
  const secret = secrets.find(({ name }) => name === password.secretName);
  const fault = secretFault(secret);
  if (fault === undefined) return;
  subject.refuseForNow({
    ...fault,
    field: "spec.passwordSecret.name",
    value: password.secretName,
    related: [{ kind: "Secret", namespace: subject.ref.namespace, name: password.secretName }],
  });
}

/**
 * Warns about peers that are one session: same address or interface, port, VRF and source, on a node that both select. The
 * second connection to a router replaces the first.
 */
export function warnSameSession(peers: readonly ReadPeer[], nodes: NodeDirectory): void {
  const known = new Map<string, ReadPeer[]>();
  for (const peer of peers) {
    const key = sessionKey(peer.config);
    const others = known.get(key) ?? [];
    const other = others.find(candidate =>
      nodes.mayShareNode(candidate.config.nodeSelectors, peer.config.nodeSelectors),
    );
    known.set(key, [...others.slice(-MAX_COMPARED), peer]);
    if (other === undefined) continue;
    const field = peer.config.peerAddress ? "peerAddress" : "interface";
    peer.subject.warn({
      rule: "H-R8",
      field: `spec.${field}`,
      value: peer.subject.spec[field] ?? "",
      reason: `opens the same session as ${formatObject(other.subject.ref)}`,
      wayOut: "Remove one of the two, or let their nodeSelectors select different nodes.",
      related: [other.subject.ref],
    });
  }
}

/** Of many peers to one router only the latest are compared: the warning is there long before. */
const MAX_COMPARED = 20;

function secretFault(
  secret: SecretInfo | undefined,
): { rule: string; reason: string; wayOut: string } | undefined {
  const advice = "Create a Secret of type kubernetes.io/basic-auth with a key named password.";
  if (secret === undefined) {
    return {
      rule: "V-P16",
      reason: "names no Secret of Herald's namespace, so the session is not opened",
      wayOut: advice,
    };
  }
  if (secret.type !== "kubernetes.io/basic-auth") {
    const reason = `names a Secret of type ${quote(secret.type === "" ? "Opaque" : secret.type)}`;
    return { rule: "V-P17", reason, wayOut: advice };
  }
  if (secret.keys.includes("password")) return undefined;
  return { rule: "V-P18", reason: "names a Secret without a key named password", wayOut: advice };
}

function sessionKey(peer: BgpPeerConfig): string {
  const target = peer.peerAddress ? formatIpAddress(peer.peerAddress) : (peer.interface ?? "");
  const source = peer.sourceAddress ? formatIpAddress(peer.sourceAddress) : "";
  return [target, peer.peerPort, peer.vrf ?? "", source].join("\u0000");
}
