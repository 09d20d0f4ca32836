/** BGPPeers by themselves (rules V-P1 … V-P15, V-W3); what they refer to is peer-references.ts. */
import { isLinkLocal, parseIpAddress, type IpAddress } from "../net/ip-address";
import type { BgpPeerConfig, PeerPassword } from "./configuration";
import type { BGPPeerSpec } from "./generated/resources";
import { readPeerTimers } from "./peer-timers";
import { quote } from "./problem";
import { readSelectors } from "./selectors";
import type { Subject } from "./subject";

export type PeerSubject = Subject<Partial<BGPPeerSpec>>;

const DEFAULT_PORT = 179;

/** Reads one peer; everything that is wrong with it by itself is reported on the subject. */
export function readPeer(subject: PeerSubject): BgpPeerConfig {
  const { spec, ref } = subject;
  checkNumbers(subject);
  checkMultiHop(subject);
  checkTarget(subject);
  if (spec.disableMP === true) warnDisableMp(subject);
  const password = readPassword(subject);
  return {
    name: ref.name,
    myAsn: spec.myASN ?? 0,
    peerAsn: spec.dynamicASN ?? spec.peerASN ?? 0,
    ...withoutAbsent({
      localAsn: spec.localASN,
      peerAddress: readAddress(subject, "peerAddress", "V-P10"),
      interface: nonEmpty(spec.interface),
      sourceAddress: readAddress(subject, "sourceAddress", "V-P12"),
      routerId: readAddress(subject, "routerID", "V-P11"),
      password,
      bfdProfile: nonEmpty(spec.bfdProfile),
      vrf: nonEmpty(spec.vrf),
      ttlSecurityHops: spec.ttlSecurityHops,
    }),
    peerPort: spec.peerPort ?? DEFAULT_PORT,
    ...readPeerTimers(subject),
    nodeSelectors: readSelectors(subject, spec.nodeSelectors, {
      field: "spec.nodeSelectors",
      doubles: "V-P13",
      validity: "V-P14",
    }),
    isGracefulRestartEnabled: spec.enableGracefulRestart ?? false,
    isMultiHop: spec.ebgpMultiHop ?? false,
    isDualStack: spec.dualStackAddressFamily ?? false,
  };
}

function checkNumbers(subject: PeerSubject): void {
  const { myASN, peerASN = 0, dynamicASN } = subject.spec;
  if (myASN === 0) {
    subject.refuse({
      rule: "V-P1",
      field: "spec.myASN",
      value: "0",
      reason: "is no autonomous system number",
      wayOut: "Write the number of your own system, such as 64500.",
    });
  }
  if (peerASN === 0 && dynamicASN === undefined) {
    subject.refuse({
      rule: "V-P2",
      field: "spec.peerASN",
      ...(subject.spec.peerASN === undefined ? {} : { value: "0" }),
      reason: "does not say which autonomous system the router is in",
      wayOut: "Write its number, or set dynamicASN to internal or external.",
    });
  }
  if (peerASN !== 0 && dynamicASN !== undefined) {
    subject.refuse({
      rule: "V-P3",
      field: "spec.dynamicASN",
      value: dynamicASN,
      reason: `contradicts peerASN ${peerASN}: only one of them can hold`,
      wayOut: "Remove one of the two.",
    });
  }
}

function checkMultiHop(subject: PeerSubject): void {
  const { myASN, peerASN, dynamicASN, ebgpMultiHop } = subject.spec;
  if (ebgpMultiHop !== true) return;
  const finding = {
    rule: "V-P5",
    field: "spec.ebgpMultiHop",
    value: "true",
    reason: "is for routers of another autonomous system, and this one is in your own",
    wayOut: "Remove ebgpMultiHop: sessions inside a system may cross hops anyway.",
  };
  if (peerASN !== undefined && peerASN !== 0 && peerASN === myASN) subject.refuse(finding);
  else if (dynamicASN === "internal") subject.refuseNew(finding);
}

function checkTarget(subject: PeerSubject): void {
  const { peerAddress = "", interface: iface = "" } = subject.spec;
  if (peerAddress === "" && iface === "") {
    subject.refuse({
      rule: "V-P6",
      field: "spec.peerAddress",
      reason: "is missing, and so is interface: there is nobody to connect to",
      wayOut: "Set the router's address, or the interface it is reached on.",
    });
  }
  if (peerAddress !== "" && iface !== "") {
    subject.refuse({
      rule: "V-P7",
      field: "spec.interface",
      value: iface,
      reason: `is set together with peerAddress ${quote(peerAddress)}: only one of them can hold`,
      wayOut: "Remove one of the two.",
    });
  }
}

type AddressField = "peerAddress" | "sourceAddress" | "routerID";

function readAddress(
  subject: PeerSubject,
  field: AddressField,
  rule: string,
): IpAddress | undefined {
  const text = subject.spec[field];
  if (text === undefined || text === "") return undefined;
  const finding = { rule, field: `spec.${field}`, value: text };
  const address = parseIpAddress(text);
  if (!address.ok) {
    subject.refuse({
      ...finding,
      reason: "is no IP address",
      wayOut: "Write an address such as 192.0.2.1: no name, no prefix length, no zone.",
    });
    return undefined;
  }
  if (field === "routerID" && address.value.family === "ipv6") {
    subject.refuseNew({
      ...finding,
      reason: "is an IPv6 address, but a BGP identifier has 32 bits",
      wayOut: "Write an IPv4 address, or leave the field out.",
    });
  }
  if (field === "peerAddress" && isLinkLocal(address.value)) {
    subject.refuseNew({
      ...finding,
      reason: "is a link-local address, which means nothing without an interface",
      wayOut: "Set interface instead of peerAddress.",
    });
  }
  return address.value;
}

function readPassword(subject: PeerSubject): PeerPassword | undefined {
  const text = nonEmpty(subject.spec.password);
  const secretName = nonEmpty(subject.spec.passwordSecret?.name);
  if (text !== undefined && secretName !== undefined) {
    subject.refuse({
      rule: "V-P15",
      field: "spec.password",
      reason: `is set together with passwordSecret ${quote(secretName)}`,
      wayOut: "Remove one of the two; a Secret is the safer place.",
    });
  }
  if (secretName !== undefined) return { secretName };
  return text === undefined ? undefined : { text };
}

function warnDisableMp(subject: PeerSubject): void {
  subject.warn({
    rule: "V-W3",
    field: "spec.disableMP",
    value: "true",
    reason: "is deprecated and has no effect",
    wayOut: "Remove the field.",
  });
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

type Present<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

function withoutAbsent<Fields extends object>(fields: Fields): Present<Fields> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Present<Fields>;
}
