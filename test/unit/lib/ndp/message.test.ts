import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { viewOf } from "../../../../lib/net/ethernet";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import { formatMacAddress } from "../../../../lib/net/mac-address";
import { ok } from "../../../../lib/net/result";
import { checksumIcmpv6 } from "../../../../lib/ndp/checksum";
import {
  decodeNeighborFrame,
  encodeNeighborFrame,
  type NeighborFrame,
} from "../../../../lib/ndp/message";
import {
  anyMutations,
  anyNeighborFrame,
  expectPrefixesTruncated,
  ip,
  mac,
  mutate,
} from "../../../support/frames";
import { fromHex, loadGolden, toHex } from "../../../support/golden";

interface NeighborFrameText {
  readonly type: "solicitation" | "advertisement";
  readonly destinationMac: string;
  readonly sourceMac: string;
  readonly source: string;
  readonly destination: string;
  readonly target: string;
  readonly linkLayerAddress?: string;
  readonly isRouter?: boolean;
  readonly isSolicited?: boolean;
  readonly isOverride?: boolean;
}

function toText(frame: NeighborFrame): NeighborFrameText {
  return {
    ...frame,
    destinationMac: formatMacAddress(frame.destinationMac),
    sourceMac: formatMacAddress(frame.sourceMac),
    source: formatIpAddress(frame.source),
    destination: formatIpAddress(frame.destination),
    target: formatIpAddress(frame.target),
    ...(frame.linkLayerAddress === undefined
      ? {}
      : { linkLayerAddress: formatMacAddress(frame.linkLayerAddress) }),
  } as NeighborFrameText;
}

function fromText(text: NeighborFrameText): NeighborFrame {
  const base = {
    destinationMac: mac(text.destinationMac),
    sourceMac: mac(text.sourceMac),
    source: ip(text.source),
    destination: ip(text.destination),
    target: ip(text.target),
    ...(text.linkLayerAddress === undefined
      ? {}
      : { linkLayerAddress: mac(text.linkLayerAddress) }),
  };
  if (text.type === "solicitation") return { type: "solicitation", ...base };
  return {
    type: "advertisement",
    ...base,
    isRouter: text.isRouter === true,
    isSolicited: text.isSolicited === true,
    isOverride: text.isOverride === true,
  };
}

function codeOf(bytes: Uint8Array): string {
  const decoded = decodeNeighborFrame(bytes);
  return decoded.ok ? "ok" : decoded.error;
}

/** The frame of the hexadecimal text with its ICMPv6 checksum made right. */
function withChecksum(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  const view = viewOf(bytes);
  view.setUint16(56, 0);
  view.setUint16(56, checksumIcmpv6(view, view.getUint16(18)));
  return bytes;
}

describe("golden neighbor messages", () => {
  for (const golden of loadGolden<NeighborFrameText>("ndp")) {
    it(`${golden.name} (${golden.source})`, () => {
      const bytes = fromHex(golden.hex);
      const decoded = decodeNeighborFrame(bytes);
      expect(decoded.ok && toText(decoded.value)).toEqual(golden.decoded);
      const encoded = encodeNeighborFrame(fromText(golden.decoded));
      if (golden.isCanonical !== false) expect(toHex(encoded)).toBe(toHex(bytes));
      expectPrefixesTruncated(bytes, codeOf);
    });
  }
});

