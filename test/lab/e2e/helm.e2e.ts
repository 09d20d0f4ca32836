/** The chart on real nodes: installed with MetalLB's values, tested, upgraded and rolled back under load, uninstalled. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureHelm } from "../../../lab/helm/helm";
import { REPOSITORY } from "../../../lab/paths";
import { ClientLoad } from "./client-load";
import { ADDRESS, CHART, NAMESPACE, pool, World } from "./world";

const VALUES = join(REPOSITORY, "test/kube/chart/values/metallb-0.15.2.yaml");
let world: World;
let helm: string;

beforeAll(async () => {
  helm = await ensureHelm();
  world = await World.up("e2e-helm");
});

afterAll(async () => {
  await world.down();
});

const release = (...argv: readonly string[]) => world.command([helm, ...argv, "-n", NAMESPACE]);
const wait = ["--wait", "--timeout=120s"];

describe("helm", () => {
  it("installs with MetalLB's own values: the first pool is accepted at the first try", async () => {
    const install = ["install", "metallb", CHART, "--create-namespace", "-f", VALUES];
    const { stdout } = await release(...install, "--set", "tests.address=192.168.1.230", ...wait);
    expect(stdout).toContain("What differs from what your values ask for");
    const accepted = await world.kubectl(["apply", "-f", "-"], pool("first-pool", `${ADDRESS}/28`));
    expect(accepted.status).toBe(0);
    await world.exposeNginx();
    await world.answers();
    expect(await world.refusal()).toContain("denied the request");
  });

  it("test makes a Service on the address it was given", async () => {
    // The Pod of a test that has gone well is removed, and its log with it.
    const { stdout } = await release("test", "metallb");
    expect(stdout).toMatch(/Phase:\s+Succeeded/);
    const { stdout: pods } = await world.kubectl([
      "get",
      "pods,svc,ipaddresspools",
      "-A",
      "-o",
      "name",
    ]);
    expect(pods).not.toMatch(/metallb-test|end-to-end-test/);
  });

  it("upgrades and rolls back under load: no request lost, no change refused", async () => {
    const load = ClientLoad.start(world.lab, ADDRESS);
    const changes = changing();
    const annotate = ["controller", "admission", "speaker"].flatMap(part => [
      "--set",
      `${part}.podAnnotations.generation=two`,
    ]);
    await release("upgrade", "metallb", CHART, "-f", VALUES, ...annotate, ...wait);
    await release("rollback", "metallb", "1", ...wait);
    const refused = await changes.stop();
    const result = await load.stop();
    console.log(
      `upgrade and rollback: ${result.requests} requests, longest gap ${result.longestGapMs} ms, ${refused.tried} changes`,
    );
    expect(result.failures).toEqual([]);
    expect(refused.failures).toEqual([]);
    expect(result.requests).toBeGreaterThan(100);
    expect(refused.tried).toBeGreaterThan(5);
  });

  it("uninstall leaves definitions and what users made, and nothing else", async () => {
    await release("uninstall", "metallb", ...wait);
    expect(await world.isClaimed()).toBe(false);
    expect((await world.kubectl(["get", "ipaddresspool", "-A", "-o", "name"])).stdout).toContain(
      "first-pool",
    );
    const kinds = ["clusterrole", "clusterrolebinding", "secret", "lease", "serviceaccount"];
    const webhooks = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];
    expect(await world.leftovers([...kinds, ...webhooks])).toEqual([]);
  });
});

/** Changes a pool again and again; admission sees every one. */
function changing(): {
  readonly stop: () => Promise<{ readonly tried: number; readonly failures: readonly string[] }>;
} {
  const failures: string[] = [];
  let tried = 0;
  let isEnding = false;
  const run = async (): Promise<void> => {
    while (!isEnding) {
      const text = pool("changing", `192.168.1.${200 + (tried % 20)}/32`);
      const { status, stderr } = await world.kubectl(["apply", "-f", "-"], text);
      if (status !== 0) failures.push(stderr);
      tried += 1;
    }
  };
  const ended = run();
  return {
    stop: async () => {
      isEnding = true;
      await ended;
      return { tried, failures };
    },
  };
}
