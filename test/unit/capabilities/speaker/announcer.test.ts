import pino from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../../capabilities/cluster/clock";
import { Announcer } from "../../../../capabilities/speaker/announcer";
import type { SpeakerNode, SpeakerService } from "../../../../capabilities/speaker/cluster-facts";
import type { ClusterView } from "../../../../capabilities/speaker/cluster-state";
import type { AnnouncementEntry } from "../../../../lib/announcement/plan-announcements";
import type { EndpointSummary } from "../../../../lib/announcement/snapshot";
import type { IPAddressPool, L2Advertisement } from "../../../../lib/config/generated/resources";
import { advertisement, node, pool, readyOn, service } from "../../lib/announcement/builders";

/** A clock that runs only what is due when it is told so. */
class ManualClock implements Clock {
  #nowMs = 0;
  #tasks: { dueMs: number; task: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter(other => other !== entry);
    };
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#tasks.filter(entry => entry.dueMs <= this.#nowMs);
    this.#tasks = this.#tasks.filter(entry => !due.includes(entry));
    for (const { task } of due) task();
  }
}

class World implements ClusterView {
  serviceMap = new Map<string, SpeakerService>();
  endpointMap = new Map<string, EndpointSummary>();
  nodeList: SpeakerNode[] = ["node-a", "node-b", "node-c"].map(name => ({
    ...node(name),
    internalAddresses: [],
  }));
  pools: IPAddressPool[] = [pool("first", ["192.0.2.0/24"])];
  advertisements: L2Advertisement[] = [advertisement("all")];

  services = () => this.serviceMap.values();
  service = (key: string) => this.serviceMap.get(key);
  endpointsOf = (key: string) => this.endpointMap.get(key) ?? readyOn();
  nodes = () => this.nodeList;
  ipAddressPools = () => this.pools;
  l2Advertisements = () => this.advertisements;

  put(key: string, address: string): void {
    this.serviceMap.set(key, { ...service(key, { ingressAddresses: [address] }), uid: key });
    this.endpointMap.set(key, readyOn("node-a"));
  }
}

let world: World;
let clock: ManualClock;
let announced: (readonly AnnouncementEntry[])[];
let planned: string[][];
let stale: boolean[];
let announcer: Announcer;

beforeEach(() => {
  world = new World();
  world.put("web/a", "192.0.2.10");
  clock = new ManualClock();
  announced = [];
  planned = [];
  stale = [];
  announcer = new Announcer({
    nodeName: "node-a",
    view: world,
    options: { loadBalancerClass: "", ignoreExcludeLabel: false },
    clock,
    log: pino({ level: "silent" }),
    announce: entries => announced.push(entries),
    onPlanned: keys => planned.push([...keys].sort()),
    onConfiguration: verdict => stale.push(verdict.isStale),
  });
});

const addresses = (): string[] => (announced.at(-1) ?? []).map(entry => entry.address);

