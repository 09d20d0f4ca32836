import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { BFD_STATES, CONTROL_PACKET_OCTETS } from "../../../../lib/bfd/constants";
import {
  decodeControlPacket,
  encodeControlPacket,
  type BfdControlPacket,
} from "../../../../lib/bfd/control-packet";
import { ok } from "../../../../lib/net/result";
import { anyMutations, mutate } from "../../../support/frames";
import { fromHex, loadGolden, toHex } from "../../../support/golden";
import { anyControlPacket } from "./support/packets";

interface Malformed {
  readonly name: string;
  readonly hex: string;
  readonly problem: string;
}

function loadMalformed(): readonly Malformed[] {
  const folder = join(__dirname, "../../../golden/bfd/malformed");
  const files = readdirSync(folder);
  if (files.length === 0) throw new Error(`no vectors in ${folder}`);
  return files.map(file => JSON.parse(readFileSync(join(folder, file), "utf8")) as Malformed);
}

describe("packets of BIRD and FRR", () => {
  const golden = loadGolden<BfdControlPacket>("bfd");

  it.each(golden)("decodes $name ($source)", ({ hex, decoded }) => {
    expect(decodeControlPacket(fromHex(hex))).toEqual(ok(decoded));
  });

  it.each(golden)("writes $name as its sender did", ({ hex, decoded }) => {
    expect(toHex(encodeControlPacket(decoded))).toBe(hex.replaceAll(" ", ""));
  });

  it("come from both daemons and show every state", () => {
    const names = golden.map(({ name }) => name);
    expect(names.some(name => name.startsWith("bird-"))).toBe(true);
    expect(names.some(name => name.startsWith("frr-"))).toBe(true);
    expect(new Set(golden.map(({ decoded }) => decoded.state))).toEqual(new Set(BFD_STATES));
  });
});

describe("malformed packets", () => {
  it.each(loadMalformed())("$name is $problem", ({ hex, problem }) => {
    expect(decodeControlPacket(fromHex(hex))).toEqual({ ok: false, error: problem });
  });
});

it("takes what lies behind the length field for padding", () => {
  const hex = "20400318 00000001 00000000 0000c350 0000c350 00000000";
  const padded = fromHex(`${hex} ffff`);
  expect(decodeControlPacket(padded)).toEqual(decodeControlPacket(fromHex(hex)));
  expect(decodeControlPacket(padded).ok).toBe(true);
});

it("refuses to write a packet that nobody would read", () => {
  const decoded = decodeControlPacket(
    fromHex("20400318 00000001 00000000 0000c350 0000c350 00000000"),
  );
  if (!decoded.ok) throw new Error(decoded.error);
  const wrong: readonly Partial<BfdControlPacket>[] = [
    { detectMultiplier: 0 },
    { detectMultiplier: 256 },
    { myDiscriminator: 0 },
    { diagnostic: 32 },
    { isPoll: true, isFinal: true },
  ];
  for (const each of wrong) {
    expect(() => encodeControlPacket({ ...decoded.value, ...each })).toThrow("assertion failed");
  }
});

test.prop([anyControlPacket])("decode inverts encode over the full ranges", packet => {
  expect(decodeControlPacket(encodeControlPacket(packet))).toEqual(ok(packet));
});

test.prop([anyControlPacket, fc.nat(CONTROL_PACKET_OCTETS - 1)])(
  "every proper prefix is truncated",
  (packet, length) => {
    const octets = encodeControlPacket(packet).subarray(0, length);
    expect(decodeControlPacket(octets)).toEqual({ ok: false, error: "truncated" });
  },
);

test.prop([fc.uint8Array({ maxLength: 64 })])("any octets give a value or an error", octets => {
  const before = toHex(octets);
  const decoded = decodeControlPacket(octets);
  expect(typeof decoded.ok).toBe("boolean");
  expect(toHex(octets)).toBe(before);
});

test.prop([anyControlPacket, anyMutations])(
  "a mutated packet that is read says nothing the checks forbid (RFC 5880 §6.8.6)",
  (packet, mutations) => {
    const decoded = decodeControlPacket(mutate(encodeControlPacket(packet), mutations));
    if (!decoded.ok) return;
    const { state, detectMultiplier, myDiscriminator, yourDiscriminator } = decoded.value;
    expect(detectMultiplier).toBeGreaterThan(0);
    expect(myDiscriminator).toBeGreaterThan(0);
    if (state === "Init" || state === "Up") expect(yourDiscriminator).toBeGreaterThan(0);
  },
);
