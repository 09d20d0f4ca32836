/**
 * What the controller says about the configuration, with objects that no webhook has looked at; and the cases of Services with one
 * cluster IP and a dual-stack policy, which only an API server of one family stores.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { ConfigurationState } from "../../../lib/config/generated/resources";
import { A, B, C, D, E, POOL } from "./cases";
import { NAMESPACE, World, type StoredEvent } from "./world";

const STATE = `/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/configurationstates/controller`;

let w: World;

beforeAll(async () => {
  const apiServerArgs = ["--service-cluster-ip-range=10.96.0.0/16"];
  w = await World.start({ apiServerArgs });
});
afterAll(() => w.end());
beforeEach(() => w.clear());

async function untilState(result: string): Promise<ConfigurationState> {
  let state: ConfigurationState | undefined;
  await expect
    .poll(
      async () => {
        state = await w.client.get<ConfigurationState>(STATE);
        return state.status?.result;
      },
      { timeout: 15_000, interval: 50 },
    )
    .toBe(result);
  return state!;
}

it("ConfigurationState says Valid, Invalid with the reasons, and Valid again", async () => {
  await w.load([A]);
  const valid = await untilState("Valid");
  expect(valid.metadata.labels).toEqual({ "metallb.io/component-type": "controller" });
  expect(valid.status).toMatchObject({
    errorSummary: "",
    conditions: [{ type: "poolReconcilerValid", status: "True", reason: "Reconciled" }],
  });
  await w.create("s");
  await w.expect("s", ["1.2.3.0"], "a");
  await w.putPool({ ...A, addresses: ["1.2.3.0/99"] });
  await w.putPool({ name: "good", addresses: ["7.7.7.0/31"] });
  const invalid = await untilState("Invalid");
  expect(invalid.status?.errorSummary).toContain("1.2.3.0/99");
  expect(invalid.status?.conditions).toMatchObject([
    { type: "poolReconcilerValid", status: "False", reason: "ConfigurationError" },
  ]);
  // The slip costs nobody an address, and the other pool is in force.
  await w.create("t", { annotations: { [POOL]: "good" } });
  await w.expect("t", ["7.7.7.0"], "good");
  await w.expect("s", ["1.2.3.0"], "a");
  await w.controller.whenTold();
  const { items } = await w.client.get<{ items: StoredEvent[] }>(
    `/api/v1/namespaces/${NAMESPACE}/events`,
    { query: { fieldSelector: "involvedObject.name=a,reason=ConfigurationError" } },
  );
  expect(items.map(event => event.message).join("\n")).toContain("1.2.3.0/99");
  const metrics = await w.controller.metrics.registry.metrics();
  expect(metrics).toContain("metallb_k8s_client_config_stale_bool 1");
  await w.load([A]);
  await untilState("Valid");
  expect(await w.controller.metrics.registry.metrics()).toContain(
    "metallb_k8s_client_config_stale_bool 0",
  );
});

it("22: PreferDualStack with one cluster IP never flaps (D1)", async () => {
  await w.load([A, B, C, D, E]);
  await w.create("s", { policy: "PreferDualStack", annotations: { [POOL]: "e" } });
  await w.expect("s", ["5.5.5.0"], "e");
  for (let count = 0; count < 10; count += 1) expect(await w.secondReconcile()).toEqual([]);
  await w.expect("s", ["5.5.5.0"], "e");
});

it("a Service that an API server of one family cannot give two cluster IPs is refused there", async () => {
  // Case 23 needs RequireDualStack with one cluster IP, which no API server stores: it is a unit test.
  await expect(w.create("s", { policy: "RequireDualStack" })).rejects.toThrow(/RequireDualStack/);
});
