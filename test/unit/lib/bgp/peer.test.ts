import { describe, expect, it } from "vitest";
import { encodeMessage, type BgpMessage } from "../../../../lib/bgp/codec/message";
import { BgpPeer } from "../../../../lib/bgp/peer";
import type { SessionConfiguration } from "../../../../lib/bgp/negotiation";
import type { SessionAction, SessionEvent } from "../../../../lib/bgp/session-events";
import type { RouteAttributes } from "../../../../lib/bgp/route-attributes";
import type { IpPrefix } from "../../../../lib/net/ip-prefix";
import {
  CONFIGURATION,
  GRACEFUL_RESTART,
  outline,
  PEER_CAPABILITIES,
  PEER_OPEN,
  sentNotifications,
} from "./support/conversation";
import { toAddress, toPrefix } from "./support/golden";
import { ModelPeer, NEXT_HOPS, SESSION } from "./support/model-peer";

const PLAIN: RouteAttributes = { communities: [], largeCommunities: [] };
const VIP = toPrefix("203.0.113.10/32");

/** A peer with its driver: everything sent reaches `remote` at once, unless the remote does not read. */
class Rig {
  readonly peer: BgpPeer;
  readonly remote = new ModelPeer({ ...SESSION, localAs: CONFIGURATION.localAs });
  actions: readonly SessionAction[] = [];
  nowMs = 1_000;
  connection = 0;
  isReading = true;
  unsent: Uint8Array[] = [];

  constructor(configuration: Partial<SessionConfiguration> = {}) {
    this.peer = new BgpPeer(
      { ...CONFIGURATION, ...configuration },
      { isRestarting: false, random: () => 0, nextHopsOf: () => NEXT_HOPS },
    );
    this.peer.rib.release();
  }

  /** Carries actions out; gives them. */
  carryOut(actions: readonly SessionAction[]): readonly SessionAction[] {
    this.actions = actions;
    for (const action of actions) {
      if (action.type === "connect") this.connection = action.connection;
      if (action.type === "send") this.unsent.push(action.octets);
    }
    if (this.isReading) this.deliver();
    return actions;
  }

  handle(event: SessionEvent): readonly SessionAction[] {
    return this.carryOut(this.peer.handle(event, this.nowMs));
  }

  flush(): readonly SessionAction[] {
    return this.carryOut(this.peer.flush(this.nowMs));
  }

  /** Everything unsent is read by the remote, and the kernel says so. */
  deliver(): void {
    while (this.unsent.length > 0) {
      this.remote.read(this.unsent.splice(0));
      const progress = { connection: this.connection, unsentOctets: 0 };
      const actions = this.peer.handle({ type: "sendProgress", ...progress }, this.nowMs);
      this.actions = [...this.actions, ...actions];
      for (const action of actions) if (action.type === "send") this.unsent.push(action.octets);
    }
  }

  say(...messages: BgpMessage[]): this {
    for (const message of messages) {
      const octets = encodeMessage(message, { hasFourOctetAs: true, maxMessageOctets: 4_096 });
      this.handle({ type: "octets", connection: this.connection, octets });
    }
    return this;
  }

  establish(open = PEER_OPEN): this {
    this.handle({ type: "manualStart" });
    this.handle({ type: "connected", connection: this.connection });
    return this.say(open, { type: "keepalive" });
  }
}

function manyRoutes(count: number): IpPrefix[] {
  const base = toAddress("10.0.0.0").value;
  return Array.from({ length: count }, (_, index) => ({
    family: "ipv4",
    value: base + BigInt(index),
    lengthBits: 32,
  }));
}

describe("table and session", () => {
  it("sends the whole table and End-of-RIB in the call that makes the session Established", () => {
    const rig = new Rig();
    rig.peer.rib.announce({ prefix: VIP, attributes: PLAIN });
    rig.establish();
    expect(rig.remote.log).toEqual([
      "announce 1",
      "end-of-rib ipv4-unicast",
      "end-of-rib ipv6-unicast",
    ]);
  });

  it("sends a change on flush", () => {
    const rig = new Rig().establish();
    rig.peer.rib.announce({ prefix: VIP, attributes: PLAIN });
    expect(outline(rig.flush())).toEqual(["send update"]);
    expect(rig.flush()).toEqual([]);
  });

  it("answers ROUTE-REFRESH at once, a second one after a second", () => {
    const rig = new Rig();
    rig.peer.rib.announce({ prefix: VIP, attributes: PLAIN });
    rig.establish();
    rig.remote.log.length = 0;
    const refresh = { type: "routeRefresh", afi: 1, safi: 1, subtype: 0 } as const;
    rig.say(refresh, refresh);
    expect(rig.remote.log).toEqual(["announce 1"]);
    expect(rig.peer.nextDeadlineMs()).toBe(rig.nowMs + 1_000);
    rig.nowMs += 1_000;
    rig.handle({ type: "timeout" });
    expect(rig.remote.log).toEqual(["announce 1", "announce 1"]);
  });

  it("sends everything again to the next session", () => {
    const rig = new Rig();
    rig.peer.rib.announce({ prefix: VIP, attributes: PLAIN });
    rig.establish();
    rig.handle({ type: "connectionFailed", connection: rig.connection, words: "reset" });
    expect(rig.peer.rib.sentPrefixes).toBe(0);
    rig.nowMs = rig.peer.nextDeadlineMs() ?? 0;
    rig.handle({ type: "timeout" });
    rig.handle({ type: "connected", connection: rig.connection });
    rig.say(PEER_OPEN, { type: "keepalive" });
    expect(rig.remote.log.filter(word => word === "announce 1")).toHaveLength(2);
  });
});

