import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import { decodeEchoFrame, encodeEchoFrame } from "../../../../lib/bfd/echo-packet";
import { viewOf } from "../../../../lib/net/ethernet";
import { anyIpv4, anyMac, anyMutations, ip, mac, mutate } from "../../../support/frames";
import { fromHex, loadGolden, toHex } from "../../../support/golden";

interface EchoText {
  readonly address: string;
  readonly myDiscriminator: number;
  readonly seconds: number;
  readonly microseconds: number;
}

const LINK = { source: mac("02:00:5e:00:53:01"), destination: mac("02:00:5e:00:53:02") };

it.each(loadGolden<EchoText>("bfd/echo"))("decodes $name ($source)", ({ hex, decoded }) => {
  const echo = decodeEchoFrame(fromHex(hex));
  if (!echo.ok) throw new Error(echo.error);
  expect(echo.value.address).toEqual(ip(decoded.address));
  expect(echo.value.myDiscriminator).toBe(decoded.myDiscriminator);
  expect(echo.value.sentMs).toBeCloseTo(decoded.seconds * 1_000 + decoded.microseconds / 1_000, 6);
});

it.each(loadGolden<EchoText>("bfd/echo"))(
  "writes the payload of $name as its sender did",
  ({ hex, decoded }) => {
    const address = ip(decoded.address);
    const sentMs = decoded.seconds * 1_000 + decoded.microseconds / 1_000;
    const frame = encodeEchoFrame(
      { address, myDiscriminator: decoded.myDiscriminator, sentMs },
      LINK,
    );
    expect(toHex(frame.subarray(42))).toBe(toHex(fromHex(hex).subarray(42)));
  },
);

it("goes from this node to itself, with a header that sums up (RFC 791)", () => {
  const echo = { address: ip("192.0.2.1"), myDiscriminator: 5, sentMs: 12.345 };
  const frame = encodeEchoFrame(echo, LINK);
  const view = viewOf(frame);
  let sum = 0;
  for (let offset = 14; offset < 34; offset += 2) sum += view.getUint16(offset);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  expect(sum).toBe(0xffff);
  expect(toHex(frame.subarray(0, 14))).toBe("02005e00530202005e0053010800");
  expect(toHex(frame.subarray(26, 34))).toBe("c0000201c0000201");
  expect(view.getUint8(22)).toBe(255);
  expect(view.getUint16(36)).toBe(3785);
});

it("is none when it goes to somebody else, is a fragment, or of another version", () => {
  const frame = encodeEchoFrame({ address: ip("192.0.2.1"), myDiscriminator: 5, sentMs: 1 }, LINK);
  for (const [offset, value] of [
    [33, 2], // destination
    [21, 1], // fragment offset
    [23, 6], // TCP
    [37, 0], // port
    [42, 2], // version
    [43, 25], // length
    [14, 0x46], // IPv4 options
    [12, 0x86], // EtherType
  ] as const) {
    const changed = mutate(frame, [[offset, value]]);
    expect(decodeEchoFrame(changed)).toEqual({ ok: false, error: "echoUnsupported" });
  }
});

const anyEcho = fc.record({
  address: anyIpv4,
  myDiscriminator: fc.integer({ min: 1, max: 0xffff_ffff }),
  sentMs: fc.nat(2 ** 40).map(sentUs => sentUs / 1_000),
});

test.prop([anyEcho, anyMac, anyMac])(
  "decode inverts encode to the microsecond",
  (echo, source, destination) => {
    const decoded = decodeEchoFrame(encodeEchoFrame(echo, { source, destination }));
    if (!decoded.ok) throw new Error(decoded.error);
    const sentMs = expect.closeTo(echo.sentMs, 2) as number;
    expect(decoded.value).toEqual({ ...echo, sentMs });
  },
);

test.prop([fc.nat(65), anyMutations])(
  "prefixes and mutations give a value or an error",
  (length, mutations) => {
    const frame = encodeEchoFrame(
      { address: ip("192.0.2.1"), myDiscriminator: 5, sentMs: 1 },
      LINK,
    );
    expect(decodeEchoFrame(frame.subarray(0, length))).toEqual({
      ok: false,
      error: "echoTruncated",
    });
    expect(typeof decodeEchoFrame(mutate(frame, mutations)).ok).toBe("boolean");
  },
);
