/**
 * What one more Service costs the speaker's main thread on layer 2, among a hundred and among ten thousand: from the mark to the
 * difference that the packet thread gets. Pure computing, no cluster: `npx tsx bench/layer2-changes.ts`.
 */
import pino from "pino";
import type { Clock } from "../capabilities/cluster/clock";
import { Announcer } from "../capabilities/speaker/announcer";
import type { SpeakerService } from "../capabilities/speaker/cluster-facts";
import {
  advertisement,
  node,
  pool,
  readyOn,
  service,
} from "../test/unit/lib/announcement/builders";
import { markdownTable, quantile } from "./statistics";

const SIZES = [100, 1_000, 10_000];
const CHANGES = 400;

/** Milliseconds that each of the changes took. */
function measure(services: number): readonly number[] {
  const known = new Map<string, SpeakerService>();
  const put = (index: number): string => {
    const key = `web/s${index}`;
    const ingressAddresses = [`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`];
    known.set(key, { ...service(key, { ingressAddresses }), uid: key });
    return key;
  };
  for (let index = 0; index < services; index += 1) put(index);
  let run: (() => void) | undefined;
  const clock: Clock = {
    nowMs: () => performance.now(),
    schedule(_delayMs, task) {
      run = task;
      return () => undefined;
    },
  };
  const endpoints = readyOn("node-a");
  const announcer = new Announcer({
    nodeName: "node-a",
    view: {
      services: () => known.values(),
      service: key => known.get(key),
      endpointsOf: () => endpoints,
      nodes: () =>
        ["node-a", "node-b", "node-c"].map(name => ({ ...node(name), internalAddresses: [] })),
      ipAddressPools: () => [pool("all", ["10.0.0.0/8"])],
      l2Advertisements: () => [advertisement("all")],
    },
    options: { loadBalancerClass: "", ignoreExcludeLabel: false },
    clock,
    log: pino({ level: "silent" }),
    announce: () => undefined,
    onPlanned: () => undefined,
    onConfiguration: () => undefined,
  });
  announcer.start();
  return Array.from({ length: CHANGES }, (_, index) => {
    const key = put(services + (index >> 1));
    if (index % 2 === 1) known.delete(key);
    const startMs = performance.now();
    announcer.mark({ type: "service", key });
    run?.();
    return performance.now() - startMs;
  }).slice(CHANGES / 2);
}

const rows = SIZES.map(size => {
  const tookMs = measure(size);
  const [p50 = 0, p99 = 0] = [0.5, 0.99].map(share => quantile(tookMs, share));
  return [String(size), p50.toFixed(3), p99.toFixed(3)];
});
console.log(markdownTable([["Services", "ms p50", "ms p99"], ...rows]));
