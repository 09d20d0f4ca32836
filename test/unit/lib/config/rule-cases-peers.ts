/** Rules about BGPPeers and what they refer to. */
import type { BGPPeer, LabelSelector } from "../../../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../../../lib/config/resources";
import { bfdProfile, bgpPeer, metadata, untyped, withLabel } from "../../../support/resources";
import type { CasesOfRule, RuleCase } from "./rule-cases";

type Fields = Parameters<typeof bgpPeer>[1];

function peer(what: string, fields: Fields, more: ConfigurationResources = {}): RuleCase {
  return peers(what, [bgpPeer("router", fields)], more);
}

function peers(what: string, bgpPeers: BGPPeer[], more: ConfigurationResources = {}): RuleCase {
  return { what, resources: { bgpPeers, ...more } };
}

function relaxed(...accepted: RuleCase[]): CasesOfRule {
  return { refused: [], accepted, isRelaxed: true };
}

function old(what: string, spec: object): RuleCase {
  const v1beta1 = {
    apiVersion: "metallb.io/v1beta1",
    kind: "BGPPeer",
    metadata: metadata("old"),
    spec,
  };
  return peers(what, [untyped(v1beta1)]);
}

const OLD = { myASN: 64500, peerASN: 64501, peerAddress: "10.0.0.1" };
const nodeSelectors = (...selectors: LabelSelector[]): Fields => ({ nodeSelectors: selectors });
const expression = (operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key: "a", operator, ...(values ? { values } : {}) }],
});
const SECRET = { name: "s", type: "kubernetes.io/basic-auth", keys: ["username", "password"] };
const WITH_SECRET = { passwordSecret: { name: "s" } };

