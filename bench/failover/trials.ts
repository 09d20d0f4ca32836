/** What is done to the nodes, and what is measured of it. Each trial begins settled and leaves the stage to be settled again. */
import { Traffic, type TrafficResult } from "../../lab/traffic";
import { ADDRESS, pause, type Answer, type Stage } from "./stage";

/** Names of measurements → values of one trial. */
export type Figures = Readonly<Record<string, number>>;
export type Trial = (stage: Stage) => Promise<Figures>;

/** The peer needs about six seconds to notice, and up to thirty to agree again. */
const NOTICE_LIMIT_MS = 15_000;
const AGREE_LIMIT_MS = 40_000;
const EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers";
const HEARTBEAT_PORT = 7946;

/** How many requests the trials with traffic make at least. */
export const REQUESTS = Number(process.env["HERALD_BENCH_REQUESTS"] ?? "1000");

export const killed: Trial = async stage => {
  const tookMs = await untilOther(stage, () => stage.speakers.get(stage.first)?.kill("SIGKILL"));
  return { "speaker killed (-9): first answer from another node, ms": tookMs };
};

export const killedWithoutApi: Trial = async stage => {
  await stage.lab.killPart("kube-apiserver");
  const tookMs = await untilOther(stage, () => stage.speakers.get(stage.first)?.kill("SIGKILL"));
  stage.lab.startPart("kube-apiserver");
  await stage.lab.whenReady();
  return { "the same, API server down, ms": tookMs };
};

export const poweredOff: Trial = async stage => {
  const tookMs = await untilOther(stage, () => stage.lab.powerOff(stage.first));
  stage.speakers.delete(stage.first);
  await stage.lab.powerOn(stage.first);
  await stage.lab.whenReady();
  return { "two nodes, power off, ms": tookMs };
};

export const linkCut: Trial = async stage => {
  const cutMs = await untilOther(stage, () => stage.lab.cutCable(stage.first));
  await pause(2_000);
  let pluggedMs = 0;
  const answers = await stage.watch(async () => {
    await stage.lab.plugCable(stage.first);
    pluggedMs = Date.now();
    await stage.untilOwner(stage.first, AGREE_LIMIT_MS);
  });
  const since = answers.filter(({ atMs }) => atMs >= pluggedMs);
  return {
    "link down: first answer from another node, ms": cutMs,
    "link back: time with two owners, ms": doubleMs(since),
  };
};

export const restarted: Trial = async stage => {
  const result = await withTraffic(stage, async () => {
    for (const node of stage.lab.nodes) await restart(stage, node);
  });
  return named("all speakers restart (SIGTERM)", result);
};

export const drained: Trial = async stage => {
  const [first = "", second = ""] = stage.order;
  const result = await withTraffic(stage, async () => {
    await stage.lab.kubectl(["label", "node", first, `${EXCLUDE}=`]);
    await stage.untilOwner(second, AGREE_LIMIT_MS);
    await stage.lab.kubectl(["label", "node", first, `${EXCLUDE}-`]);
    await stage.untilOwner(first, AGREE_LIMIT_MS);
  });
  return named("node excluded and back", result);
};

export const portBlocked: Trial = async stage => {
  const rules = `table inet bench {
    chain input {
      type filter hook input priority 0
      udp dport ${HEARTBEAT_PORT} drop
      tcp dport ${HEARTBEAT_PORT} drop
    }
  }`;
  for (const node of stage.lab.nodes) {
    await stage.lab.exec(node, ["nft", "-f", "-"], { input: rules });
  }
  await pause(NOTICE_LIMIT_MS);
  const answers = await stage.watch(() => pause(2_000));
  for (const node of stage.lab.nodes) {
    await stage.lab.exec(node, ["nft", "delete", "table", "inet", "bench"]);
  }
  await stage.untilOwner(stage.first, 2 * AGREE_LIMIT_MS);
  return { "heartbeat port blocked: owners": new Set(answers.map(({ node }) => node)).size };
};

/** Milliseconds from what happens to the first answer of another node; the limit when there was none. */
async function untilOther(stage: Stage, happen: () => unknown): Promise<number> {
  let startMs = 0;
  const { first } = stage;
  const answers = await stage.watch(async () => {
    await pause(200);
    startMs = Date.now();
    await happen();
    const endMs = startMs + NOTICE_LIMIT_MS;
    while (Date.now() < endMs && !(await stage.owners()).some(node => node !== first)) {
      await pause(20);
    }
  });
  const other = answers.find(({ atMs, node }) => atMs >= startMs && node !== first);
  return other === undefined ? NOTICE_LIMIT_MS : other.atMs - startMs;
}

async function restart(stage: Stage, node: string): Promise<void> {
  await stage.speakers.get(node)?.stop();
  stage.start(node);
  await pause(4_000);
}

async function withTraffic(stage: Stage, happen: () => Promise<void>): Promise<TrafficResult> {
  const traffic = await Traffic.start(stage.lab, ADDRESS, REQUESTS);
  await happen();
  return traffic.finish();
}

function named(what: string, { requests, failed, cut, broken }: TrafficResult): Figures {
  return {
    [`${what}: requests`]: requests,
    [`${what}: failed new connections`]: failed,
    [`${what}: cut while open`]: cut,
    [`${what}: broken of 5 kept connections`]: broken,
  };
}

const WINDOW_MS = 25;

/** The time in which two nodes answered, in steps of two and a half questions. */
function doubleMs(answers: readonly Answer[]): number {
  const windows = new Map<number, Set<string>>();
  for (const { atMs, node } of answers) {
    const window = Math.floor(atMs / WINDOW_MS);
    const nodes = windows.get(window);
    if (nodes) nodes.add(node);
    else windows.set(window, new Set([node]));
  }
  // One hand-over falls into some window, and is no double ownership.
  const double = [...windows.values()].filter(nodes => nodes.size > 1).length;
  return Math.max(0, double - 1) * WINDOW_MS;
}
