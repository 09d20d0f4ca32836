import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { normaliseBGPPeer, normaliseIPAddressPool } from "../../../../lib/config/admission";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import {
  mutationConditions,
  NORMAL_ADDRESS,
  NORMAL_ENTRY,
} from "../../../../scripts/manifest/mutation-conditions";
import { bgpPeer, ipAddressPool } from "../../../support/resources";

/** What the API server does with RE2, which reads these two as JavaScript does. */
const isNormalEntry = (text: string) => new RegExp(NORMAL_ENTRY).test(text);
const isNormalAddress = (text: string) => new RegExp(NORMAL_ADDRESS).test(text);

const isChangedEntry = (text: string) => {
  const pool = ipAddressPool("first", [text]);
  return normaliseIPAddressPool(pool) !== pool;
};
const peerFields = ["peerAddress", "sourceAddress", "routerID"] as const;
const isChangedAddress = (text: string) =>
  peerFields.some(field => {
    const peer = bgpPeer("router", { peerAddress: "192.0.2.1", [field]: text });
    return normaliseBGPPeer(peer) !== peer;
  });

/** Groups as people write them, so that zeros stand next to each other and next to `::`. */
const group = fc.constantFrom("0", "1", "fe80", "a", "00a", "AB", "ffff", "0000", "1000");
const groups = fc.array(group, { maxLength: 8 }).map(list => list.join(":"));
const ipv6 = fc.oneof(
  fc.tuple(groups, groups).map(([head, tail]) => `${head}::${tail}`),
  fc.array(group, { minLength: 8, maxLength: 8 }).map(list => list.join(":")),
  fc
    .bigInt({ min: 0n, max: (1n << 128n) - 1n })
    .map(value => formatIpAddress({ family: "ipv6", value })),
  fc.constantFrom("::ffff:192.0.2.1", "::ffff:c000:201", "64:ff9b::192.0.2.1", "1:2:3::5:6:7:8"),
);
const ipv4 = fc.constantFrom("192.0.2.1", "0.0.0.0", "192.0.2.255", "192.0.2.01", "192.0.2", "");
const blank = fc.constantFrom("", "", "", " ", "\t", "\n", "\u00a0", "\ufeff");
const address = fc
  .tuple(blank, fc.oneof(ipv4, ipv6), blank)
  .map(([before, text, after]) => before + text + after);
const length = fc.constantFrom("0", "24", "024", "32", "64", "120", "128", "129");
const entry = fc.oneof(
  address,
  fc.tuple(address, length, blank).map(([text, bits, after]) => `${text}/${bits}${after}`),
  fc.tuple(address, address).map(([first, last]) => `${first}-${last}`),
  fc.tuple(address, address, length).map(([first, last, bits]) => `${first}-${last}/${bits}`),
);

/** `/` and `-` between the same characters as in addresses, in every order. */
const similar = fc.string({
  unit: fc.constantFrom(...Array.from("0129.:af/- A\n")),
  maxLength: 24,
});

describe("what mutation is not asked about", () => {
  const runs = { numRuns: 3_000 };

  test.prop([fc.oneof(entry, similar)], runs)("is an entry that would stay as it is", text => {
    expect(isNormalEntry(text) && isChangedEntry(text)).toBe(false);
  });

  test.prop([fc.oneof(address, similar)], runs)("is an address that would stay", text => {
    expect(isNormalAddress(text) && isChangedAddress(text)).toBe(false);
  });

  it.each([
    "192.0.2.0/24",
    "192.0.2.10/32",
    "192.0.2.1-192.0.2.9",
    "0.0.0.0/0",
    "fc00:f853:ccd:e799::/124",
    "2001:db8::/32",
    "2001:db8:1:2:3:4:5:6/128",
    "2001:db8::1-2001:db8::ff",
    "fe80::1:2:3:4-fe80::1:2:3:5",
  ])("is the entry %s", text => {
    expect(isNormalEntry(text)).toBe(true);
    expect(isChangedEntry(text)).toBe(false);
  });

  it.each(["192.0.2.1", "2001:db8::1", "fe80::a1:b2ff:fec3:d4", "2001:db8:1:2:3:4:5:6", ""])(
    "is the address %j",
    text => {
      expect(isNormalAddress(text)).toBe(true);
      expect(isChangedAddress(text)).toBe(false);
    },
  );
});

describe("what mutation is asked about", () => {
  it.each([
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.1 - 192.0.2.9",
    " 192.0.2.0/24",
    "192.0.2.0/24\n",
    "FC00::/7",
    "fc00:0::/32",
    "fc00::0001/128",
    "1:2:3::5:6:7:8/128",
    "1:0:0:2::3:4/128",
    "::ffff:192.0.2.0/120",
    "::ffff:c000:200/120",
    "2001:db8::192.0.2.1/128",
  ])("is the entry %j, which changes", text => {
    expect(isChangedEntry(text)).toBe(true);
    expect(isNormalEntry(text)).toBe(false);
  });

  it.each([" 192.0.2.1", "FE80::1", "::ffff:192.0.2.1", "2001:db8:0:0::1", "1::3:4:5:6:7:8"])(
    "is the address %j, which changes",
    text => {
      expect(isChangedAddress(text)).toBe(true);
      expect(isNormalAddress(text)).toBe(false);
    },
  );
});

describe("mutationConditions", () => {
  it("quotes the pattern of the kind, which CEL reads without escapes", () => {
    expect(mutationConditions("ipaddresspools")[0]?.expression).toContain(`'${NORMAL_ENTRY}'`);
    expect(mutationConditions("bgppeers")[0]?.expression).toContain(`'${NORMAL_ADDRESS}'`);
    expect(NORMAL_ENTRY + NORMAL_ADDRESS).not.toMatch(/['\\]/);
  });

  it("looks at each field of a peer that is normalised", () => {
    for (const field of peerFields) {
      expect(mutationConditions("bgppeers")[0]?.expression).toContain(`'${field}'`);
    }
  });

  it("are none for a kind that is always asked about", () => {
    expect(mutationConditions("communities")).toEqual([]);
  });
});
