import { fc, test } from "@fast-check/vitest";
import { expect, it } from "vitest";
import {
  compareCommunities,
  formatCommunity,
  parseCommunity,
  type Community,
} from "../../../../lib/config/community";
import { ok } from "../../../../lib/net/result";

const part = fc.integer({ min: 0, max: 0xffff });
const longPart = fc.integer({ min: 0, max: 0xffffffff });

test.prop([part, part])("reads and prints a standard community (RFC 1997)", (high, low) => {
  const community: Community = { type: "standard", high, low };
  expect(parseCommunity(`${high}:${low}`)).toEqual(ok(community));
  expect(formatCommunity(community)).toBe(`${high}:${low}`);
});

test.prop([longPart, longPart, longPart])(
  "reads a large one, prints it without the word",
  (a, b, c) => {
    const result = parseCommunity(`large:${a}:${b}:${c}`);
    expect(result.ok && formatCommunity(result.value)).toBe(`${a}:${b}:${c}`);
  },
);

it.each([
  ["vpn", "alias"],
  ["1:2:3", "alias"],
  ["1:2:3:4:5", "alias"],
  ["", "alias"],
  ["65536:1", "number"],
  ["-1:1", "number"],
  ["1:", "number"],
  ["0x1:1", "number"],
  ["large:1:2:4294967296", "number"],
  ["Large:1:2:3", "marker"],
])("says why %j is none: %s", (text, code) => {
  expect(parseCommunity(text)).toEqual({ ok: false, error: { code } });
});

it("sorts a standard community as the large one that begins with its 32 bits", () => {
  const texts = ["large:65537:0:1", "1:1", "large:65536:9:9", "0:5"];
  const sorted = texts
    .map(text => parseCommunity(text))
    .flatMap(result => (result.ok ? [result.value] : []))
    .sort(compareCommunities)
    .map(formatCommunity);
  expect(sorted).toEqual(["0:5", "65536:9:9", "1:1", "65537:0:1"]);
});
