import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { viewOf } from "../../../../lib/net/ethernet";
import { toSolicitedNodeAddress } from "../../../../lib/net/ip-address";
import { ok } from "../../../../lib/net/result";
import { encodeUnsolicitedAdvertisement } from "../../../../lib/ndp/announcement";
import {
  decodeNeighborFrame,
  encodeNeighborFrame,
  type NeighborAdvertisement,
  type NeighborSolicitation,
} from "../../../../lib/ndp/message";
import { NdpResponder } from "../../../../lib/ndp/responder";
import { anyMutations, anyNeighborFrame, ip, mac, mutate } from "../../../support/frames";

const OUR_MAC = mac("02:00:00:00:00:01");
const CLIENT_MAC = mac("02:00:00:00:00:99");
const VIP = ip("2001:db8::10");
const CLIENT = ip("2001:db8::99");
const GROUP_MAC = mac("33:33:ff:00:00:10");

function ownerOf(...addresses: readonly ReturnType<typeof ip>[]): {
  responder: NdpResponder;
  counters: { requestsReceived: number; responsesSent: number };
} {
  const responder = new NdpResponder(OUR_MAC);
  const counters = { requestsReceived: 0, responsesSent: 0 };
  for (const address of addresses) responder.add(address, counters);
  return { responder, counters };
}

function solicitation(changes: Partial<NeighborSolicitation> = {}): NeighborSolicitation {
  return {
    type: "solicitation",
    destinationMac: GROUP_MAC,
    sourceMac: CLIENT_MAC,
    source: CLIENT,
    destination: toSolicitedNodeAddress(VIP),
    target: VIP,
    linkLayerAddress: CLIENT_MAC,
    ...changes,
  };
}

function withoutOption(frame: NeighborSolicitation): NeighborSolicitation {
  const bare = { ...frame };
  delete (bare as { linkLayerAddress?: unknown }).linkLayerAddress;
  return bare;
}

function handle(responder: NdpResponder, bytes: Uint8Array): string {
  return responder.handle(viewOf(bytes), bytes.length);
}

const ANSWER: NeighborAdvertisement = {
  type: "advertisement",
  destinationMac: CLIENT_MAC,
  sourceMac: OUR_MAC,
  source: VIP,
  destination: CLIENT,
  isRouter: false,
  isSolicited: true,
  isOverride: true,
  target: VIP,
  linkLayerAddress: OUR_MAC,
};

describe("NdpResponder answers", () => {
  it.each([
    ["address resolution by multicast", solicitation(), ANSWER],
    [
      "unreachability detection by unicast",
      solicitation({ destinationMac: OUR_MAC, destination: VIP }),
      ANSWER,
    ],
    [
      "a unicast solicitation without source option, to the frame's source (L20)",
      withoutOption(solicitation({ destinationMac: OUR_MAC, destination: VIP })),
      ANSWER,
    ],
    [
      "duplicate address detection, to all nodes: solicited clear, override set (L18)",
      withoutOption(solicitation({ source: ip("::") })),
      {
        ...ANSWER,
        destinationMac: mac("33:33:00:00:00:01"),
        destination: ip("ff02::1"),
        isSolicited: false,
      },
    ],
    [
      "an asker whose source option differs from the frame's source, to the option's address",
      solicitation({ linkLayerAddress: mac("02:00:00:00:00:77") }),
      { ...ANSWER, destinationMac: mac("02:00:00:00:00:77") },
    ],
  ])("%s", (_name, asked, expected) => {
    const { responder, counters } = ownerOf(VIP);
    expect(handle(responder, encodeNeighborFrame(asked))).toBe("answered");
    expect(decodeNeighborFrame(responder.reply)).toEqual(ok(expected));
    expect(counters).toEqual({ requestsReceived: 1, responsesSent: 1 });
  });

  it("in the place of another station: with its MAC address, from our own", () => {
    const responder = new NdpResponder(OUR_MAC);
    const absent = mac("02:00:00:00:00:02");
    responder.add(VIP, { requestsReceived: 0, responsesSent: 0 }, absent);
    expect(handle(responder, encodeNeighborFrame(solicitation()))).toBe("answered");
    expect(decodeNeighborFrame(responder.reply)).toEqual(
      ok({ ...ANSWER, linkLayerAddress: absent }),
    );
  });

  it("in any order of askers: nothing of an earlier answer stays", () => {
    const { responder } = ownerOf(VIP);
    const dad = encodeNeighborFrame(withoutOption(solicitation({ source: ip("::") })));
    expect(handle(responder, dad)).toBe("answered");
    expect(handle(responder, encodeNeighborFrame(solicitation()))).toBe("answered");
    expect(decodeNeighborFrame(responder.reply)).toEqual(ok(ANSWER));
  });
});

