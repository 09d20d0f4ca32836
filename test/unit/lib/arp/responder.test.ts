import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ArpOperation } from "../../../../lib/arp/constants";
import { decodeArpFrame, encodeArpFrame, type ArpFrame } from "../../../../lib/arp/message";
import { ArpResponder } from "../../../../lib/arp/responder";
import { viewOf } from "../../../../lib/net/ethernet";
import { BROADCAST_MAC, ZERO_MAC } from "../../../../lib/net/mac-address";
import { ok } from "../../../../lib/net/result";
import { anyArpFrame, anyMutations, ip, mac, mutate } from "../../../support/frames";
import { fromHex } from "../../../support/golden";

const OUR_MAC = mac("02:00:00:00:00:01");
const CLIENT_MAC = mac("02:00:00:00:00:99");
const VIP = ip("192.0.2.10");
const OTHER_VIP = ip("192.0.2.11");
const CLIENT = ip("192.0.2.99");

function ownerOf(...addresses: readonly ReturnType<typeof ip>[]): {
  responder: ArpResponder;
  counters: { requestsReceived: number; responsesSent: number };
} {
  const responder = new ArpResponder(OUR_MAC);
  const counters = { requestsReceived: 0, responsesSent: 0 };
  for (const address of addresses) responder.add(address, counters);
  return { responder, counters };
}

function request(changes: Partial<ArpFrame> = {}): ArpFrame {
  return {
    destination: BROADCAST_MAC,
    source: CLIENT_MAC,
    operation: ArpOperation.request,
    senderHardwareAddress: CLIENT_MAC,
    senderProtocolAddress: CLIENT,
    targetHardwareAddress: ZERO_MAC,
    targetProtocolAddress: VIP,
    ...changes,
  };
}

function handle(responder: ArpResponder, bytes: Uint8Array): string {
  return responder.handle(viewOf(bytes), bytes.length);
}

describe("ArpResponder answers", () => {
  const answer: ArpFrame = {
    destination: CLIENT_MAC,
    source: OUR_MAC,
    operation: ArpOperation.reply,
    senderHardwareAddress: OUR_MAC,
    senderProtocolAddress: VIP,
    targetHardwareAddress: CLIENT_MAC,
    targetProtocolAddress: CLIENT,
  };

  it.each([
    ["a broadcast request (L1)", request(), answer],
    ["a request to its own MAC (L1)", request({ destination: OUR_MAC }), answer],
    [
      "a probe from 0.0.0.0, so that the prober sees the conflict (L3, RFC 5227)",
      request({ senderProtocolAddress: ip("0.0.0.0") }),
      { ...answer, targetProtocolAddress: ip("0.0.0.0") },
    ],
    [
      "a request relayed by another station, to the asker that it names",
      request({ source: mac("02:00:00:00:00:77") }),
      answer,
    ],
  ])("%s, unicast to the asker", (_name, asked, expected) => {
    const { responder, counters } = ownerOf(VIP);
    expect(handle(responder, encodeArpFrame(asked))).toBe("answered");
    expect(decodeArpFrame(responder.reply)).toEqual(ok(expected));
    expect(counters).toEqual({ requestsReceived: 1, responsesSent: 1 });
  });

  it("a request padded to 1514 octets (L7)", () => {
    const padded = new Uint8Array(1514);
    padded.set(encodeArpFrame(request()));
    expect(handle(ownerOf(VIP).responder, padded)).toBe("answered");
  });

  it("in the place of another station: with its MAC address, from our own (RFC 826, proxied)", () => {
    const responder = new ArpResponder(OUR_MAC);
    const absent = mac("02:00:00:00:00:02");
    const counters = { requestsReceived: 0, responsesSent: 0 };
    responder.add(VIP, counters, absent);
    responder.add(OTHER_VIP, counters);
    expect(handle(responder, encodeArpFrame(request()))).toBe("answered");
    expect(decodeArpFrame(responder.reply)).toEqual(
      ok({ ...answer, senderHardwareAddress: absent }),
    );
    const other = { targetProtocolAddress: OTHER_VIP };
    expect(handle(responder, encodeArpFrame(request(other)))).toBe("answered");
    expect(decodeArpFrame(responder.reply)).toEqual(
      ok({ ...answer, senderProtocolAddress: OTHER_VIP }),
    );
  });

  it("every one of ten thousand addresses, and none beside them", () => {
    const { responder } = ownerOf();
    const base = ip("198.18.0.0").value;
    for (let index = 0n; index < 10_000n; index += 1n) {
      responder.add(
        { family: "ipv4", value: base + index },
        { requestsReceived: 0, responsesSent: 0 },
      );
    }
    for (const [offset, outcome] of [
      [0n, "answered"],
      [9_999n, "answered"],
      [10_000n, "notAnnounced"],
    ] as const) {
      const asked = request({ targetProtocolAddress: { family: "ipv4", value: base + offset } });
      expect(handle(responder, encodeArpFrame(asked))).toBe(outcome);
    }
  });
});

