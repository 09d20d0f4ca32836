/** `npx pepr deploy -i IMAGE -y`, and nothing else: the controller adds what Pepr does not know. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { REPOSITORY } from "../../../lab/paths";
import { version } from "../../../package.json";
import { ADDRESS, NAMESPACE, pool, World } from "./world";

let world: World;

beforeAll(async () => {
  world = await World.up("e2e-pepr");
});

afterAll(async () => {
  await world.down();
});

describe("pepr deploy", () => {
  it("alone gives a load balancer", async () => {
    const deploy = ["npx", "pepr", "deploy", "-i", `herald:${version}`, "-y"];
    await world.lab.exec("cp", deploy, {
      cwd: join(REPOSITORY, "dist/pepr"),
      timeoutMs: 280_000,
    });
    for (const [workload, namespace] of [
      ["deployment/pepr-herald-watcher", "pepr-system"],
      ["deployment/pepr-herald", "pepr-system"],
      ["daemonset/speaker", NAMESPACE],
    ] as const) {
      const wait = ["rollout", "status", workload, "-n", namespace, "--timeout=120s"];
      expect((await world.kubectl(wait)).status, workload).toBe(0);
    }
    const accepted = await world.kubectl(["apply", "-f", "-"], pool("first-pool", `${ADDRESS}/28`));
    expect(accepted.status).toBe(0);
    await world.exposeNginx();
    await world.answers();
  });

  it("refuses a bad pool through Pepr's own Service", async () => {
    expect(await world.refusal()).toContain('"pepr-herald.pepr.dev" denied the request');
  });

  it("asks for nothing that it was not granted", () => {
    const refused = world.audited().filter(({ status }) => status === 403);
    expect(refused).toEqual([]);
  });
});
