import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { AddressSpace, COUNTER_MAX } from "../../../../lib/allocation/address-space";
import { AddressBook } from "../../../../lib/allocation/address-book";
import { countPools } from "../../../../lib/allocation/counters";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import { parseIpRange, rangesOverlap, type IpRange } from "../../../../lib/net/ip-prefix";
import { pool } from "../../../support/services";

function range(text: string): IpRange {
  const parsed = parseIpRange(text);
  if (!parsed.ok) throw new Error(text);
  return parsed.value;
}

function addressesOf(space: AddressSpace): string[] {
  return Array.from({ length: Number(space.capacity) }, (_, ordinal) =>
    formatIpAddress({ family: space.family, value: space.addressAt(BigInt(ordinal)) ?? -1n }),
  );
}

describe("order", () => {
  it("entries in their order, ascending inside, network and broadcast included", () => {
    const space = new AddressSpace("ipv4", [range("10.0.1.0/31"), range("10.0.0.254-10.0.0.255")], {
      avoidBuggyIps: false,
    });
    expect(addressesOf(space)).toEqual(["10.0.1.0", "10.0.1.1", "10.0.0.254", "10.0.0.255"]);
  });

  it("avoidBuggyIPs leaves out .0 and .255 wherever they are, in IPv4 alone", () => {
    const ranges = [range("10.0.0.253-10.0.1.2"), range("10.0.2.0/32"), range("1000::/127")];
    const v4 = new AddressSpace("ipv4", ranges, { avoidBuggyIps: true });
    const v6 = new AddressSpace("ipv6", ranges, { avoidBuggyIps: true });
    expect(addressesOf(v4)).toEqual(["10.0.0.253", "10.0.0.254", "10.0.1.1", "10.0.1.2"]);
    expect(addressesOf(v6)).toEqual(["1000::", "1000::1"]);
    expect(v4.ordinalOf(range("10.0.1.0/32").first)).toBeUndefined();
  });
});

/** Disjoint small ranges of 10.0.0.0/22, in any order. */
const smallRanges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 0, max: 300 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map(pairs => {
    const ranges: IpRange[] = [];
    for (const [start, length] of pairs) {
      const first = 0x0a000000n + BigInt(start);
      const candidate: IpRange = { family: "ipv4", first, last: first + BigInt(length) };
      if (!ranges.some(other => rangesOverlap(other, candidate))) ranges.push(candidate);
    }
    return ranges;
  });

test.prop([smallRanges, fc.boolean()])("numbers are what a walk would give", (ranges, avoid) => {
  const space = new AddressSpace("ipv4", ranges, { avoidBuggyIps: avoid });
  const walked: bigint[] = [];
  for (const { first, last } of ranges) {
    for (let value = first; value <= last; value += 1n) {
      const octet = value % 256n;
      if (!avoid || (octet !== 0n && octet !== 255n)) walked.push(value);
    }
  }
  expect(space.capacity).toBe(BigInt(walked.length));
  expect(walked.map((_, ordinal) => space.addressAt(BigInt(ordinal)))).toEqual(walked);
  expect(walked.map(value => space.ordinalOf(value))).toEqual(walked.map((_, at) => at));
  expect(space.addressAt(space.capacity)).toBeUndefined();
  expect(space.ordinalOf(0x0a000000n - 1n)).toBeUndefined();
});

describe("55: capacities (D4)", () => {
  const max = COUNTER_MAX;
  it.each([
    { addresses: ["1.2.3.0/24"], avoid: false, v4: 256n, v6: 0n, total: 256n },
    { addresses: ["1.2.3.0/24", "2.3.4.128/25"], avoid: false, v4: 384n, v6: 0n, total: 384n },
    { addresses: ["1.2.3.0/24", "2.3.4.128/25"], avoid: true, v4: 381n, v6: 0n, total: 381n },
    {
      addresses: ["1.2.3.0/24", "2.3.4.128/25", "1000::/64"],
      avoid: true,
      v4: 381n,
      v6: max,
      total: max,
    },
    { addresses: ["1.2.3.0/31", "1000::/127"], avoid: true, v4: 1n, v6: 2n, total: 3n },
    { addresses: ["1.2.3.0/32"], avoid: true, v4: 0n, v6: 0n, total: 0n },
    { addresses: ["2001:db8::/48", "1.2.3.0/24"], avoid: false, v4: 256n, v6: max, total: max },
    { addresses: ["2001:db8::/66"], avoid: false, v4: 0n, v6: max, total: max },
    { addresses: ["2001:db8::/67"], avoid: false, v4: 0n, v6: 2n ** 61n, total: 2n ** 61n },
    { addresses: ["::/0"], avoid: false, v4: 0n, v6: max, total: max },
    {
      addresses: ["10.0.0.0/8"],
      avoid: true,
      v4: 2n ** 24n - 2n ** 17n,
      v6: 0n,
      total: 2n ** 24n - 2n ** 17n,
    },
  ])("$addresses avoidBuggyIPs $avoid", ({ addresses, avoid, v4, v6, total }) => {
    const book = new AddressBook();
    book.setPools([pool("P", addresses, { avoidBuggyIps: avoid })], new Map());
    expect(countPools(book)).toEqual([
      {
        pool: "P",
        ipv4: { capacity: v4, assigned: 0n, available: v4 },
        ipv6: { capacity: v6, assigned: 0n, available: v6 },
        total: { capacity: total, assigned: 0n, available: total },
        services: 0,
      },
    ]);
  });

  it("many large entries do not overflow the sum", () => {
    const entries = Array.from({ length: 8 }, (_, index) => `2001:db8:${index}::/67`);
    const space = new AddressSpace("ipv6", entries.map(range), { avoidBuggyIps: false });
    expect(space.capacity).toBe(2n ** 64n);
    expect(space.countedCapacity).toBe(max);
  });
});