describe("NdpResponder is silent about", () => {
  const foreign = mac("02:00:00:00:00:66");
  it.each([
    ["another node's address", solicitation({ target: ip("2001:db8::11") }), "notAnnounced"],
    [
      "a frame to another host's MAC",
      solicitation({ destinationMac: foreign }),
      "otherDestination",
    ],
    ["an asker whose MAC is a group", solicitation({ linkLayerAddress: GROUP_MAC }), "badSender"],
    ["somebody who solicits from its address", solicitation({ source: VIP }), "claimedByOther"],
    [
      "an advertisement of its address by somebody else (L21)",
      { ...ANSWER, sourceMac: foreign, linkLayerAddress: foreign, destinationMac: OUR_MAC },
      "claimedByOther",
    ],
    [
      "an advertisement of a foreign address",
      { ...ANSWER, target: ip("2001:db8::77"), destinationMac: OUR_MAC },
      "notRequest",
    ],
    ["its own advertisement", { ...ANSWER, destinationMac: OUR_MAC }, "notRequest"],
  ])("%s", (_name, frame, outcome) => {
    const { responder, counters } = ownerOf(VIP);
    expect(handle(responder, encodeNeighborFrame(frame))).toBe(outcome);
    expect(counters).toEqual({ requestsReceived: 0, responsesSent: 0 });
  });

  it("a frame cut at any length (L16)", () => {
    const bytes = encodeNeighborFrame(solicitation());
    const { responder } = ownerOf(VIP);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(responder.handle(viewOf(bytes), length)).toBe("truncated");
    }
  });

  it("an address that was taken away", () => {
    const { responder } = ownerOf(VIP);
    responder.remove(VIP);
    expect(handle(responder, encodeNeighborFrame(solicitation()))).toBe("notAnnounced");
  });
});

describe("NdpResponder", () => {
  test.prop([anyNeighborFrame, anyMutations], { numRuns: 3000 })(
    "never throws and answers only valid solicitations of its address",
    (frame, mutations) => {
      const { responder } = ownerOf(VIP);
      const bytes = mutate(encodeNeighborFrame({ ...frame, target: VIP }), mutations);
      if (handle(responder, bytes) !== "answered") return;
      const asked = decodeNeighborFrame(bytes);
      expect(asked.ok && asked.value.type).toBe("solicitation");
      expect(asked.ok && asked.value.target).toEqual(VIP);
      const answer = decodeNeighborFrame(responder.reply);
      expect(answer.ok && answer.value.target).toEqual(VIP);
      expect(answer.ok && answer.value.linkLayerAddress).toEqual(OUR_MAC);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 128 })])("never throws on random octets", bytes => {
    expect(handle(ownerOf(VIP).responder, bytes)).not.toBe("answered");
  });

  it("announces with override set and solicited clear (RFC 4861 §7.2.6)", () => {
    expect(decodeNeighborFrame(encodeUnsolicitedAdvertisement(OUR_MAC, VIP))).toEqual(
      ok({
        ...ANSWER,
        destinationMac: mac("33:33:00:00:00:01"),
        destination: ip("ff02::1"),
        isSolicited: false,
      }),
    );
  });
});
