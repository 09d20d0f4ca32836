import { expect, it } from "vitest";
import { planBfdSessions } from "../../../node/bfd-requests";
import type { BfdRequest } from "../../../node/bgp-protocol";
import { ip } from "../../support/frames";

const SETTINGS = {
  transmitIntervalMs: 300,
  receiveIntervalMs: 200,
  detectMultiplier: 3,
  isPassive: false,
};

function request(more: Partial<BfdRequest> = {}): BfdRequest {
  return {
    session: "a",
    peerAddress: "192.0.2.2",
    isMultihop: false,
    settings: SETTINGS,
    ...more,
  };
}

it("turns milliseconds into what packets say, and leaves echoes out unless asked for", () => {
  const { sessions } = planBfdSessions([request({ localAddress: "192.0.2.1" })]);
  const [planned] = [...sessions.values()];
  expect(planned?.configuration).toMatchObject({
    peer: ip("192.0.2.2"),
    local: ip("192.0.2.1"),
    vrf: "",
    isMultiHop: false,
    minimumTtl: 254,
    parameters: { desiredMinTxUs: 300_000, requiredMinRxUs: 200_000, detectMultiplier: 3 },
  });
  expect(planned?.configuration.parameters).not.toHaveProperty("echoIntervalUs");
});

it("runs echoes over one hop of IPv4 alone", () => {
  const settings = { ...SETTINGS, echoIntervalMs: 50 };
  const plan = planBfdSessions([
    request({ session: "a", settings }),
    request({ session: "b", settings, isMultihop: true }),
    request({ session: "c", settings, peerAddress: "2001:db8::2" }),
  ]);
  const echoes = [...plan.sessions.values()].map(each => [
    each.names[0],
    each.configuration.parameters.echoIntervalUs,
  ]);
  expect(echoes).toEqual([
    ["a", 50_000],
    ["b", undefined],
    ["c", undefined],
  ]);
});

it("takes the device for the link of a link-local peer, and for a VRF with any other", () => {
  const plan = planBfdSessions([
    request({ session: "a", peerAddress: "fe80::2", interface: "eth0" }),
    request({ session: "b", interface: "red" }),
  ]);
  const [first, second] = [...plan.sessions.values()].map(each => each.configuration);
  expect(first).toMatchObject({ interfaceName: "eth0", vrf: "" });
  expect(second).toMatchObject({ vrf: "red" });
  expect(second).not.toHaveProperty("interfaceName");
});

it("gives BGP sessions between the same ends one BFD session, by the profile of the first name", () => {
  const faster = { ...SETTINGS, transmitIntervalMs: 50 };
  const plan = planBfdSessions([
    request({ session: "c", settings: faster }),
    request({ session: "b" }),
    request({ session: "a" }),
    request({ session: "d", isMultihop: true }),
  ]);
  expect([...plan.sessions.values()].map(({ names }) => names)).toEqual([["a", "b", "c"], ["d"]]);
  expect(plan.overruled).toEqual([{ session: "c", by: "a" }]);
  expect([...plan.sessions.values()][0]?.configuration.parameters.desiredMinTxUs).toBe(300_000);
});

it("keeps the key when only the local address becomes known", () => {
  const [before] = planBfdSessions([request()]).sessions.keys();
  const [after] = planBfdSessions([request({ localAddress: "192.0.2.1" })]).sessions.keys();
  expect(after).toBe(before);
});

it("names the requests whose addresses are none", () => {
  const plan = planBfdSessions([
    request({ session: "a", peerAddress: "router" }),
    request({ session: "b", localAddress: "" }),
  ]);
  expect(plan.bad).toEqual(["a", "b"]);
  expect(plan.sessions.size).toBe(0);
});