describe("a peer that reads slowly", () => {
  it("gets no more than 64 KiB and one message ahead, and all of it in the end", () => {
    const rig = new Rig();
    const prefixes = manyRoutes(40_000);
    for (const prefix of prefixes) rig.peer.rib.announce({ prefix, attributes: PLAIN });
    rig.isReading = false;
    rig.establish();
    const aheadOctets = rig.unsent.reduce((sum, { length }) => sum + length, 0);
    expect(aheadOctets).toBeLessThan(65_536 + 2 * 4_096);
    expect(rig.peer.rib.pendingPrefixes).toBeGreaterThan(20_000);
    for (const prefix of prefixes.slice(0, 39_990)) rig.peer.rib.withdraw(prefix);
    rig.isReading = true;
    rig.deliver();
    expect(rig.remote.table.size).toBe(10);
    expect(rig.peer.rib.pendingPrefixes).toBe(0);
  });
});

describe("leaving", () => {
  const withRoute = (configuration: Partial<SessionConfiguration> = {}, open = PEER_OPEN): Rig => {
    const rig = new Rig(configuration);
    rig.peer.rib.announce({ prefix: VIP, attributes: PLAIN });
    rig.establish(open);
    rig.remote.log.length = 0;
    return rig;
  };

  it("withdraws, and says why once that is written", () => {
    const rig = withRoute();
    rig.carryOut(rig.peer.leave("drain", { text: "node draining" }, rig.nowMs));
    expect(rig.remote.log).toEqual(["withdraw 1"]);
    expect(sentNotifications(rig.actions)).toEqual(["6/2"]);
    expect(rig.peer.session.state).toBe("Idle");
    expect(rig.peer.nextDeadlineMs()).toBeUndefined();
  });

  it("asks for other paths first when draining takes time (RFC 8326)", () => {
    const rig = withRoute();
    rig.carryOut(rig.peer.leave("drain", { drainMs: 2_000 }, rig.nowMs));
    expect(rig.remote.log).toEqual(["announce 1"]);
    expect(rig.remote.table.get("203.0.113.10/32")).toContain(String(0xffff_0000));
    expect(rig.peer.nextDeadlineMs()).toBe(rig.nowMs + 2_000);
    rig.nowMs += 2_000;
    rig.handle({ type: "timeout" });
    expect(rig.remote.log).toEqual(["announce 1", "withdraw 1"]);
    expect(sentNotifications(rig.actions)).toEqual(["6/2"]);
  });

  it("waits for a peer that does not read at most 2 s", () => {
    const rig = withRoute();
    rig.isReading = false;
    rig.carryOut(rig.peer.leave("removed", {}, rig.nowMs));
    expect(rig.peer.session.state).toBe("Established");
    rig.nowMs += 2_000;
    expect(sentNotifications(rig.handle({ type: "timeout" }))).toEqual(["6/3"]);
    expect(rig.peer.session.state).toBe("Idle");
  });

  it("withdraws nothing on a restart, and keeps silent where the peer helps only then", () => {
    const capabilities = [
      ...PEER_CAPABILITIES,
      { ...GRACEFUL_RESTART, supportsNotification: false },
    ];
    const rig = withRoute({ gracefulRestartSeconds: 120 }, { ...PEER_OPEN, capabilities });
    const actions = rig.carryOut(rig.peer.leave("restart", {}, rig.nowMs));
    expect(outline(actions)).toEqual(["close", "down", "Idle"]);
    expect(rig.remote.log).toEqual([]);
  });

  it("ends at once when there is no session", () => {
    const rig = new Rig();
    rig.handle({ type: "manualStart" });
    const actions = rig.carryOut(rig.peer.leave("drain", { drainMs: 2_000 }, rig.nowMs));
    expect(outline(actions)).toEqual(["close", "Idle"]);
    expect(rig.peer.nextDeadlineMs()).toBeUndefined();
  });
});
