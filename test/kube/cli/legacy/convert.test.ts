/** `kubectl herald convert` against a cluster whose controller follows the ConfigMap. */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { runConvert } from "../../../../cli/convert";
import { LegacyWorld } from "../../controller/legacy/world";

let w: LegacyWorld;
beforeAll(async () => {
  w = await LegacyWorld.start();
});
beforeEach(() => w.startController());
afterEach(async () => {
  await w.stopController();
  await w.clear();
});
afterAll(() => w.end());

interface Run {
  readonly exit: number;
  readonly out: string;
  readonly error: string;
}

async function convert(argv: readonly string[], input = ""): Promise<Run> {
  const written = { out: "", error: "" };
  const exit = await runConvert(argv, {
    env: { KUBECONFIG: w.cluster.server.kubeconfigPath },
    isColoured: false,
    write: text => (written.out += text),
    writeError: text => (written.error += text),
    readStandardInput: () => Promise.resolve(Buffer.from(input)),
  });
  return { exit, ...written };
}

const CONFIG = `
address-pools:
- name: my_pool
  protocol: layer2
  addresses: [192.168.1.240-192.168.1.250]
`;

it("makes the resources the user's own without a change for anybody, and the ConfigMap can go", async () => {
  await w.configMap(CONFIG);
  await w.service("s");
  await w.expectAddress("s", "192.168.1.240");
  const before = await w.list("pools");
  const dry = await convert(["--live"]);
  expect(dry).toMatchObject({ exit: 0 });
  expect(dry.error).toContain("unchanged  IPAddressPool/my-pool");
  expect(dry.error).toContain("ns1/s 192.168.1.240 in my-pool");
  expect(dry.error).toContain("No Service changes its address (1 looked at).");
  expect(dry.out).toContain("metallb.io/legacy-name: my_pool");

  expect(await convert(["--live", "--apply"])).toMatchObject({ exit: 0 });
  const after = await w.list("pools");
  expect(after.map(({ spec }) => spec)).toEqual(before.map(({ spec }) => spec));
  expect(after[0]?.metadata.labels).toBeUndefined();
  expect(after[0]?.metadata.annotations).toEqual({ "metallb.io/legacy-name": "my_pool" });
  expect(await convert(["--live"])).toMatchObject({ exit: 2 });
  // Edits of the retired ConfigMap mean nothing, and a resource that is deleted stays deleted.
  await w.configMap(CONFIG.replace("250", "254"));
  await w.delete("l2", "l2advertisement1");
  await w.stopController();
  await w.startController();
  await w.expectObjects("l2", {});
  expect((await w.list("pools")).map(({ spec }) => spec)).toEqual(before.map(({ spec }) => spec));
  await w.deleteConfigMap();
  await w.service("t", { annotations: { "metallb.universe.tf/address-pool": "my_pool" } });
  await w.expectAddress("t", "192.168.1.241");
  expect(await w.addressOf("s")).toBe("192.168.1.240");
});

it("writes nothing when a Service would lose its address", async () => {
  await w.create("pools", "mine", { addresses: ["10.0.0.0/24"] });
  await w.service("s");
  await w.expectAddress("s", "10.0.0.0");
  await w.stopController();
  await w.configMap("address-pools: [{name: other, protocol: layer2, addresses: [10.0.0.0/25]}]");
  const run = await convert(["--live", "--apply"]);
  expect(run.exit).toBe(1);
  expect(run.error).toContain("mine");
  expect((await w.list("pools")).map(({ metadata }) => metadata.name)).toEqual(["mine"]);
});

it("applies a file, and says in JSON what it did not do", async () => {
  const manifest = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "config", namespace: "metallb-system" },
    data: { config: CONFIG },
  });
  expect(await convert(["-f", "-", "--apply"], manifest)).toMatchObject({ exit: 0 });
  expect((await w.list("pools")).map(({ metadata }) => metadata.name)).toEqual(["my-pool"]);
  const broken = manifest.replace("layer2", "l2").replace("my_pool", "my-pool");
  const run = await convert(["-f", "-", "-o", "json"], broken);
  expect(run.exit).toBe(1);
  expect(JSON.parse(run.out)).toMatchObject({
    formatVersion: 1,
    exitCode: 1,
    resources: [],
    problems: [{ severity: "refuse", rule: "H-F3", field: "address-pools[0].protocol" }],
  });
});

it("says what is wrong with the command line, and what its exit codes are", async () => {
  for (const argv of [[], ["-f", "x", "--live"], ["--from", "x", "-f", "y"], ["--nonsense"]]) {
    expect(await convert(argv)).toMatchObject({ exit: 2, out: "" });
  }
  const help = await convert(["--help"]);
  expect(help.exit).toBe(0);
  const page = readFileSync("docs/convert.md", "utf8");
  for (const flag of help.out.match(/--[a-z]+/g) ?? []) expect(page).toContain(flag);
});
