import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { judgeManifests } from "../../../cli/judge";
import type { ConfigurationResources } from "../../../lib/config/resources";
import {
  bgpPeer,
  createdAt,
  ipAddressPool,
  l2Advertisement,
  NAMESPACE,
} from "../../support/resources";
import { documents, read } from "./support";

/** Severity, rule, object and line of each finding. */
function judge(objects: readonly object[], live?: ConfigurationResources): readonly string[] {
  const { manifests } = read(documents(...objects.map(object => stringify(object))));
  return judgeManifests(manifests, { namespace: NAMESPACE, ...(live && { live }) }).map(
    ({ severity, problem, position }) =>
      `${severity} ${problem.rule} ${problem.object.name} ${position?.line ?? "-"}`,
  );
}

const OLD = createdAt(ipAddressPool("old", ["192.0.2.0/25"]), 1);
const NEW = createdAt(ipAddressPool("new", ["192.0.2.128/25"]), 2);
const ALL = l2Advertisement("all");

describe("files by themselves", () => {
  it("warn about what waits for another object, as admission does", () => {
    const waiting = bgpPeer("router", { bfdProfile: "absent" });
    expect(judge([waiting])).toEqual(["warn V-P19 router 10"]);
  });

  it("refuse what no new object may be", () => {
    const selector = { matchLabels: { a: "b" } };
    const peer = bgpPeer("router", { nodeSelectors: [selector, selector] });
    expect(judge([peer])[0]).toMatch(/^refuse V-P13 router \d+$/);
  });

  it("blame the later of two, as when they are applied one after the other", () => {
    const clash = ipAddressPool("clash", ["192.0.2.0/24"]);
    const [one, other] = [judge([OLD, clash, ALL]), judge([ALL, clash, OLD])];
    expect(one).toEqual(["refuse V-L4 clash 18"]);
    expect(other).toEqual(["refuse V-L4 old 25"]);
  });
});

describe("against a cluster", () => {
  it("blames the changed object, however old it is", () => {
    const live = { ipAddressPools: [OLD, NEW], l2Advertisements: [ALL] };
    expect(judge([ipAddressPool("old", ["192.0.2.0/24"])], live)).toEqual(["refuse V-L4 new 4"]);
  });

  it("says nothing about what was wrong before and stays as it is", () => {
    const broken = createdAt(ipAddressPool("broken", ["192.0.2.0/26"]), 3);
    const live = { ipAddressPools: [OLD, broken], l2Advertisements: [ALL] };
    expect(judge([ipAddressPool("other", ["10.0.0.0/24"])], live)).toEqual([]);
    expect(judge([ipAddressPool("old", ["192.0.2.0/25"])], live)).toEqual([]);
  });

  it("compares with the stored object (V-S9)", () => {
    const live = { bgpPeers: [bgpPeer("router")] };
    const changed = bgpPeer("router", { enableGracefulRestart: true });
    expect(judge([changed], live)).toEqual([expect.stringMatching(/^refuse V-S9 router \d+$/)]);
    expect(judge([bgpPeer("router")], live)).toEqual([]);
  });

  it("names the pool whose addresses Services would lose (V-X6)", () => {
    const services = [{ namespace: "default", name: "web", addresses: ["192.0.2.100"] }];
    const live = { ipAddressPools: [OLD, NEW], l2Advertisements: [ALL], services };
    const changed = [
      ipAddressPool("old", ["192.0.2.0/26"]),
      ipAddressPool("new", ["192.0.2.128/26"]),
    ];
    expect(judge(changed, live)).toEqual(["warn V-X6 old 4"]);
  });
});
