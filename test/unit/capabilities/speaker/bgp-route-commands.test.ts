import { describe, expect, it } from "vitest";
import { Drain } from "../../../../capabilities/speaker/bgp-drain";
import { toRoutesCommand } from "../../../../capabilities/speaker/bgp-route-commands";
import type { RouteValues } from "../../../../lib/announcement/route-attributes";
import type { PlannedRoute } from "../../../../lib/announcement/route-table";
import { parseIpPrefix } from "../../../../lib/net/ip-prefix";

const PLAIN: RouteValues = { communities: [1], largeCommunities: [] };
const localAsOf = (session: string): number => (session === "left" ? 64512 : 64513);

function route(key: string, values: RouteValues): PlannedRoute {
  const prefix = parseIpPrefix(key);
  if (!prefix.ok) throw new Error(key);
  return { prefix: prefix.value, key, values };
}

describe("toRoutesCommand", () => {
  it("names each attribute set once for all sessions", () => {
    const preferred = { ...PLAIN, localPreference: 200 };
    const announced = [
      route("192.0.2.1/32", PLAIN),
      route("192.0.2.2/32", { ...PLAIN }),
      route("192.0.2.3/32", preferred),
    ];
    const changes = ["left", "right"].map(peer => ({ peer, announced, withdrawn: ["a"] }));
    const both = [
      { attributes: 0, prefixes: ["192.0.2.1/32", "192.0.2.2/32"] },
      { attributes: 1, prefixes: ["192.0.2.3/32"] },
    ];
    expect(toRoutesCommand(changes, { localAsOf, sequence: 7 })).toEqual({
      type: "routes",
      sequence: 7,
      attributeSets: [PLAIN, preferred],
      changes: [
        { session: "left", withdrawn: ["a"], announced: both },
        { session: "right", withdrawn: ["a"], announced: both },
      ],
    });
  });

  it("turns a weight into link bandwidth under the AS of the session", () => {
    const announced = [route("192.0.2.1/32", { ...PLAIN, weight: 2 })];
    const changes = ["left", "right"].map(peer => ({ peer, announced, withdrawn: [] }));
    const sets = toRoutesCommand(changes, { localAsOf })?.attributeSets;
    expect(sets?.map(set => set.extendedCommunities?.map(value => value.toString(16)))).toEqual([
      ["4004fc004d6e6b28"],
      ["4004fc014d6e6b28"],
    ]);
  });

  it("asks for other paths when the node leaves (RFC 8326)", () => {
    const changes = [{ peer: "left", announced: [route("192.0.2.1/32", PLAIN)], withdrawn: [] }];
    expect(toRoutesCommand(changes, { localAsOf, isLeaving: true })?.attributeSets).toEqual([
      { ...PLAIN, localPreference: 0, communities: [1, 0xffff_0000] },
    ]);
  });

  it("is no command without changes", () => {
    expect(toRoutesCommand([], { localAsOf })).toBeUndefined();
  });
});

describe("Drain", () => {
  it("asks once, then carries on until the node is back", () => {
    const drain = new Drain();
    const steps = [false, true, true, true, false].map(isLeaving => drain.next(isLeaving));
    expect(steps).toEqual(["carryOn", "ask", "carryOn", "carryOn", "carryOn"]);
  });

  it("restores what was asked for when the node is back in time", () => {
    const drain = new Drain();
    expect([true, false, true].map(isLeaving => drain.next(isLeaving))).toEqual([
      "ask",
      "restore",
      "ask",
    ]);
  });
});
