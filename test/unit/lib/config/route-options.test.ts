import { describe, expect, it } from "vitest";
import { checkConfiguration } from "../../../../lib/config/check";
import type { BgpAdvertisementConfig } from "../../../../lib/config/configuration";
import type { BGPAdvertisementSpec } from "../../../../lib/config/generated/resources";
import { bgpAdvertisement, pool } from "../announcement/builders";

function check(...specs: BGPAdvertisementSpec[]) {
  return checkConfiguration({
    ipAddressPools: [pool("first", ["192.0.2.0/24"])],
    bgpAdvertisements: specs.map((spec, index) => bgpAdvertisement(`a${index}`, spec)),
    communities: [
      {
        metadata: { name: "aliases", namespace: "metallb-system" },
        spec: { communities: [{ name: "colour", value: "64512:7" }] },
      },
    ],
  });
}

const read = (spec: BGPAdvertisementSpec): BgpAdvertisementConfig | undefined =>
  check(spec).configuration.bgpAdvertisements[0];

describe("options of a BGPAdvertisement that MetalLB does not have", () => {
  it("are absent unless they are set", () => {
    const config = read({});
    const names = [
      ...["multiExitDisc", "asPathPrepend", "isBackup", "isWeightedByEndpoints"],
      "serviceAttributes",
    ];
    for (const name of names) expect(config).not.toHaveProperty(name);
  });

  it("are taken over", () => {
    const spec = { multiExitDisc: 0, asPathPrepend: 3, backup: true, weightByEndpoints: true };
    expect(read(spec)).toMatchObject({
      multiExitDisc: 0,
      asPathPrepend: 3,
      isBackup: true,
      isWeightedByEndpoints: true,
    });
  });

  it.each([{ asPathPrepend: 11 }, { multiExitDisc: 4294967296 }, { multiExitDisc: -1 }])(
    "refuse %o",
    spec => {
      expect(check(spec).configuration.bgpAdvertisements).toEqual([]);
    },
  );
});

describe("serviceAttributes", () => {
  const serviceSelectors = [{ matchLabels: { tier: "gold" } }];

  it("have aliases looked up, and only what they name", () => {
    const entry = { serviceSelectors, localPref: 300, communities: ["colour"] };
    expect(read({ serviceAttributes: [entry] })?.serviceAttributes).toEqual([
      {
        serviceSelectors: [
          expect.objectContaining({
            requirements: [{ key: "tier", operator: "In", values: ["gold"] }],
          }),
        ],
        localPref: 300,
        communities: [{ type: "standard", high: 64512, low: 7 }],
      },
    ]);
  });

  it("are refused with the field that is wrong", () => {
    const { problems } = check({
      serviceAttributes: [
        { serviceSelectors },
        { serviceSelectors: [{ matchLabels: { "?": "x" } }], communities: ["1:2:3"] },
      ],
    });
    expect(problems.map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        "spec.serviceAttributes[1].communities[0]",
        expect.stringMatching(/^spec\.serviceAttributes\[1\]\.serviceSelectors\[0\]/),
      ]),
    );
  });
});

describe("a backup", () => {
  it("is in no conflict with an advertisement of another localPref (V-G15)", () => {
    const specs = [{ localPref: 100 }, { localPref: 50, backup: true }];
    const { configuration, problems } = check(...specs);
    expect(configuration.bgpAdvertisements).toHaveLength(2);
    expect(problems.filter(({ rule }) => rule === "V-G15")).toEqual([]);
    expect(check({ localPref: 100 }, { localPref: 50 }).problems).toContainEqual(
      expect.objectContaining({ rule: "V-G15" }),
    );
  });
});