describe("decodeNeighborFrame", () => {
  test.prop([anyNeighborFrame])("inverts encodeNeighborFrame", frame => {
    // A solicited advertisement to a group is refused; the generator's destinations are no groups.
    expect(decodeNeighborFrame(encodeNeighborFrame(frame))).toEqual(ok(frame));
  });

  test.prop([anyNeighborFrame, fc.uint8Array({ maxLength: 64 })])(
    "ignores padding",
    (frame, pad) => {
      const padded = new Uint8Array([...encodeNeighborFrame(frame), ...pad]);
      expect(decodeNeighborFrame(padded)).toEqual(ok(frame));
    },
  );

  test.prop([fc.uint8Array({ maxLength: 128 })])("never throws on random octets", bytes => {
    expect(codeOf(bytes)).not.toBe("ok");
  });

  test.prop([anyNeighborFrame, anyMutations], { numRuns: 3000 })(
    "never throws on mutated octets, and what it accepts has a right checksum",
    (frame, mutations) => {
      const bytes = mutate(encodeNeighborFrame(frame), mutations);
      if (codeOf(bytes) === "ok") {
        expect(checksumIcmpv6(viewOf(bytes), viewOf(bytes).getUint16(18))).toBe(0);
      }
    },
  );

  const ethernet = "3333ff000010 020000000099 86dd";
  const client = "20010db8000000000000000000000099";
  const group = "ff0200000000000000000001ff000010";
  const target = "20010db8000000000000000000000010";
  const unspecified = "00000000000000000000000000000000";
  const option = "0101 020000000099";
  const solicitation = (changes: { ip?: string; icmp?: string; rest?: string }): Uint8Array =>
    withChecksum(
      `${ethernet} ${changes.ip ?? `60000000 0020 3a ff ${client} ${group}`} ` +
        `${changes.icmp ?? "8700 0000 00000000"} ${changes.rest ?? `${target} ${option}`}`,
    );

  it.each<[string, Uint8Array, string]>([
    ["a well-formed solicitation", solicitation({}), "ok"],
    [
      "hop limit 64 (L16)",
      solicitation({ ip: `60000000 0020 3a 40 ${client} ${group}` }),
      "hopLimit",
    ],
    ["code 1 (L16)", solicitation({ icmp: "8701 0000 00000000" }), "code"],
    ["a multicast target (L16)", solicitation({ rest: `${group} ${option}` }), "multicastTarget"],
    [
      "a multicast source",
      solicitation({ ip: `60000000 0020 3a ff ${group} ${group}` }),
      "multicastSource",
    ],
    ["another ICMPv6 type", solicitation({ icmp: "8600 0000 00000000" }), "unsupported"],
    ["IP version 4", solicitation({ ip: `40000000 0020 3a ff ${client} ${group}` }), "unsupported"],
    [
      "an extension header",
      solicitation({ ip: `60000000 0020 00 ff ${client} ${group}` }),
      "unsupported",
    ],
    [
      "a payload longer than the frame",
      solicitation({ ip: `60000000 0020 3a ff ${client} ${group}` }).subarray(0, 85),
      "truncated",
    ],
    [
      "a message shorter than 24 octets",
      fromHex(`${ethernet} 60000000 0017 3a ff ${client} ${group} 8700 0000 00000000 ${target}`),
      "length",
    ],
    [
      "an option of length 0 (L17)",
      solicitation({ rest: `${target} 0100 020000000099` }),
      "zeroLengthOption",
    ],
    [
      "an option that runs past the end (L17)",
      solicitation({ rest: `${target} 0102 020000000099` }),
      "optionOverrun",
    ],
    [
      "half an option",
      solicitation({ ip: `60000000 0019 3a ff ${client} ${group}`, rest: `${target} 01` }),
      "optionOverrun",
    ],
    [
      "a solicitation from :: with source option (L19)",
      solicitation({ ip: `60000000 0020 3a ff ${unspecified} ${group}` }),
      "unspecifiedSourceWithOption",
    ],
    [
      "a solicitation from :: to a unicast address",
      solicitation({ ip: `60000000 0018 3a ff ${unspecified} ${target}`, rest: target }),
      "unspecifiedSourceDestination",
    ],
    [
      "a solicited advertisement to a group",
      solicitation({
        ip: `60000000 0018 3a ff ${target} ff020000000000000000000000000001`,
        icmp: "8800 0000 60000000",
        rest: target,
      }),
      "solicitedToMulticast",
    ],
  ])("judges %s", (_name, bytes, code) => {
    expect(codeOf(bytes)).toBe(code);
  });

  it("refuses a wrong checksum", () => {
    const bytes = solicitation({});
    bytes[57] = (bytes[57]! + 1) & 0xff;
    expect(codeOf(bytes)).toBe("checksum");
  });

  it("checks the sum of a message with an odd number of octets", () => {
    const rest = `${target} ${option}`;
    const odd = solicitation({ ip: `60000000 0021 3a ff ${client} ${group}`, rest: `${rest} 05` });
    expect(checksumIcmpv6(viewOf(odd), 33)).toBe(0);
  });
});
