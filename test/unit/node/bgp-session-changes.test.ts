import { describe, expect, it } from "vitest";
import type { BgpSessionSpec } from "../../../node/bgp-protocol";
import { compareSpecs, type SpecChange } from "../../../node/bgp-session-changes";

const SPEC: BgpSessionSpec = {
  name: "tor",
  target: { type: "address", address: "192.0.2.2" },
  port: 179,
  isMultihop: false,
  configuration: {
    localAs: 65_001,
    expectedAs: { type: "exactly", as: 65_002 },
    bgpIdentifier: 1,
    holdTimeSeconds: 90,
    keepaliveSeconds: 30,
    families: ["ipv4-unicast"],
    offersExtendedNextHop: false,
    offersExtendedMessages: false,
  },
};
const BFD = {
  transmitIntervalMs: 300,
  receiveIntervalMs: 300,
  detectMultiplier: 3,
  isPassive: false,
};

function withConfiguration(changes: Partial<BgpSessionSpec["configuration"]>): BgpSessionSpec {
  return { ...SPEC, configuration: { ...SPEC.configuration, ...changes } };
}

describe("a changed session specification", () => {
  const cases: readonly (readonly [string, BgpSessionSpec, SpecChange])[] = [
    ["equal content", structuredClone(SPEC), "none"],
    ["BFD", { ...SPEC, bfd: BFD }, "adjust"],
    ["multihop (BFD's kind)", { ...SPEC, isMultihop: true }, "adjust"],
    ["connectTime", withConfiguration({ connectRetrySeconds: 5 }), "adjust"],
    ["hold time", withConfiguration({ holdTimeSeconds: 30 }), "reset"],
    ["families", withConfiguration({ families: ["ipv6-unicast"] }), "reset"],
    ["graceful restart", withConfiguration({ gracefulRestartSeconds: 120 }), "reset"],
    ["password", { ...SPEC, password: "x" }, "reset"],
    ["source address", { ...SPEC, sourceAddress: "192.0.2.1" }, "reset"],
    ["TTL security", { ...SPEC, ttlSecurityHops: 1 }, "reset"],
    ["port", { ...SPEC, port: 1179 }, "reset"],
    ["VRF", { ...SPEC, vrf: "red" }, "replace"],
    ["address", { ...SPEC, target: { type: "address", address: "192.0.2.3" } }, "replace"],
    ["interface", { ...SPEC, target: { type: "interface", interface: "eth1" } }, "replace"],
  ];

  it.each(cases)("%s", (_, after, change) => {
    expect(compareSpecs(SPEC, after)).toBe(change);
    expect(compareSpecs(after, SPEC)).toBe(change);
  });
});
