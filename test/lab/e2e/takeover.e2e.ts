/** From a running MetalLB v0.15.2 to Herald in the same namespace: the address stays, and how long nobody answers is measured. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArpWatch } from "../../../lab/arp-watch";
import { poll } from "../../../lab/run";
import { ClientLoad } from "./client-load";
import { prepareMetalLB } from "./metallb";
import { ADDRESS, INSTALL_MANIFEST, NAMESPACE, pool, World } from "./world";

let world: World;

beforeAll(async () => {
  world = await World.up("e2e-takeover");
  const manifest = await prepareMetalLB(world.lab);
  await world.lab.apply(manifest);
  await rollout(["deployment/controller", "daemonset/speaker"]);
  // MetalLB is Ready before its webhook answers.
  const apply = async () =>
    (await world.kubectl(["apply", "-f", "-"], pool("first-pool", `${ADDRESS}/28`))).status === 0
      ? true
      : undefined;
  await poll(apply, { timeoutMs: 120_000, everyMs: 500, describe: () => "MetalLB takes no pool" });
  await world.exposeNginx();
  await world.answers();
});

afterAll(async () => {
  await world.down();
});

describe("taking over from MetalLB v0.15.2", () => {
  it("keeps the address and answers on", async () => {
    const watch = await ArpWatch.start(world.lab, ADDRESS);
    const load = ClientLoad.start(world.lab, ADDRESS);
    const applied = await world.kubectl(["apply", "-f", INSTALL_MANIFEST]);
    expect(applied.status).toBe(0);
    await rollout(["deployment/controller", "deployment/admission", "daemonset/speaker"]);
    await world.answers();
    const result = await load.stop();
    const frames = await watch.stop();
    console.log(
      `takeover: ${result.requests} requests, ${result.failures.length} failed, longest gap ${result.longestGapMs} ms`,
    );
    for (const frame of frames.filter(({ isReplyOf }) => isReplyOf !== undefined)) {
      console.log(`  ${new Date(frame.atMs).toISOString()} ${frame.text}`);
    }
    expect(result.requests - result.failures.length).toBeGreaterThan(100);
    const path = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    expect((await world.kubectl(["get", "service", "nginx", "-o", path])).stdout).toBe(ADDRESS);
  });

  it("leaves no Pod of MetalLB, and its webhooks are Herald's", async () => {
    const images = "jsonpath={.items[*].spec.containers[*].image}";
    const { stdout } = await world.kubectl(["get", "pods", "-n", NAMESPACE, "-o", images]);
    expect(stdout).not.toContain("quay.io/metallb");
    expect(await world.refusal()).toContain("denied the request");
    const accepted = await world.kubectl(["apply", "-f", "-"], pool("second", "192.168.1.230/32"));
    expect(accepted.stderr).not.toContain("failed calling webhook");
    expect(accepted.status).toBe(0);
  });
});

async function rollout(workloads: readonly string[]): Promise<void> {
  for (const workload of workloads) {
    const wait = ["rollout", "status", workload, "-n", NAMESPACE, "--timeout=120s"];
    expect((await world.kubectl(wait)).status, workload).toBe(0);
  }
}
