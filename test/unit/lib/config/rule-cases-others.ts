/** Rules about profiles, aliases, the whole and the change itself. */
import type { Change } from "../../../../lib/config/admission";
import type { BFDProfileSpec } from "../../../../lib/config/generated/resources";
import {
  bfdProfile,
  bgpAdvertisement,
  bgpPeer,
  community,
  ipAddressPool,
  l2Advertisement,
  NAMESPACE,
} from "../../../support/resources";
import type { CasesOfRule, RuleCase } from "./rule-cases";

function profile(spec: BFDProfileSpec): RuleCase {
  return { what: JSON.stringify(spec), resources: { bfdProfiles: [bfdProfile("p", spec)] } };
}

function aliases(what: string, ...communities: ReturnType<typeof community>[]): RuleCase {
  return { what, resources: { communities } };
}

function create(kind: string, object: object, resources: RuleCase["resources"] = {}): RuleCase {
  const change: Change = { operation: "CREATE", kind, object };
  return { what: kind, resources, change };
}

const SIX = [
  bgpPeer("x"),
  bgpAdvertisement("x"),
  l2Advertisement("x"),
  ipAddressPool("x", ["192.0.2.0/24"]),
  bfdProfile("x"),
  community("x", ["vpn", "1:2"]),
];
const elsewhere = (object: { kind?: string; metadata: object }): RuleCase =>
  create(object.kind ?? "", { ...object, metadata: { ...object.metadata, namespace: "default" } });

const ECHO = bfdProfile("echo", { echoMode: true });
const WATCHED = bgpPeer("watched", { bfdProfile: "echo" });
const V6 = ipAddressPool("v6", ["fc00::/120"]);
const V4 = ipAddressPool("v4", ["10.0.0.0/24"]);

export const OTHER_CASES: Readonly<Record<string, CasesOfRule>> = {
  "V-S10": {
    reportedAs: ["V-B1", "V-B2", "V-B3", "V-B4", "V-B5"],
    refused: [
      { detectMultiplier: 1 },
      { detectMultiplier: 256 },
      { receiveInterval: 9 },
      { receiveInterval: 60001 },
      { transmitInterval: 9 },
      { transmitInterval: 60001 },
      { echoInterval: 9 },
      { echoInterval: 60001 },
      { minimumTtl: 0 },
      { minimumTtl: 255 },
    ].map(profile),
    accepted: [
      profile({}),
      profile({ detectMultiplier: 2, receiveInterval: 10, transmitInterval: 60000 }),
      profile({ detectMultiplier: 255, echoInterval: 10, minimumTtl: 254 }),
    ],
  },
  "V-M11": { refused: [], accepted: [profile({})], isRelaxed: true },
  "V-B1": {
    refused: [profile({ detectMultiplier: 1 })],
    accepted: [profile({ detectMultiplier: 2 })],
  },
  "V-B2": {
    refused: [profile({ receiveInterval: 9 })],
    accepted: [profile({ receiveInterval: 10 })],
  },
  "V-B3": {
    refused: [profile({ transmitInterval: 60001 })],
    accepted: [profile({ transmitInterval: 60000 })],
  },
  "V-B4": { refused: [profile({ minimumTtl: 255 })], accepted: [profile({ minimumTtl: 1 })] },
  "V-B5": { refused: [profile({ echoInterval: 9 })], accepted: [profile({ echoInterval: 50 })] },
  "V-C1": {
    refused: ["1:65536", "large:1:2", "x", ""].map(value =>
      aliases(JSON.stringify(value), community("c", ["vpn", value])),
    ),
    accepted: [aliases("both forms", community("c", ["a", "1:65535"], ["b", "large:1:2:3"]))],
  },
  "V-C2": {
    refused: [
      aliases("two objects", community("c", ["vpn", "1:2"]), community("d", ["vpn", "1:3"])),
      aliases("one object", community("c", ["vpn", "1:2"], ["vpn", "1:2"])),
    ],
    accepted: [aliases("one value", community("c", ["a", "1:2"]), community("d", ["b", "1:2"]))],
  },
  "V-X1": {
    refused: [
      {
        what: "every peer",
        resources: {
          bfdProfiles: [ECHO],
          bgpPeers: [WATCHED],
          ipAddressPools: [V6],
          bgpAdvertisements: [bgpAdvertisement("all")],
        },
      },
    ],
    accepted: [
      {
        what: "IPv4 alone",
        resources: {
          bfdProfiles: [ECHO],
          bgpPeers: [WATCHED],
          ipAddressPools: [V4],
          bgpAdvertisements: [bgpAdvertisement("all")],
        },
      },
      {
        what: "another peer",
        resources: {
          bfdProfiles: [ECHO],
          bgpPeers: [WATCHED, bgpPeer("other", { peerAddress: "10.0.0.2" })],
          ipAddressPools: [V6],
          bgpAdvertisements: [bgpAdvertisement("one", { peers: ["other"] })],
        },
      },
    ],
  },
  "V-X4": {
    refused: [
      { what: "there", resources: { bgpExtras: { name: "bgpextras", namespace: NAMESPACE } } },
    ],
    accepted: [{ what: "not there", resources: {} }],
  },
  "V-X6": {
    refused: [shrink("the address falls out", "192.0.2.0/25", "192.0.2.200")],
    accepted: [shrink("the address stays in", "192.0.2.128/25", "192.0.2.200")],
  },
  "V-W1": {
    refused: SIX.map(elsewhere),
    accepted: SIX.map(object => create(object.kind ?? "", object)),
  },
  "V-W2": {
    refused: [deleteProfile("in use", "echo")],
    accepted: [deleteProfile("not in use", "other")],
  },
  "V-W3": {
    refused: [
      { ...create("BGPPeer", bgpPeer("x", { disableMP: true })), what: "deprecated, a warning" },
    ],
    accepted: [create("BGPPeer", bgpPeer("x", { disableMP: false }))],
  },
};

function deleteProfile(what: string, name: string): RuleCase {
  const bfdProfiles = [ECHO, bfdProfile("other")];
  const object = bfdProfiles.find(({ metadata }) => metadata.name === name);
  return {
    what,
    resources: { bfdProfiles, bgpPeers: [WATCHED] },
    change: { operation: "DELETE", kind: "BFDProfile", object },
  };
}

function shrink(what: string, addresses: string, held: string): RuleCase {
  const oldObject = ipAddressPool("first", ["192.0.2.0/24"]);
  return {
    what,
    resources: {
      ipAddressPools: [oldObject],
      services: [{ namespace: "default", name: "web", addresses: [held] }],
    },
    change: {
      operation: "UPDATE",
      kind: "IPAddressPool",
      object: ipAddressPool("first", [addresses]),
      oldObject,
    },
  };
}
