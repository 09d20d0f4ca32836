import { describe, expect, it } from "vitest";
import { readConfiguration } from "../../../../capabilities/admission/configuration-reader";
import { toNodeInfo } from "../../../../capabilities/cluster/configuration-facts";
import type { ApiReader, RequestOptions } from "../../../../capabilities/cluster/api-client";
import { ApiError } from "../../../../capabilities/cluster/api-error";

const own = "/apis/metallb.io/v1beta1/namespaces/here";
const paths = [
  `${own}/ipaddresspools`,
  `${own}/l2advertisements`,
  `${own}/bgpadvertisements`,
  "/apis/metallb.io/v1beta2/namespaces/here/bgppeers",
  `${own}/bfdprofiles`,
  `${own}/communities`,
  "/api/v1/nodes",
  "/api/v1/namespaces",
  "/apis/networking.k8s.io/v1/servicecidrs",
];

/** A reader that answers each path with one object named after it, and fails as told. */
function reader(fail: (path: string, attempt: number) => Error | undefined): {
  readonly asked: string[];
  readonly metadataOnly: string[];
  readonly client: ApiReader;
} {
  const asked: string[] = [];
  const metadataOnly: string[] = [];
  const get = (path: string, options: RequestOptions = {}): Promise<unknown> => {
    asked.push(path);
    if (options.accept !== undefined) metadataOnly.push(path);
    const error = fail(path, asked.filter(other => other === path).length);
    const metadata = { name: path.split("/").at(-1), labels: { zone: "a" } };
    return error ? Promise.reject(error) : Promise.resolve({ items: [{ metadata }] });
  };
  const stream = () => Promise.reject(new Error("no watch is needed"));
  return { asked, metadataOnly, client: { get, stream } as ApiReader };
}

function refused(status: number): ApiError {
  return new ApiError(`the server said ${status}`, { code: "status", status });
}

describe("readConfiguration", () => {
  it("lists every kind that a rule may look at, ours in our namespace alone", async () => {
    const { asked, client } = reader(() => undefined);
    const resources = await readConfiguration(client, "here");
    expect([...asked].sort()).toEqual([...paths].sort());
    expect(resources.ipAddressPools).toMatchObject([{ metadata: { name: "ipaddresspools" } }]);
    expect(resources.nodes).toMatchObject([{ name: "nodes", labels: { zone: "a" } }]);
    expect(resources.namespaces).toEqual([{ name: "namespaces", labels: { zone: "a" } }]);
  });

  it("asks for the metadata alone of what it only needs the labels of", async () => {
    const { metadataOnly, client } = reader(() => undefined);
    await readConfiguration(client, "here");
    expect(metadataOnly).toEqual(["/api/v1/namespaces"]);
  });

  it("takes from a node what a pool must not overlap: its addresses, not its name, and its Pods' networks", () => {
    const addresses = [
      { type: "InternalIP", address: "192.168.1.11" },
      { type: "ExternalIP", address: "203.0.113.7" },
      { type: "Hostname", address: "n1" },
    ];
    const node = {
      metadata: { name: "n1" },
      spec: { podCIDRs: ["10.244.1.0/24"] },
      status: { addresses },
    };
    expect(toNodeInfo(node)).toEqual({
      name: "n1",
      labels: {},
      addresses: ["192.168.1.11", "203.0.113.7"],
      podCidrs: ["10.244.1.0/24"],
    });
  });

  it("reads an empty list of metadata, which has null for its items", async () => {
    const client = { get: () => Promise.resolve({ items: null }) } as unknown as ApiReader;
    expect((await readConfiguration(client, "here")).nodes).toEqual([]);
  });

  it.each([429, 503])(
    "asks again when the server says %d, as it does of new kinds",
    async status => {
      const { asked, client } = reader((path, attempt) =>
        path === `${own}/communities` && attempt === 1 ? refused(status) : undefined,
      );
      const resources = await readConfiguration(client, "here");
      expect(resources.communities).toHaveLength(1);
      expect(asked.filter(path => path === `${own}/communities`)).toHaveLength(2);
    },
  );

  it.each([403, 404])("reads no ServiceCIDRs where the server says %d", async status => {
    const { client } = reader(path => (path.endsWith("cidrs") ? refused(status) : undefined));
    expect((await readConfiguration(client, "here")).serviceCidrs).toEqual([]);
  });

  it.each([403, 404, 500])("does not ask again when the server says %d", async status => {
    const { asked, client } = reader(path =>
      path === `${own}/bfdprofiles` ? refused(status) : undefined,
    );
    await expect(readConfiguration(client, "here")).rejects.toThrow(`the server said ${status}`);
    expect(asked.filter(path => path === `${own}/bfdprofiles`)).toHaveLength(1);
  });
});
