import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  normaliseBFDProfile,
  normaliseBGPAdvertisement,
  normaliseBGPPeer,
  normaliseCommunity,
  normaliseIPAddressPool,
  normaliseL2Advertisement,
} from "../../../../lib/config/admission";
import { formatIpAddress } from "../../../../lib/net/ip-address";
import { parseIpRange } from "../../../../lib/net/ip-prefix";
import { bgpPeer, ipAddressPool, untyped } from "../../../support/resources";

function normalEntry(entry: string): string | undefined {
  return normaliseIPAddressPool(ipAddressPool("first", [entry])).spec.addresses[0];
}

describe("normaliseIPAddressPool", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1/32"],
    ["2001:DB8::1", "2001:db8::1/128"],
    ["192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"],
    ["192.0.2.1 -192.0.2.9", "192.0.2.1-192.0.2.9"],
    ["FC00::/7", "fc00::/7"],
    ["2001:DB8::1-2001:DB8:0::9", "2001:db8::1-2001:db8::9"],
    ["::ffff:192.0.2.0/120", "192.0.2.0/24"],
    ["::ffff:192.0.2.1", "192.0.2.1/32"],
    [" 192.0.2.0/24 ", "192.0.2.0/24"],
    ["198.51.100.10/24", "198.51.100.10/24"],
  ])("writes %s as %s", (entry, normal) => {
    expect(normalEntry(entry)).toBe(normal);
  });

  it.each(["", "x", "192.0.2.0/33", "192.0.2.9-192.0.2.1", "192.0.2.1-fc00::1", "192.0.2.1-"])(
    "leaves %j for the validation",
    entry => {
      expect(normalEntry(entry)).toBe(entry);
    },
  );

  it("returns the same object when there is nothing to change", () => {
    const pool = ipAddressPool("first", ["192.0.2.0/24"], { autoAssign: false });
    expect(normaliseIPAddressPool(pool)).toBe(pool);
  });

  it("changes nothing but the entries", () => {
    const pool = ipAddressPool("first", ["192.0.2.1", "x"], { avoidBuggyIPs: true });
    expect(normaliseIPAddressPool(pool)).toEqual(
      ipAddressPool("first", ["192.0.2.1/32", "x"], { avoidBuggyIPs: true }),
    );
  });

  it.each([5, "x", [], { spec: null }, { spec: { addresses: "x" } }, { spec: { addresses: [5] } }])(
    "leaves the unexpected shape %j as it is",
    value => {
      expect(normaliseIPAddressPool(untyped(value))).toBe(value);
    },
  );
});

const ipv4 = fc
  .bigInt({ min: 0n, max: 0xffffffffn })
  .map(value => formatIpAddress({ family: "ipv4", value }));
const ipv6 = fc
  .bigInt({ min: 0n, max: (1n << 128n) - 1n })
  .map(value => formatIpAddress({ family: "ipv6", value }).toUpperCase());
const entry = fc.oneof(
  ipv4,
  ipv6,
  fc.tuple(ipv4, fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(ipv6, fc.integer({ min: 0, max: 128 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(ipv4, ipv4, fc.constantFrom("-", " - ", "- ")).map(([a, b, dash]) => a + dash + b),
  fc.string(),
);

test.prop([entry])("keeps the meaning, and a second time changes nothing", text => {
  const normal = normalEntry(text) ?? "";
  const before = parseIpRange(text);
  expect(parseIpRange(normal).ok).toBe(before.ok);
  if (before.ok) expect(parseIpRange(normal)).toEqual(before);
  expect(normalEntry(normal)).toBe(normal);
});

describe("normaliseBGPPeer", () => {
  it("writes addresses in canonical form and leaves the port 0 of v1beta1 to the default", () => {
    const peer = bgpPeer("router", {
      peerAddress: "2001:DB8::1",
      peerPort: 0,
      routerID: "1.1.1.1",
    });
    expect(normaliseBGPPeer(peer)).toEqual(
      bgpPeer("router", { peerAddress: "2001:db8::1", routerID: "1.1.1.1" }),
    );
  });

  it("leaves everything else alone", () => {
    const peer = bgpPeer("router", { peerAddress: "router.example", peerPort: 179 });
    expect(normaliseBGPPeer(peer)).toBe(peer);
    expect(normaliseBGPPeer(untyped({ spec: "x" }))).toEqual({ spec: "x" });
  });
});

it.each([
  normaliseBFDProfile,
  normaliseBGPAdvertisement,
  normaliseCommunity,
  normaliseL2Advertisement,
])("has nothing to change in the other kinds", normalise => {
  const resource = { metadata: { name: "x" }, spec: {} };
  expect(normalise(resource)).toBe(resource);
});
