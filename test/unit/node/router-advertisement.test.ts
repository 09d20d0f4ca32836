import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { formatIpAddress, parseIpAddress } from "../../../lib/net/ip-address";
import { checksumIcmpv6 } from "../../../lib/ndp/checksum";
import {
  buildRouterAdvertisementFilter,
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
  readRouterAdvertisement,
} from "../../../node/router-advertisement";
import { runFilter } from "../../support/bpf";

/** Capture, FRR 8.4.4: lifetime 30 s, source link-layer address option. */
const FRR_FRAME = Buffer.from(
  [
    "333300000001020000000002 86dd 6000000000203aff",
    "fe80000000000000000000fffe000002 ff020000000000000000000000000001",
    "8600 0000 40 00 001e 00000000 00000000 0101020000000002 0501000000000 5dc",
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

function withChecksum(frame: Buffer): Buffer {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  view.setUint16(56, 0);
  view.setUint16(56, checksumIcmpv6(view, view.getUint16(18)));
  return frame;
}

const linkLocal = parseIpAddress("fe80::1");
if (!linkLocal.ok) throw new Error("fe80::1");
const SENDER = { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), address: linkLocal.value };

describe("a Router Advertisement", () => {
  it("of FRR tells its router and lifetime", () => {
    const heard = readRouterAdvertisement(withChecksum(Buffer.from(FRR_FRAME)));
    expect(heard?.lifetimeSeconds).toBe(30);
    expect(heard && formatIpAddress(heard.address)).toBe("fe80::ff:fe00:2");
  });

  it("of ours offers no router and has a right checksum", () => {
    const frame = encodeRouterAdvertisement(SENDER);
    expect(Buffer.from(frame).toString("hex")).toBe(
      "333300000001" +
        "020000000001" +
        "86dd" +
        "6000000000183aff" +
        "fe800000000000000000000000000001" +
        "ff020000000000000000000000000001" +
        Buffer.from(frame.subarray(54, 58)).toString("hex") +
        "000000000000000000000000" +
        "0101020000000001",
    );
    expect(readRouterAdvertisement(frame)).toEqual({ address: SENDER.address, lifetimeSeconds: 0 });
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    expect(checksumIcmpv6(view, view.getUint16(18))).toBe(0);
  });

  const spoilt: readonly (readonly [string, number, number])[] = [
    ["hop limit 254 (from another link)", 21, 254],
    ["code 1", 55, 1],
    ["another type", 54, 135],
    ["another next header", 20, 17],
    ["a source that is not link-local", 22, 0x20],
    ["a payload longer than the frame", 19, 200],
  ];

  it.each(spoilt)("with %s is nobody's", (_, offset, value) => {
    const frame = Buffer.from(encodeRouterAdvertisement(SENDER));
    frame[offset] = value;
    const repaired = offset === 19 ? frame : withChecksum(frame);
    expect(readRouterAdvertisement(repaired)).toBeUndefined();
  });

  it("with a wrong checksum is nobody's", () => {
    const frame = encodeRouterAdvertisement(SENDER);
    frame[57] = (frame[57] ?? 0) ^ 1;
    expect(readRouterAdvertisement(frame)).toBeUndefined();
  });

  it("that is cut anywhere is nobody's", () => {
    const frame = encodeRouterAdvertisement(SENDER);
    for (let length = 0; length < frame.length; length += 1) {
      expect(readRouterAdvertisement(frame.subarray(0, length))).toBeUndefined();
    }
  });

  test.prop([fc.uint8Array({ maxLength: 200 })])("of random octets never throws", octets => {
    expect(readRouterAdvertisement(octets)?.lifetimeSeconds ?? 0).toBeGreaterThanOrEqual(0);
  });
});

describe("the filter", () => {
  const filter = buildRouterAdvertisementFilter();

  it("lets Router Advertisements through and nothing else", () => {
    expect(runFilter(filter, encodeRouterAdvertisement(SENDER))).toBeGreaterThan(0);
    expect(runFilter(filter, encodeRouterSolicitation(SENDER))).toBe(0);
    const far = encodeRouterAdvertisement(SENDER);
    far[21] = 64;
    expect(runFilter(filter, far)).toBe(0);
  });
});
