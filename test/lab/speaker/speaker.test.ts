/** Real speakers on three real nodes: who answers the client's ARP and NDP, and who after that one is gone. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArpWatch } from "../../../lab/arp-watch";
import { REPOSITORY } from "../../../lab/paths";
import { SpeakerLab } from "./support";

const WEB = { name: "web", address: "192.168.1.240" };
const WEB6 = { name: "web6", address: "fd00:1::f0" };
const LOCAL = { name: "local", address: "192.168.1.241" };

/** Silence of 500 ms, and what a busy machine adds. */
const FAILOVER_LIMIT_MS = 1_000;

let world: SpeakerLab;

beforeAll(async () => {
  world = await SpeakerLab.up("spk");
  const all = world.lab.nodes;
  await world.createService(WEB.name, { address: WEB.address, endpointsOn: all });
  await world.createService(WEB6.name, { address: WEB6.address, endpointsOn: all });
});

afterAll(() => world.lab.down());

/** Starts a speaker that was ended and waits until everything is as it was. */
async function restore(node: string): Promise<void> {
  world.start(node);
  await world.whenReady();
  const [first = ""] = world.order(WEB.address);
  await world.untilAnswers(WEB.address, first, 20_000);
  await world.untilStatusNames(WEB.name, first);
}

describe("three speakers", () => {
  it("answer ARP for an address from the node that the election names, and from no other", async () => {
    const [first = ""] = world.order(WEB.address);
    await world.untilAnswers(WEB.address, first, 10_000);
    for (let request = 0; request < 3; request += 1) {
      expect(await world.answers(WEB.address)).toEqual([first]);
    }
  });

  it("answer neighbour solicitations for an IPv6 address likewise", async () => {
    const [first = ""] = world.order(WEB6.address);
    await world.untilAnswers(WEB6.address, first, 10_000);
    expect(await world.answers(WEB6.address)).toEqual([first]);
  });

  it("answer for nothing that no Service has", async () => {
    expect(await world.answers("192.168.1.250")).toEqual([]);
    expect(await world.answers("fd00:1::fa")).toEqual([]);
  });

  it("write who announces: status, event, metric", async () => {
    const [first = ""] = world.order(WEB.address);
    await world.untilStatusNames(WEB.name, first);
    const { stdout: events } = await world.lab.kubectl([
      ...["get", "events", "--field-selector", `involvedObject.name=${WEB.name}`],
      ...["-o", "jsonpath={.items[*].message}"],
    ]);
    expect(events).toContain(`announcing from node "${first}" with protocol "layer2"`);
    const url = "http://127.0.0.1:9120/metrics";
    const { stdout: metrics } = await world.lab.exec(first, ["curl", "-s", url]);
    expect(metrics).toContain(
      `metallb_speaker_announced{service="default/web",protocol="layer2",node="${first}",ip="192.168.1.240"} 1`,
    );
    expect(metrics).toMatch(/metallb_layer2_responses_sent\{ip="192\.168\.1\.240"\} [1-9]/);
  });

  it("announce a Service of policy Local only where it has an endpoint", async () => {
    const last = world.order(LOCAL.address).at(-1) ?? "";
    await world.createService(LOCAL.name, {
      address: LOCAL.address,
      endpointsOn: [last],
      policy: "Local",
    });
    await world.untilAnswers(LOCAL.address, last, 10_000);
  });
});

describe("failover", () => {
  it("takes at most a second when the announcing speaker is killed", async () => {
    const [first = "", second = ""] = world.order(WEB.address);
    const watch = await ArpWatch.start(world.lab, WEB.address);
    const { mac } = world.lab.host(second);
    const announced = watch.next(
      frame => frame.text.includes(`tell ${WEB.address}`) || frame.isReplyOf === mac,
      5_000,
    );
    const killedMs = Date.now();
    world.speakers.get(first)?.kill("SIGKILL");
    const announcedMs = (await announced).atMs - killedMs;
    const answeredMs = await world.untilAnswers(WEB.address, second, 5_000);
    await watch.stop();
    console.log(
      `SIGKILL of the speaker of ${first}: ${second} announced after ${announcedMs.toFixed(0)} ms` +
        ` and answered ${answeredMs.toFixed(0)} ms later`,
    );
    expect(announcedMs).toBeLessThan(FAILOVER_LIMIT_MS);
    await world.untilStatusNames(WEB.name, second);
    await restore(first);
  });

  it("follows the order when a speaker leaves a cordoned node: it ends with 0 and takes its statuses away", async () => {
    const [first = "", second = ""] = world.order(WEB.address);
    await world.lab.kubectl(["cordon", first]);
    const leaving = world.speakers.get(first);
    leaving?.kill("SIGTERM");
    const tookMs = await world.untilAnswers(WEB.address, second, 5_000);
    console.log(
      `SIGTERM to the speaker of ${first}: ${second} answered after ${tookMs.toFixed(0)} ms`,
    );
    expect(tookMs).toBeLessThan(FAILOVER_LIMIT_MS);
    expect(await leaving?.exited).toEqual({ status: 0, signal: undefined });
    await world.untilStatusNames(WEB.name, second);
    await world.lab.kubectl(["uncordon", first]);
    await restore(first);
  });

  it("needs no API server", async () => {
    const [first = "", second = ""] = world.order(WEB.address);
    await world.lab.killPart("kube-apiserver");
    world.speakers.get(first)?.kill("SIGKILL");
    const tookMs = await world.untilAnswers(WEB.address, second, 5_000);
    expect(tookMs).toBeLessThan(FAILOVER_LIMIT_MS);
    world.lab.startPart("kube-apiserver");
    await world.lab.whenReady();
    await world.untilStatusNames(WEB.name, second, 30_000);
    await restore(first);
  });

  it("moves an address away from a node that is excluded from load balancing", async () => {
    const [first = "", second = ""] = world.order(WEB.address);
    const label = "node.kubernetes.io/exclude-from-external-load-balancers";
    await world.lab.kubectl(["label", "node", first, `${label}=`]);
    await world.untilAnswers(WEB.address, second, 5_000);
    await world.lab.kubectl(["label", "node", first, `${label}-`]);
    await world.untilAnswers(WEB.address, first, 20_000);
  });
});

describe("a start that cannot work", () => {
  const program = join(REPOSITORY, "dist/speaker.js");
  const start = (flags: readonly string[]) =>
    world.lab.exec("n1", [process.execPath, program, ...flags], {
      check: false,
      timeoutMs: 10_000,
    });

  it("says that the name of the Node is missing", async () => {
    const { status, stdout } = await start([]);
    expect(status).toBe(1);
    expect(stdout).toContain("--node-name or METALLB_NODE_NAME");
  });

  it("says what is wrong with a flag, and how flags are given", async () => {
    const { status, stdout } = await start(["--node-name=n1", "--ml-bindport=x"]);
    expect(status).toBe(2);
    expect(stdout).toContain("--ml-bindport=x: a whole number from 1 to 65535 is needed");
  });

  it("names the port that is taken, by the speaker that runs already", async () => {
    const { status, stdout } = await start(["--node-name=n1"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/port (9120|17472) cannot be opened: it is in use/);
  });

  it("names the secret that is missing", async () => {
    const { status, stdout } = await start(["--node-name=n1", "--ml-secret-key-path=/nowhere"]);
    expect(status).toBe(1);
    expect(stdout).toContain("/nowhere/secretkey");
  });
});
