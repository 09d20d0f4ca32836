/** Text that was copied from web pages, and text that means harm. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseLegacyYaml } from "../../../../../capabilities/cluster/legacy-yaml";
import { repairText } from "../../../../../lib/config/legacy/repair";
import { convert, findingsOf, objectsOf, refused } from "./support";

const GOOD = `peers:
- peer-address: 10.0.0.1
  peer-asn: 64501
  my-asn: 64500
address-pools:
- name: default
  protocol: bgp
  addresses:
  - 192.168.10.0/24
  bgp-advertisements:
  - aggregation-length: 32
    communities:
    - 64512:1
    - no-export
  - aggregation-length: 24
- name: second
  protocol: layer2
  addresses:
  - 192.168.1.240-192.168.1.250
bgp-communities:
  no-export: 65535:65281
`;

const WITHOUT_MAP = GOOD.slice(0, GOOD.indexOf("bgp-communities")).replace("    - no-export\n", "");

describe("a repair", () => {
  it("puts each key where alone it can stand when the indentation is lost as a whole", () => {
    const flat = WITHOUT_MAP.replace(/^ +/gm, "");
    expect(repairText(flat).text).toBe(WITHOUT_MAP);
    const conversion = convert(flat);
    expect(findingsOf(conversion)).toEqual(["warn "]);
    expect(objectsOf(conversion)).toEqual(objectsOf(convert(WITHOUT_MAP)));
  });

  it("is not made where a key could stand in two places, or a part is indented", () => {
    const ambiguous = GOOD.replace(/^ +/gm, "");
    expect(repairText(ambiguous).repairs).toEqual([]);
    expect(refused(ambiguous).join("\n")).toContain("line ");
    const partly = GOOD.replace("  protocol: bgp", "protocol: bgp");
    expect(repairText(partly).repairs).toEqual([]);
    expect(refused(partly)).not.toEqual([]);
  });

  it.each([
    ["a dash of a typesetter", "240-192", "240\u2013192"],
    ["a blank that is none", "protocol: layer2", "protocol:\u00a0layer2"],
    ["typographic quotes", "name: second", "name: \u201csecond\u201d"],
    ["an invisible character", "name: second", "name: \u200bsecond"],
    ["tabs", "  protocol: bgp", "\tprotocol: bgp"],
    ["a missing blank", "protocol: layer2", "protocol:layer2"],
  ])("undoes %s, and says where it was", (_, right, wrong) => {
    const text = GOOD.replace(right, wrong);
    const conversion = convert(text);
    expect(findingsOf(conversion)).toEqual(["warn "]);
    const line = text.slice(0, text.indexOf(wrong)).split("\n").length;
    expect(conversion.problems[0]?.at?.line).toBe(line);
    expect(objectsOf(conversion)).toEqual(objectsOf(convert(GOOD)));
  });

  it("takes line ends of Windows without a word", () => {
    const conversion = convert(GOOD.replaceAll("\n", "\r\n"));
    expect(findingsOf(conversion)).toEqual([]);
    expect(objectsOf(conversion)).toEqual(objectsOf(convert(GOOD)));
  });
});

describe("a text", () => {
  it("that is no YAML is named with line and column", () => {
    expect(refused("address-pools:\n- name: [a\n  protocol: bgp\n")[0]).toMatch(
      /line \d+, column \d+/,
    );
    expect(refused("a: 1\n---\nb: 2\n")[0]).toContain("line 3");
  });

  it("with booleans of YAML 1.1, comments, anchors and merges is read as it was", () => {
    const conversion = convert(`
address-pools: # the pools
- {name: one, protocol: &b bgp, auto-assign: Off, avoid-buggy-ips: yes, addresses: [10.0.0.0/25], bgp-advertisements: [&a {localpref: 5}]}
- {name: two, protocol: *b, addresses: [10.0.0.128/25], bgp-advertisements: [{<<: *a, aggregation-length: 26}]}
`);
    expect(findingsOf(conversion)).toEqual([]);
    expect(objectsOf(conversion)).toEqual({
      "IPAddressPool one": { addresses: ["10.0.0.0/25"], autoAssign: false, avoidBuggyIPs: true },
      "IPAddressPool two": { addresses: ["10.0.0.128/25"] },
      "BGPAdvertisement bgpadvertisement1": { localPref: 5, ipAddressPools: ["one"] },
      "BGPAdvertisement bgpadvertisement2": {
        localPref: 5,
        aggregationLength: 26,
        ipAddressPools: ["two"],
      },
    });
  });

  it("with merges gives what a map writes itself, then what the first of the merged maps writes", () => {
    const conversion = convert(`
address-pools:
- &one {name: one, protocol: layer2, addresses: [10.0.0.0/25]}
- {<<: *one, name: two, addresses: [10.0.0.128/25]}
- {<<: [{addresses: [10.0.1.0/25]}, *one], name: three}
`);
    expect(findingsOf(conversion)).toEqual([]);
    expect(objectsOf(conversion)).toMatchObject({
      "IPAddressPool one": { addresses: ["10.0.0.0/25"] },
      "IPAddressPool two": { addresses: ["10.0.0.128/25"] },
      "IPAddressPool three": { addresses: ["10.0.1.0/25"] },
    });
  });

  it("that is nested beyond reason, or whose aliases stand for too much, is refused", () => {
    expect(parseLegacyYaml("[".repeat(5_000))).toMatchObject({ ok: false });
    const bomb = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
        : `a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`,
    );
    expect(parseLegacyYaml(bomb.join("\n"))).toMatchObject({ ok: false });
    expect(parseLegacyYaml("a: &a [*a]")).toMatchObject({ ok: false });
  });

  it("that is empty, or says nothing, is an empty configuration", () => {
    for (const text of [
      "",
      "\n",
      "# nothing\n",
      "address-pools: []\n",
      "address-pools:\npeers:\n",
    ]) {
      expect(convert(text)).toEqual({ resources: [], problems: [] });
    }
  });

  const pieces = fc.constantFrom(
    ...["address-pools:", "- name: a", "  protocol: arp", "  cidr: [10.0.0.0/28]", "peers:", "&a"],
    ...[
      "*a",
      "<<: *a",
      "\t",
      "- ",
      "  - 1:2",
      "communities:",
      "{",
      "}",
      "[",
      "]",
      "hold-time: 1",
      "'",
    ],
    ...["|", "\u00a0", "---", "bgp-advertisements:", "aggregation-length: -1", "? x", "!!binary x"],
  );
  const texts = fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 12 });

  test.prop([texts])(
    "of any kind gives resources or a refusal, never both and never a throw",
    lines => {
      const { resources, problems } = convert(lines.join("\n"));
      const isRefused = problems.some(({ severity }) => severity === "refuse");
      if (isRefused) expect(resources).toEqual([]);
      for (const { message, at } of problems) {
        expect(message).not.toMatch(/\n/);
        if (at !== undefined) expect(Math.min(at.line, at.column)).toBeGreaterThanOrEqual(1);
      }
    },
  );

  test.prop([fc.nat({ max: GOOD.length - 1 }), fc.constantFrom("", " ", "x", ":", "\n", "-")])(
    "with one character changed is read or refused, and never read as more pools than it has",
    (index, character) => {
      const changed = GOOD.slice(0, index) + character + GOOD.slice(index + 1);
      const { resources, problems } = convert(changed);
      if (problems.some(({ severity }) => severity === "refuse")) expect(resources).toEqual([]);
      else
        expect(
          resources.filter(({ object }) => object.kind === "IPAddressPool").length,
        ).toBeLessThan(3);
    },
  );
});