describe("Announcer", () => {
  it("announces nothing before it is started, then everything at once", () => {
    announcer.mark({ type: "service", key: "web/a" });
    clock.advance(1_000);
    expect(announced).toEqual([]);
    announcer.start();
    expect(addresses()).toEqual(["192.0.2.10"]);
  });

  it("hands over an empty set as well: what an earlier life announced is known to be over", () => {
    world.serviceMap.clear();
    announcer.start();
    expect(announced).toEqual([[]]);
  });

  it("plans a burst of changes once, and only the Services that changed", () => {
    announcer.start();
    world.put("web/b", "192.0.2.11");
    world.put("web/c", "192.0.2.12");
    announcer.mark({ type: "service", key: "web/b" });
    announcer.mark({ type: "service", key: "web/c" });
    announcer.mark({ type: "service", key: "web/b" });
    expect(announced).toHaveLength(1);
    clock.advance(5);
    expect(planned.at(-1)).toEqual(["web/b", "web/c"]);
    expect(addresses()).toEqual(["192.0.2.10", "192.0.2.11", "192.0.2.12"]);
    clock.advance(1_000);
    expect(planned).toHaveLength(2);
  });

  it("does not hand over what is the same", () => {
    announcer.start();
    announcer.mark({ type: "service", key: "web/a" });
    announcer.mark({ type: "nodes" });
    clock.advance(5);
    expect(planned).toHaveLength(2);
    expect(announced).toHaveLength(1);
  });

  it("takes a deleted Service back", () => {
    announcer.start();
    world.serviceMap.delete("web/a");
    announcer.mark({ type: "service", key: "web/a" });
    clock.advance(5);
    expect(addresses()).toEqual([]);
    expect(announcer.plan("web/a")).toBeUndefined();
    expect(planned.at(-1)).toEqual(["web/a"]);
  });

  it("plans everything when a Node changes", () => {
    announcer.start();
    world.nodeList = world.nodeList.slice(0, 2);
    announcer.mark({ type: "nodes" });
    clock.advance(5);
    expect(announced.at(-1)).toMatchObject([{ candidates: ["node-b", "node-a"] }]);
  });

  describe("on a node that is excluded", () => {
    const exclude = (isExcluded: boolean): void => {
      const labels = { "node.kubernetes.io/exclude-from-external-load-balancers": "" };
      const [own, ...others] = world.nodeList;
      world.nodeList = [{ ...own!, labels: isExcluded ? labels : {} }, ...others];
      announcer.mark({ type: "nodes" });
      clock.advance(5);
    };

    it("keeps an address without itself as candidate for ten seconds: the successor's watch may lag", () => {
      announcer.start();
      exclude(true);
      expect(announced.at(-1)).toMatchObject([
        { address: "192.0.2.10", interfaces: "all", candidates: ["node-c", "node-b"] },
      ]);
      clock.advance(9_000);
      expect(addresses()).toEqual(["192.0.2.10"]);
      announcer.mark({ type: "nodes" });
      clock.advance(999);
      expect(addresses()).toEqual(["192.0.2.10"]);
      clock.advance(1);
      expect(addresses()).toEqual([]);
      announcer.mark({ type: "nodes" });
      clock.advance(60_000);
      expect(addresses()).toEqual([]);
    });

    it("takes the address again, as if nothing had been, when it may", () => {
      announcer.start();
      exclude(true);
      clock.advance(5_000);
      exclude(false);
      clock.advance(60_000);
      expect(addresses()).toEqual(["192.0.2.10"]);
      exclude(true);
      clock.advance(9_000);
      expect(addresses()).toEqual(["192.0.2.10"]);
    });

    it("keeps nothing that no other node may have, nor what it did not have before", () => {
      world.nodeList = world.nodeList.slice(0, 1);
      announcer.start();
      exclude(true);
      expect(addresses()).toEqual([]);
      world.nodeList.push({ ...node("node-b"), internalAddresses: [] });
      announcer.mark({ type: "nodes" });
      clock.advance(5);
      expect(addresses()).toEqual([]);
    });
  });

  it("leaves out a broken pool alone and says that the configuration is stale", () => {
    world.pools.push(pool("broken", ["nonsense"]));
    announcer.start();
    expect(addresses()).toEqual(["192.0.2.10"]);
    expect(stale).toEqual([true]);
    world.pools.pop();
    announcer.mark({ type: "configuration" });
    clock.advance(5);
    expect(stale).toEqual([true, false]);
  });

  it("refuses a configuration that takes the pool of an announced Service away (V-X6)", () => {
    announcer.start();
    world.pools = [pool("second", ["198.51.100.0/24"])];
    announcer.mark({ type: "configuration" });
    clock.advance(5);
    expect(addresses()).toEqual(["192.0.2.10"]);
    expect(stale.at(-1)).toBe(true);
  });

  it("takes the refused configuration as soon as the controller has moved the Service", () => {
    announcer.start();
    world.pools = [pool("second", ["198.51.100.0/24"])];
    announcer.mark({ type: "configuration" });
    clock.advance(5);
    world.put("web/a", "198.51.100.1");
    announcer.mark({ type: "service", key: "web/a" });
    clock.advance(5);
    expect(addresses()).toEqual(["198.51.100.1"]);
    expect(stale.at(-1)).toBe(false);
  });

  it("follows the Nodes while it refuses a configuration", () => {
    announcer.start();
    world.pools = [];
    announcer.mark({ type: "configuration" });
    clock.advance(5);
    world.nodeList = world.nodeList.slice(0, 1);
    announcer.mark({ type: "nodes" });
    clock.advance(5);
    expect(announced.at(-1)).toMatchObject([{ candidates: ["node-a"] }]);
  });
});