export const PEER_CASES: Readonly<Record<string, CasesOfRule>> = {
  "V-S6": {
    refused: [
      old("no myASN", { peerASN: 64501, peerAddress: "10.0.0.1" }),
      old("no peerASN", { myASN: 64500, peerAddress: "10.0.0.1" }),
      old("no peerAddress", { myASN: 64500, peerASN: 64501 }),
      old("myASN beyond 32 bits", { ...OLD, myASN: 4294967296 }),
      old("expression without values", {
        ...OLD,
        nodeSelectors: [{ matchExpressions: [{ key: "a", operator: "In", values: [] }] }],
      }),
    ],
    accepted: [
      old("port 0", { ...OLD, peerPort: 0 }),
      old("port 65535", { ...OLD, peerPort: 65535 }),
    ],
  },
  "V-S7": {
    refused: [
      peer("no myASN", { myASN: undefined }),
      peer("peerASN -1", { peerASN: -1 }),
      peer("localASN 0", { localASN: 0 }),
      peer("port 0", { peerPort: 0 }),
      peer("port 65536", { peerPort: 65536 }),
    ],
    accepted: [
      peer("port 16385", { peerPort: 16385 }),
      peer("largest numbers", { myASN: 4294967295 }),
    ],
  },
  "V-S8": {
    refused: [
      peer("0s", { connectTime: "0s" }),
      peer("65536s", { connectTime: "65536s" }),
      peer("1500ms", { connectTime: "1500ms" }),
      peer("no unit", { connectTime: "10" }),
    ],
    accepted: [peer("1m30s", { connectTime: "1m30s" }), peer("2000ms", { connectTime: "2000ms" })],
  },
  "V-S9": {
    refused: [update("true to false", true, false), update("false to true", false, true)],
    accepted: [update("unchanged", true, true), update("absent to false", undefined, false)],
  },
  "V-M1": relaxed(peer("BFD", { bfdProfile: "p" }, { bfdProfiles: [bfdProfile("p")] })),
  "V-M2": relaxed(peer("10s", { keepaliveTime: "10s" }), peer("0s", { keepaliveTime: "0s" })),
  "V-M3": relaxed(peer("vrf", { vrf: "red" })),
  "V-M4": relaxed(peer("connectTime", { connectTime: "10s" })),
  "V-M5": relaxed(peer("graceful restart", { enableGracefulRestart: true })),
  "V-M6": relaxed(peer("disableMP", { disableMP: true })),
  "V-M7": relaxed(peer("dual stack", { dualStackAddressFamily: true })),
  "V-M8": relaxed(peer("dynamicASN", { dynamicASN: "external", peerASN: undefined })),
  "V-M9": relaxed(peer("unnumbered", { interface: "eth0", peerAddress: undefined })),
  "V-M10": relaxed(peer("localASN", { localASN: 64999 })),
  "V-M15": relaxed(
    peers("two router IDs", [
      bgpPeer("a", { routerID: "1.1.1.1" }),
      bgpPeer("b", { peerAddress: "10.0.0.2" }),
    ]),
  ),
  "V-M16": relaxed(
    peers("two ports", [bgpPeer("a", { peerPort: 179 }), bgpPeer("b", { peerPort: 1179 })]),
    peers("two VRFs", [bgpPeer("a", { vrf: "red" }), bgpPeer("b", { vrf: "blue" })]),
  ),
  "V-M17": relaxed(
    peers("two own systems", [
      bgpPeer("a", { myASN: 64500 }),
      bgpPeer("b", { myASN: 64510, peerAddress: "10.0.0.2" }),
    ]),
  ),
  "V-P1": { refused: [peer("0", { myASN: 0 })], accepted: [peer("1", { myASN: 1 })] },
  "V-P2": {
    refused: [peer("absent", { peerASN: undefined }), peer("0", { peerASN: 0 })],
    accepted: [peer("dynamic", { peerASN: undefined, dynamicASN: "internal" })],
  },
  "V-P3": {
    refused: [peer("both", { dynamicASN: "external" })],
    accepted: [peer("0 beside it", { peerASN: 0, dynamicASN: "external" })],
  },
  "V-P4": {
    refused: [peer("both", { peerASN: undefined, dynamicASN: untyped("both") })],
    accepted: [peer("external", { peerASN: undefined, dynamicASN: "external" })],
  },
  "V-P5": {
    refused: [
      peer("same system", { peerASN: 64500, ebgpMultiHop: true }),
      peer("dynamic", { peerASN: undefined, dynamicASN: "internal", ebgpMultiHop: true }),
    ],
    accepted: [peer("other system", { ebgpMultiHop: true }), peer("one hop", { peerASN: 64500 })],
  },
  "V-P6": {
    refused: [peer("neither", { peerAddress: undefined })],
    accepted: [peer("interface", { peerAddress: undefined, interface: "eth0" })],
  },
  "V-P7": {
    refused: [peer("both", { interface: "eth0" })],
    accepted: [peer("address", {})],
  },
  "V-P8": {
    refused: ["2s", "1s", "-5s", "500ms", "65536s", "90", "soon"].map(holdTime =>
      peer(holdTime, { holdTime }),
    ),
    accepted: ["0s", "0", "3s", "1m30s", "65535s"].map(holdTime => peer(holdTime, { holdTime })),
  },
  "V-P9": {
    refused: [
      peer("above hold", { holdTime: "30s", keepaliveTime: "31s" }),
      peer("without hold", { holdTime: "0s", keepaliveTime: "1s" }),
      peer("negative", { holdTime: "30s", keepaliveTime: "-1s" }),
    ],
    accepted: [
      peer("equal", { holdTime: "30s", keepaliveTime: "30s" }),
      peer("both off", { holdTime: "0s", keepaliveTime: "0s" }),
    ],
  },
  "V-P10": {
    refused: ["router.example", "fe80::1%eth0", "010.0.0.1", "10.0.0.1/24", "fe80::1"].map(
      peerAddress => peer(peerAddress, { peerAddress }),
    ),
    accepted: [peer("IPv6", { peerAddress: "2001:DB8::1" })],
  },
  "V-P11": {
    refused: [peer("abc", { routerID: "abc" }), peer("IPv6", { routerID: "2001:db8::1" })],
    accepted: [peer("IPv4", { routerID: "1.1.1.1" })],
  },
  "V-P12": {
    refused: [peer("abc", { sourceAddress: "abc" })],
    accepted: [peer("IPv6", { sourceAddress: "2001:db8::1" })],
  },
  "V-P13": {
    refused: [
      peer("same labels", nodeSelectors(withLabel("a", "b"), withLabel("a", "b"))),
      peer(
        "same values",
        nodeSelectors(expression("In", ["x", "y"]), expression("In", ["y", "x"])),
      ),
      peer("same value twice", nodeSelectors(expression("In", ["x", "x"]))),
      peer(
        "same condition twice",
        nodeSelectors({
          matchExpressions: [
            { key: "a", operator: "Exists" },
            { key: "a", operator: "Exists" },
          ],
        }),
      ),
    ],
    accepted: [peer("different", nodeSelectors(withLabel("a", "b"), expression("In", ["b"]), {}))],
  },
  "V-P14": {
    refused: [
      peer("no values", nodeSelectors(expression("In", []))),
      peer("key", nodeSelectors({ matchLabels: { "a b": "c" } })),
      peer("value", nodeSelectors({ matchLabels: { a: "c d" } })),
      peer("operator", nodeSelectors(expression("Near", ["x"]))),
      peer("needless values", nodeSelectors(expression("Exists", ["x"]))),
    ],
    accepted: [
      peer("every operator", nodeSelectors(expression("NotIn", ["x"]), expression("DoesNotExist"))),
      peer("long key", nodeSelectors(withLabel("example.org/a_b.c-d", ""))),
    ],
  },
  "V-P15": {
    refused: [peer("both", { password: "x", ...WITH_SECRET })],
    accepted: [peer("one", { password: "x", passwordSecret: {} })],
  },
  "V-P16": {
    refused: [peer("no Secret", WITH_SECRET, { secrets: [] })],
    accepted: [
      peer("created later", WITH_SECRET, { secrets: [SECRET] }),
      peer("Secrets not known", WITH_SECRET),
    ],
  },
  "V-P17": {
    refused: [peer("Opaque", WITH_SECRET, { secrets: [{ ...SECRET, type: "Opaque" }] })],
    accepted: [peer("basic-auth", WITH_SECRET, { secrets: [SECRET] })],
  },
  "V-P18": {
    refused: [peer("no key", WITH_SECRET, { secrets: [{ ...SECRET, keys: ["username"] }] })],
    accepted: [peer("key", WITH_SECRET, { secrets: [{ ...SECRET, keys: ["password"] }] })],
  },
  "V-P19": {
    refused: [
      peer("missing", { bfdProfile: "p" }),
      peer(
        "broken",
        { bfdProfile: "p" },
        { bfdProfiles: [bfdProfile("p", { detectMultiplier: 1 })] },
      ),
    ],
    accepted: [peer("created later", { bfdProfile: "p" }, { bfdProfiles: [bfdProfile("p")] })],
  },
  "V-P20": relaxed(peers("two peers with equal spec", [bgpPeer("a"), bgpPeer("b")])),
};

function update(what: string, before: boolean | undefined, after: boolean | undefined): RuleCase {
  const object = bgpPeer("router", { enableGracefulRestart: after, holdTime: "30s" });
  const oldObject = bgpPeer("router", { enableGracefulRestart: before });
  return {
    what,
    resources: { bgpPeers: [oldObject] },
    change: { operation: "UPDATE", kind: "BGPPeer", object, oldObject },
  };
}
