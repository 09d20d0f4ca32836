/**
 * The schemas of crds/ as the API server applies them: the cases of the rule index once more, by server-side dry run without any
 * webhook, and what only a server can judge: comparisons with the stored object, statuses, both versions of BGPPeer.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiError } from "../../../capabilities/cluster/api-error";
import { bgpPeer, ipAddressPool, metadata, NAMESPACE, untyped } from "../../support/resources";
import { RULE_CASES, type RuleCase } from "../../unit/lib/config/rule-cases";
import { startTestCluster, type TestCluster } from "../cluster/support";

/** The rules that the schema alone decides. */
const SCHEMA_RULES = ["V-S1", "V-S2", "V-S3", "V-S4", "V-S5", "V-S6", "V-S7", "V-S8", "V-S10"];

const KINDS = {
  ipAddressPools: { kind: "IPAddressPool", plural: "ipaddresspools", version: "v1beta1" },
  l2Advertisements: { kind: "L2Advertisement", plural: "l2advertisements", version: "v1beta1" },
  bgpAdvertisements: { kind: "BGPAdvertisement", plural: "bgpadvertisements", version: "v1beta1" },
  bgpPeers: { kind: "BGPPeer", plural: "bgppeers", version: "v1beta2" },
  bfdProfiles: { kind: "BFDProfile", plural: "bfdprofiles", version: "v1beta1" },
  communities: { kind: "Community", plural: "communities", version: "v1beta1" },
} as const;

interface Header {
  readonly apiVersion: string;
  readonly kind: string;
}

interface Stored {
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  await cluster.server.kubectl(["create", "namespace", NAMESPACE]);
  await cluster.server.kubectl(["apply", "-f", "crds"]);
  const names = Object.values(KINDS).map(({ plural }) => `crd/${plural}.metallb.io`);
  await cluster.server.kubectl(["wait", "--for=condition=Established", ...names]);
});

afterAll(async () => {
  await cluster.end();
});

function path(plural: string, version = "v1beta1"): string {
  return `/apis/metallb.io/${version}/namespaces/${NAMESPACE}/${plural}`;
}

/** What the server says against it; empty when it accepts. */
async function objection(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "";
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return error.message;
    throw error;
  }
}

async function dryRuns({ resources }: RuleCase): Promise<string[]> {
  const objections: string[] = [];
  for (const [list, { kind, plural, version }] of Object.entries(KINDS)) {
    const objects = (resources[list as keyof typeof KINDS] ?? []) as readonly unknown[];
    for (const object of objects as readonly Partial<Header>[]) {
      const given = { apiVersion: `metallb.io/${version}`, kind, ...object };
      const served = given.apiVersion.replace("metallb.io/", "");
      const attempt = cluster.client.post(path(plural, served), given, {
        query: { dryRun: "All" },
      });
      objections.push(await objection(attempt));
    }
  }
  return objections.filter(text => text !== "");
}

const withoutChange = (cases: readonly RuleCase[]): [string, RuleCase][] =>
  cases.filter(({ change }) => change === undefined).map(item => [item.what, item]);

describe.each(SCHEMA_RULES)("%s", rule => {
  it.each(withoutChange(RULE_CASES[rule]!.refused))("refuses: %s", async (_what, item) => {
    expect(await dryRuns(item)).not.toEqual([]);
  });
});

describe.each(Object.entries(RULE_CASES))("%s", (_rule, { accepted }) => {
  it("accepts every object that Herald accepts", async () => {
    for (const [what, item] of withoutChange(accepted)) {
      expect(await dryRuns(item), what).toEqual([]);
    }
  });
});

async function create(plural: string, object: object, version?: string): Promise<Stored> {
  return cluster.client.post<Stored>(path(plural, version), object);
}

async function patch(where: string, body: object): Promise<string> {
  const contentType = "application/merge-patch+json";
  return objection(cluster.client.patch(where, body, { contentType }));
}

