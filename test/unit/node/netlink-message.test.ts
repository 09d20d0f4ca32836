import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { formatIpAddress } from "../../../lib/net/ip-address";
import { formatMacAddress } from "../../../lib/net/mac-address";
import { InterfaceTable } from "../../../node/interface-table";
import {
  encodeAddressDump,
  encodeLinkDump,
  parseNetlinkMessages,
  type NetlinkEvent,
} from "../../../node/netlink-message";
import { anyMutations, mutate } from "../../support/frames";
import { fromHex, loadGolden, toHex } from "../../support/golden";

function toText(event: NetlinkEvent): Record<string, unknown> {
  if (event.type === "link") {
    const { index, name, mac, hardwareType, masterIndex } = event.link;
    return {
      type: "link",
      index,
      name,
      mac: formatMacAddress(mac),
      hardwareType,
      ...(masterIndex === undefined ? {} : { masterIndex }),
    };
  }
  return "address" in event ? { ...event, address: formatIpAddress(event.address) } : { ...event };
}

function parse(bytes: Uint8Array): readonly NetlinkEvent[] {
  return parseNetlinkMessages(Buffer.from(bytes));
}

const GOLDEN = loadGolden<readonly Record<string, unknown>[]>("netlink");
const LINKS = fromHex(GOLDEN.find(({ name }) => name === "dump of links")!.hex);

describe("golden netlink dumps", () => {
  for (const golden of GOLDEN) {
    it(`${golden.name} (${golden.source})`, () => {
      expect(parse(fromHex(golden.hex)).map(toText)).toEqual(golden.decoded);
    });
  }
});

describe("parseNetlinkMessages", () => {
  test.prop([fc.constantFrom(...GOLDEN), anyMutations], { numRuns: 1000 })(
    "never throws on mutated octets",
    (golden, mutations) => {
      expect(Array.isArray(parse(mutate(fromHex(golden.hex), mutations)))).toBe(true);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 200 })])("never throws on random octets", bytes => {
    expect(Array.isArray(parse(bytes))).toBe(true);
  });

  it("reads a prefix as the whole messages in it", () => {
    const whole = parse(LINKS).length;
    let most = 0;
    for (let length = 0; length < LINKS.length; length += 1) {
      const count = parse(LINKS.subarray(0, length)).length;
      expect(count).toBeGreaterThanOrEqual(most);
      expect(count).toBeLessThan(whole);
      most = count;
    }
  });

  it("tells an error by its positive number", () => {
    const error = fromHex("14000000 0200 0000 01000000 00000000 ffffffff");
    expect(parse(error)).toEqual([{ type: "error", errno: 1 }]);
  });

  it("tells a link that is gone by its index", () => {
    const gone = fromHex(
      "20000000 1100 0000 00000000 00000000 0000 0100 04000000 00000000 00000000",
    );
    expect(parse(gone)).toEqual([{ type: "linkGone", index: 4 }]);
  });

  it("passes over what a bridge says about its ports", () => {
    const port = fromHex(
      "20000000 1100 0000 00000000 00000000 0700 0100 04000000 00000000 00000000",
    );
    expect(parse(port)).toEqual([]);
  });
});

describe("dump requests", () => {
  it("ask for links and for addresses", () => {
    expect(toHex(encodeLinkDump(1))).toBe(
      toHex(fromHex(`20000000 1200 0103 01000000 00000000 ${"00".repeat(16)}`)),
    );
    expect(toHex(encodeAddressDump(2))).toBe(
      toHex(fromHex(`18000000 1600 0103 02000000 00000000 ${"00".repeat(8)}`)),
    );
  });
});

describe("InterfaceTable", () => {
  const UP = 0x1 | 0x2 | 0x10000;

  function reasonOf(link: Partial<Extract<NetlinkEvent, { type: "link" }>["link"]>): string {
    const table = new InterfaceTable();
    table.exclude([/^docker.*/, /^lo$/]);
    const mac = new Uint8Array([2, 0, 0, 0, 0, 1]);
    table.apply({
      type: "link",
      link: { index: 7, name: "eth0", flags: UP, hardwareType: 1, mac, ...link },
    });
    return table.judge()[0]?.refusal ?? "usable";
  }

  it.each([
    ["an Ethernet interface with carrier", {}, "usable"],
    ["an excluded name", { name: "docker0" }, "excluded by configuration"],
    ["a name that only resembles an excluded one", { name: "lo1" }, "usable"],
    ["loopback hardware", { hardwareType: 772 }, "not Ethernet"],
    ["InfiniBand's long addresses", { mac: new Uint8Array(20) }, "not Ethernet"],
    ["a tunnel without address", { mac: new Uint8Array() }, "not Ethernet"],
    ["a bridge's port", { masterIndex: 2 }, "port of another interface"],
    ["an interface without ARP", { flags: UP | 0x80 }, "without ARP"],
    ["an interface without broadcast", { flags: UP & ~0x2 }, "without broadcast"],
    ["an interface that is down", { flags: UP & ~0x1 }, "down"],
    ["an interface without carrier", { flags: UP & ~0x10000 }, "no carrier"],
  ])("judges %s: %s", (_name, link, reason) => {
    expect(reasonOf(link)).toBe(reason);
  });

  it("knows the kernel's own interfaces from a dump, and forgets one that is gone", () => {
    const table = new InterfaceTable();
    for (const event of parse(LINKS)) table.apply(event);
    const judged = (): unknown => table.judge().map(({ name, refusal }) => [name, refusal]);
    expect(judged()).toEqual([
      ["lo", "not Ethernet"],
      ["br0", "down"],
      ["eth0p", "port of another interface"],
      ["eth0", undefined],
    ]);
    table.apply({ type: "linkGone", index: 4 });
    expect(table.judge().map(({ name }) => name)).toEqual(["lo", "br0", "eth0p"]);
    table.clear();
    expect(table.judge()).toEqual([]);
  });
});
