/** Planned moves lose nothing: restarts of speakers, drain and failback, under real traffic to real Pods. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nginx } from "../../../lab/demo-manifests";
import { Traffic, type TrafficResult } from "../../../lab/traffic";
import { SpeakerLab } from "./support";

const ADDRESS = "192.168.1.242";
/** `HERALD_LAB_REQUESTS=10000` for figures. */
const REQUESTS = Number(process.env["HERALD_LAB_REQUESTS"] ?? "500");
const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";

let world: SpeakerLab;
let order: readonly string[];

beforeAll(async () => {
  world = await SpeakerLab.up("moves");
  const { lab } = world;
  await lab.apply(nginx);
  const status = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: ADDRESS }] } } });
  const patch = ["patch", "service", "nginx", "--subresource=status", "--type=merge", "-p", status];
  await lab.kubectl(patch);
  await lab.kubectl(["rollout", "status", "deployment/nginx", "--timeout=60s"]);
  order = world.order(ADDRESS);
  await world.untilAnswers(ADDRESS, order[0] ?? "", 20_000);
  // The first connections meet services that are just being programmed.
  await during(() => Promise.resolve());
});

afterAll(() => world.lab.down());

/** Traffic during what happens. */
async function during(happen: () => Promise<void>): Promise<TrafficResult> {
  const traffic = await Traffic.start(world.lab, ADDRESS, REQUESTS);
  await happen();
  const result = await traffic.finish();
  console.log(JSON.stringify(result));
  return result;
}

async function restart(node: string): Promise<void> {
  const leaving = world.speakers.get(node);
  leaving?.kill("SIGTERM");
  expect(await leaving?.exited).toEqual({ status: 0, signal: undefined });
  world.start(node);
  await world.whenReady();
}

const NOTHING_LOST = { failed: 0, cut: 0, broken: 0, failures: [] };

/** No new connection failed; each move may have met one that was just set up. */
function expectMoves(result: TrafficResult, moves: number): void {
  expect(result.failed, result.failures.join()).toBe(0);
  expect(result.cut, result.failures.join()).toBeLessThanOrEqual(moves);
}

describe("planned moves", () => {
  it("of no address when the speaker that announces it restarts", async () => {
    const [first = ""] = order;
    const result = await during(() => restart(first));
    expect(result).toMatchObject(NOTHING_LOST);
    await world.untilAnswers(ADDRESS, first, 5_000);
  });

  it("of no address when all speakers restart, one after the other", async () => {
    const result = await during(async () => {
      for (const node of world.lab.nodes) await restart(node);
    });
    expect(result).toMatchObject(NOTHING_LOST);
    await world.untilAnswers(ADDRESS, order[0] ?? "", 5_000);
  });

  it("away from an excluded node and back after ten seconds fail no new connection", async () => {
    const [first = "", second = ""] = order;
    const result = await during(async () => {
      await world.lab.kubectl(["label", "node", first, `${EXCLUDE}=`]);
      await world.untilAnswers(ADDRESS, second, 5_000);
      await world.lab.kubectl(["label", "node", first, `${EXCLUDE}-`]);
      await world.untilAnswers(ADDRESS, first, 20_000);
    });
    // What stood open on the old node ends by the nature of the move.
    expectMoves(result, 2);
  });

  it("away from a cordoned node whose speaker ends, at once and without a failed new connection", async () => {
    const [first = "", second = ""] = order;
    await world.lab.kubectl(["cordon", first]);
    const result = await during(async () => {
      const leaving = world.speakers.get(first);
      leaving?.kill("SIGTERM");
      await world.untilAnswers(ADDRESS, second, 2_000);
      await leaving?.exited;
    });
    // What stood open on the old node ends by the nature of the move.
    expectMoves(result, 1);
    await world.lab.kubectl(["uncordon", first]);
  });

  it("away from a node that the default gateway answers no more, while it answers the others", async () => {
    const { lab } = world;
    const [first = "", second = ""] = order;
    // The speaker of the test before is gone, and the gateway has to be known to answer.
    world.start(first);
    await world.whenReady();
    await world.untilAnswers(ADDRESS, first, 20_000);
    await new Promise(resolve => setTimeout(resolve, 2_500));
    const rules = `table inet mute {
      chain input {
        type filter hook input priority 0
        ip saddr ${lab.host(first).ipv4} icmp type echo-request drop
      }
    }`;
    await lab.exec("gw", ["nft", "-f", "-"], { input: rules });
    const result = await during(async () => {
      await world.untilAnswers(ADDRESS, second, 15_000);
      await lab.exec("gw", ["nft", "delete", "table", "inet", "mute"]);
      await world.untilAnswers(ADDRESS, first, 25_000);
    });
    expectMoves(result, 2);
  });
});