describe("ArpResponder is silent about", () => {
  it.each([
    ["another node's address (L2)", request({ targetProtocolAddress: OTHER_VIP }), "notAnnounced"],
    ["a reply (L4)", request({ operation: ArpOperation.reply }), "notRequest"],
    [
      "a frame to another host's MAC (L9)",
      request({ destination: mac("02:00:00:00:00:55") }),
      "otherDestination",
    ],
    [
      "an asker whose MAC is a group",
      request({ senderHardwareAddress: BROADCAST_MAC }),
      "badSender",
    ],
    ["an asker without MAC", request({ senderHardwareAddress: ZERO_MAC }), "badSender"],
    [
      "an announcement of its address by somebody else (L10)",
      request({ senderProtocolAddress: VIP }),
      "claimedByOther",
    ],
    [
      "a reply that gives its address to somebody else (L10)",
      request({ operation: ArpOperation.reply, senderProtocolAddress: VIP }),
      "claimedByOther",
    ],
  ])("%s", (_name, frame, outcome) => {
    const { responder, counters } = ownerOf(VIP);
    expect(handle(responder, encodeArpFrame(frame))).toBe(outcome);
    expect(counters).toEqual({ requestsReceived: 0, responsesSent: 0 });
  });

  it.each([
    ["operation 0 (L4)", 20, "0000", "notRequest"],
    ["operation 3 (L4)", 20, "0003", "notRequest"],
    ["operation 9 (L4)", 20, "0009", "notRequest"],
    ["operation 65535 (L4)", 20, "ffff", "notRequest"],
    ["hardware type 6 (L5)", 14, "0006", "unsupported"],
    ["protocol type IPv6 (L5)", 16, "86dd", "unsupported"],
    ["hardware length 8 (L5)", 18, "08", "unsupported"],
    ["protocol length 16 (L5)", 19, "10", "unsupported"],
  ])("%s", (_name, offset, hex, outcome) => {
    const bytes = encodeArpFrame(request());
    bytes.set(fromHex(hex), offset);
    expect(handle(ownerOf(VIP).responder, bytes)).toBe(outcome);
  });

  it("a frame cut at any length (L6)", () => {
    const bytes = encodeArpFrame(request());
    const { responder } = ownerOf(VIP);
    for (let length = 0; length < bytes.length; length += 1) {
      // The buffer still holds the rest: only the length that was received counts.
      expect(responder.handle(viewOf(bytes), length)).toBe("truncated");
      expect(handle(responder, bytes.subarray(0, length))).toBe("truncated");
    }
  });

  it("an address that was taken away", () => {
    const { responder } = ownerOf(VIP, OTHER_VIP);
    responder.remove(VIP);
    expect(handle(responder, encodeArpFrame(request()))).toBe("notAnnounced");
    const other = request({ targetProtocolAddress: OTHER_VIP });
    expect(handle(responder, encodeArpFrame(other))).toBe("answered");
  });
});

describe("ArpResponder", () => {
  test.prop([anyArpFrame, anyMutations], { numRuns: 3000 })(
    "never throws and answers only requests for its address",
    (frame, mutations) => {
      const { responder } = ownerOf(VIP);
      const bytes = mutate(encodeArpFrame({ ...frame, targetProtocolAddress: VIP }), mutations);
      const decoded = decodeArpFrame(bytes);
      if (handle(responder, bytes) !== "answered") return;
      expect(decoded.ok && decoded.value.operation).toBe(ArpOperation.request);
      expect(decoded.ok && decoded.value.targetProtocolAddress).toEqual(VIP);
      const answer = decodeArpFrame(responder.reply);
      expect(answer.ok && answer.value.senderHardwareAddress).toEqual(OUR_MAC);
      expect(answer.ok && answer.value.senderProtocolAddress).toEqual(VIP);
      expect(answer.ok && answer.value.destination).toEqual(
        decoded.ok && decoded.value.senderHardwareAddress,
      );
    },
  );

  test.prop([fc.uint8Array({ maxLength: 64 })])("never throws on random octets", bytes => {
    expect(handle(ownerOf(VIP).responder, bytes)).not.toBe("answered");
  });
});