describe("BGPPeer", () => {
  it("does not let enableGracefulRestart be changed, absent meaning false (V-S9)", async () => {
    await create("bgppeers", bgpPeer("on", { enableGracefulRestart: true }), "v1beta2");
    await create("bgppeers", bgpPeer("absent"), "v1beta2");
    const set = (name: string, enableGracefulRestart: boolean | null): Promise<string> =>
      patch(`${path("bgppeers", "v1beta2")}/${name}`, { spec: { enableGracefulRestart } });
    expect(await set("on", false)).toContain("cannot be changed on an existing peer");
    expect(await set("on", null)).toContain("cannot be changed on an existing peer");
    expect(await set("absent", true)).toContain("cannot be changed on an existing peer");
    expect(await set("absent", false)).toBe("");
    expect(await set("on", true)).toBe("");
  });

  it("is read in the other version with the fields that both have", async () => {
    const spec = { myASN: 64500, peerASN: 64501, peerAddress: "10.0.0.9", holdTime: "90s" };
    const apiVersion = "metallb.io/v1beta1";
    await create(
      "bgppeers",
      { apiVersion, kind: "BGPPeer", metadata: metadata("old"), spec },
      "v1beta1",
    );
    const read = (name: string, version: string): Promise<Stored> =>
      cluster.client.get<Stored>(`${path("bgppeers", version)}/${name}`);
    expect((await read("old", "v1beta2")).spec).toMatchObject({ ...spec, peerPort: 179 });
    await create("bgppeers", bgpPeer("new", { vrf: "red", peerPort: 1179 }), "v1beta2");
    const old = (await read("new", "v1beta1")).spec;
    expect(old).toMatchObject({ peerAddress: "10.0.0.1", peerPort: 1179 });
    expect(old).not.toHaveProperty("vrf");
  });

  it("warns about the old version", async () => {
    const { stderr } = await cluster.server.kubectl(["get", "bgppeers.v1beta1.metallb.io", "-A"]);
    expect(stderr).toContain("use metallb.io/v1beta2");
  });
});

describe("statuses", () => {
  it("need all four counters of a pool (V-S1)", async () => {
    await create("ipaddresspools", ipAddressPool("counted", ["fd00::/64"]));
    const where = `${path("ipaddresspools")}/counted/status`;
    expect(await patch(where, { status: { assignedIPv4: 1 } })).toContain("Required");
    const zeros = { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 0 };
    expect(await patch(where, { status: { ...zeros, availableIPv6: 5 } })).toBe("");
  });

  describe.each([
    ["ServiceL2Status", "servicel2statuses"],
    ["ServiceBGPStatus", "servicebgpstatuses"],
  ])("%s", (kind, plural) => {
    it("keeps node and Service once they are set (V-S11)", async () => {
      const apiVersion = "metallb.io/v1beta1";
      await create(plural, { apiVersion, kind, metadata: metadata("one"), spec: {} });
      const where = `${path(plural)}/one/status`;
      const status = { node: "a", serviceName: "web", serviceNamespace: "default" };
      expect(await patch(where, { status })).toBe("");
      for (const field of Object.keys(status)) {
        expect(await patch(where, { status: { [field]: "other" } })).toContain("cannot be changed");
      }
    });
  });

  it("of ConfigurationState have a known result and whole conditions (V-S12)", async () => {
    const head = { apiVersion: "metallb.io/v1beta1", kind: "ConfigurationState" };
    await create("configurationstates", { ...head, metadata: metadata("controller") });
    const where = `${path("configurationstates")}/controller/status`;
    const condition = {
      type: "poolReconcilerValid",
      status: "True",
      reason: "Reconciled",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    const withoutReason = { ...condition, reason: undefined };
    expect(await patch(where, { status: { result: "Broken" } })).toContain("Unsupported value");
    expect(await patch(where, { status: { conditions: [withoutReason] } })).toContain("Required");
    const odd = { ...condition, reason: "a b" };
    expect(await patch(where, { status: { conditions: [odd] } })).toContain("should match");
    expect(await patch(where, { status: { result: "Valid", conditions: [condition] } })).toBe("");
  });
});

it("shows the columns of each kind", async () => {
  const { stdout } = await cluster.server.kubectl(["get", "ipaddresspools", "-n", NAMESPACE]);
  expect(stdout.split("\n")[0]).toMatch(/^NAME +AUTO ASSIGN +AVOID BUGGY IPS +ADDRESSES .*AGE$/);
});

it("refuses a misspelt field when asked to be strict", async () => {
  const misspelt = { ...ipAddressPool("x", ["192.0.2.0/24"]), spec: untyped({ adresses: [] }) };
  const attempt = cluster.client.post(path("ipaddresspools"), misspelt, {
    query: { fieldValidation: "Strict" },
  });
  await expect(attempt).rejects.toThrow(/unknown field "spec.adresses"/);
});
