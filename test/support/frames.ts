/** Builders and generators of ARP and NDP frames for tests. */
import { fc } from "@fast-check/vitest";
import { expect } from "vitest";
import { ArpOperation } from "../../lib/arp/constants";
import type { ArpFrame } from "../../lib/arp/message";
import { parseIpAddress, type IpAddress } from "../../lib/net/ip-address";
import { parseMacAddress, type MacAddress } from "../../lib/net/mac-address";
import type { NeighborFrame } from "../../lib/ndp/message";

/** The address of the text, which must be one. */
export function ip(text: string): IpAddress {
  const address = parseIpAddress(text);
  if (!address.ok) throw new Error(`not an address: ${text}`);
  return address.value;
}

export function mac(text: string): MacAddress {
  const address = parseMacAddress(text);
  if (!address.ok) throw new Error(`not a MAC address: ${text}`);
  return address.value;
}

export const anyMac = fc.uint8Array({ minLength: 6, maxLength: 6 });
export const anyIpv4: fc.Arbitrary<IpAddress> = fc
  .bigInt({ min: 0n, max: 0xffffffffn })
  .map(value => ({ family: "ipv4", value }));
/** Any IPv6 address but a multicast one. */
export const anyIpv6: fc.Arbitrary<IpAddress> = fc
  .bigInt({ min: 1n, max: (0xffn << 120n) - 1n })
  .map(value => ({ family: "ipv6", value }));

export const anyArpFrame: fc.Arbitrary<ArpFrame> = fc.record({
  destination: anyMac,
  source: anyMac,
  operation: fc.constantFrom(...Object.values(ArpOperation)),
  senderHardwareAddress: anyMac,
  senderProtocolAddress: anyIpv4,
  targetHardwareAddress: anyMac,
  targetProtocolAddress: anyIpv4,
});

const neighborBase = {
  destinationMac: anyMac,
  sourceMac: anyMac,
  source: anyIpv6,
  destination: anyIpv6,
  target: anyIpv6,
};

export const anyNeighborFrame: fc.Arbitrary<NeighborFrame> = fc
  .oneof(
    fc.record({ type: fc.constant("solicitation" as const), ...neighborBase }),
    fc.record({
      type: fc.constant("advertisement" as const),
      ...neighborBase,
      isRouter: fc.boolean(),
      isSolicited: fc.boolean(),
      isOverride: fc.boolean(),
    }),
  )
  .chain(frame =>
    fc.oneof(
      fc.constant(frame),
      anyMac.map(linkLayerAddress => ({ ...frame, linkLayerAddress })),
    ),
  );

/** Changes to octets: position (modulo the length) and new value. */
export const anyMutations = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), {
  minLength: 1,
  maxLength: 8,
});

export function mutate(
  bytes: Uint8Array,
  mutations: readonly (readonly [number, number])[],
): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [position, value] of mutations) copy[position % copy.length] = value;
  return copy;
}

/** Expects `truncated` of every proper prefix of the octets. */
export function expectPrefixesTruncated(
  bytes: Uint8Array,
  codeOf: (prefix: Uint8Array) => string,
): void {
  for (let length = 0; length < bytes.length; length += 1) {
    expect(codeOf(bytes.subarray(0, length)), `prefix of ${length} octets`).toBe("truncated");
  }
}
