/**
 * The packet thread's loop: one blocking `poll` over heartbeats, ARP, NDP, netlink and main's wake-ups. In each turn all
 * sockets are read first and only then timers judged, so that a thread that overslept hears what waited for it before it
 * declares anybody dead.
 *
 * ```
 * poll ─► heartbeats ─► ARP, NDP ─► links ─► commands ─► timers ─► elect, announce ─► reports to main ─┐
 *   ▲                                                                                                  │
 *   └──────────────────────────────────────────────────────────────────────────────────────────────────┘
 * ```
 */
import type { CoordinatorAction } from "../lib/liveness/coordinator";
import { formatMacAddress, parseMacAddress } from "../lib/net/mac-address";
import type { OwnershipAction } from "../lib/liveness/ownership";
import { Announcements } from "./announcements";
import type { Clock } from "./clock";
import { HeartbeatEngine } from "./heartbeat-engine";
import { InterfaceTable, toPatterns } from "./interface-table";
import { HOUSEKEEPING_MS, MAX_SLEEP_MS } from "./limits";
import type { FrameCounters, HeardSender } from "./link-responder";
import { LinkSet } from "./link-set";
import { NetlinkMonitor } from "./netlink";
import type {
  ConfigureCommand,
  InterfaceReport,
  PacketReport,
  ThreadCommand,
} from "./packet-protocol";
import { askNode, askOn, findNeighbors, toInterfaceRecords } from "./segment-asking";
import { SegmentWatch } from "./segment-watch";
import { requirePacketSockets } from "./packet-socket";
import { PollSet } from "./poll-set";
import { ReportQueue } from "./report-queue";
import type { Sockets } from "./sockets";

export interface PacketEngineOptions {
  readonly nodeName: string;
  readonly bootId: bigint;
  readonly sockets: Sockets;
  readonly clock: Clock;
  /** Readable when a command waits; belongs to the caller. */
  readonly eventFd: number;
  readonly takeCommand: () => ThreadCommand | undefined;
  readonly postReports: (reports: readonly PacketReport[]) => void;
}

/** The nice value the thread asks for: heartbeats and answers go before ordinary work. */
const NICE = -10;

export class PacketEngine {
  readonly #options: PacketEngineOptions;
  readonly #sockets: Sockets;
  readonly #clock: Clock;
  readonly #reports: ReportQueue;
  readonly #frameCounters: FrameCounters = { arp: {}, ndp: {}, sendErrors: 0 };
  readonly #interfaces = new InterfaceTable();
  readonly #heartbeats: HeartbeatEngine;
  readonly #segment = new SegmentWatch();
  readonly #announcements: Announcements;
  readonly #links: LinkSet;
  readonly #netlink: NetlinkMonitor;
  readonly #poll: PollSet;
  #state: "running" | "leaving" | "ended" = "running";
  #hasSet = false;
  /** At start too: commands may have come before main knew the eventfd. */
  #mayHaveCommand = true;
  #mustElect = false;
  #mustWatch = true;
  #lastInterfaces = "";
  #lastAlive = "";
  #housekeepingMs = 0;
  #worstWakeDelayMs = 0;
  #longestTurnMs = 0;
  #wokeMs = Infinity;
  #sleepsMs = 0;
  #sleepForMs = 0;
  readonly #noteAwake = (): void => {
    this.#wokeMs = this.#clock.monotonicMs();
    const lateMs = this.#wokeMs - this.#sleepsMs - this.#sleepForMs;
    this.#worstWakeDelayMs = Math.max(this.#worstWakeDelayMs, lateMs);
    this.#noteStall(lateMs, this.#wokeMs);
  };
  /** Whether an interface counts only while frames of others arrive: there is somebody to ask. */
  #mustProve = false;
  #changedCounters: ReturnType<Announcements["changedCounters"]> | undefined;
  #isConfigured = false;

  /** Throws an `Error` with a sentence for people when the thread cannot work here. */
  constructor(options: PacketEngineOptions) {
    const { nodeName, bootId, sockets, clock } = options;
    this.#options = options;
    this.#sockets = sockets;
    this.#clock = clock;
    this.#reports = new ReportQueue(options.postReports);
    requirePacketSockets(sockets);
    this.#heartbeats = new HeartbeatEngine({
      nodeName,
      bootId,
      startTimeMs: Math.round(clock.wallMs()),
      sockets,
      reports: this.#reports,
      onAction: (action, nowMs) => this.#carryOut(action, nowMs),
    });
    this.#announcements = new Announcements(nodeName, this.#reports, this.#segment);
    this.#links = new LinkSet(
      sockets,
      {
        counters: this.#frameCounters,
        watch: this.#segment,
        onSender: sender => this.#noteSender(sender, this.#clock.monotonicMs()),
      },
      this.#reports,
      this.#announcements.filters(),
    );
    this.#netlink = new NetlinkMonitor(sockets);
    this.#poll = new PollSet(sockets);
  }

  /** Works until `stop` or a failure. */
  run(): void {
    if (!this.#sockets.setThreadNice(NICE)) {
      this.#reports.log("info", "no CAP_SYS_NICE: a busy node may delay heartbeats and answers");
    }
    this.#reports.add({ type: "started" });
    this.#describeLinks();
    while (this.#state !== "ended") this.#turn();
    this.#announcements.withdrawAll();
    this.#links.close();
    this.#heartbeats.close();
    this.#netlink.close();
    this.#reports.flushAll();
  }

  #turn(): void {
    if (this.#mustWatch) this.#watch();
    this.#mustWatch = false;
    const hasCounters = this.#reportCounters();
    const isBusy = this.#reports.flush() || hasCounters || this.#mayHaveCommand;
    const sleepMs = isBusy ? 0 : this.#sleepMs(this.#clock.monotonicMs());
    const nowMs = this.#sleep(sleepMs);
    if (this.#mayHaveCommand) this.#takeCommand(nowMs);
    this.#proveLinks(nowMs);
    this.#runTimers(nowMs);
    if (this.#mustElect) this.#settle(nowMs);
    for (const responder of this.#links.values()) responder.sendDue(nowMs);
    this.#joinGroups(nowMs);
  }

  /** Waits, serves what is readable, and returns the time after that. */
  #sleep(forMs: number): number {
    this.#sleepsMs = this.#clock.monotonicMs();
    this.#sleepForMs = forMs;
    const turnMs = this.#sleepsMs - this.#wokeMs;
    this.#longestTurnMs = Math.max(this.#longestTurnMs, turnMs);
    this.#noteStall(turnMs, this.#sleepsMs);
    this.#poll.wait(forMs, this.#noteAwake);
    return this.#clock.monotonicMs();
  }

  /** Who is waited for, in the order in which they are served. */
  #watch(): void {
    this.#poll.clear();
    for (const fd of this.#heartbeats.fds) {
      this.#poll.add(fd, () => {
        this.#heartbeats.drain(fd, this.#clock.monotonicMs());
      });
    }
    for (const responder of this.#links.values()) {
      this.#poll.add(responder.arpFd, () => responder.drainArp(this.#clock.monotonicMs()));
      this.#poll.add(responder.ndpFd, () => responder.drainNdp(this.#clock.monotonicMs()));
    }
    this.#poll.add(this.#netlink.fd, () => this.#followLinks());
    this.#poll.add(this.#options.eventFd, () => {
      this.#sockets.clearEvent(this.#options.eventFd);
      this.#mayHaveCommand = true;
    });
  }

  #sleepMs(nowMs: number): number {
    let deadlineMs = Math.min(nowMs + MAX_SLEEP_MS, this.#housekeepingMs);
    deadlineMs = Math.min(deadlineMs, this.#heartbeats.coordinator.nextDeadlineMs() ?? Infinity);
    for (const responder of this.#links.values()) {
      deadlineMs = Math.min(deadlineMs, responder.nextDeadlineMs(nowMs) ?? Infinity);
      if (this.#mustProve) deadlineMs = Math.min(deadlineMs, responder.proof.nextDeadlineMs(nowMs));
    }
    // Never early: a wake-up before the deadline would only come to sleep again.
    return Math.max(0, Math.ceil(deadlineMs - nowMs));
  }

  #runTimers(nowMs: number): void {
    const deadlineMs = this.#heartbeats.coordinator.nextDeadlineMs();
    if (deadlineMs !== undefined && deadlineMs <= nowMs) {
      this.#heartbeats.handle({ type: "timeout" }, nowMs);
    }
    if (nowMs >= this.#housekeepingMs) this.#keepHouse(nowMs);
  }

  #keepHouse(nowMs: number): void {
    this.#housekeepingMs = nowMs + HOUSEKEEPING_MS;
    if (this.#links.hasFailed) this.#reconcileLinks();
    if (this.#heartbeats.isIncomplete) this.#bindMissing();
    this.#changedCounters = this.#announcements.changedCounters();
  }

  /** Reports a portion of the counters; true when more wait. */
  #reportCounters(): boolean {
    const portion = this.#changedCounters?.next().value;
    if (portion === undefined) {
      this.#changedCounters = undefined;
      return false;
    }
    this.#reports.add({
      type: "counters",
      perAddress: portion,
      totals: {
        arp: { ...this.#frameCounters.arp },
        ndp: { ...this.#frameCounters.ndp },
        heartbeats: this.#heartbeats.counters,
        sendErrors: this.#frameCounters.sendErrors,
        worstWakeDelayMs: this.#worstWakeDelayMs,
        longestTurnMs: this.#longestTurnMs,
      },
    });
    this.#worstWakeDelayMs = 0;
    this.#longestTurnMs = 0;
    return true;
  }

  /** Places what is ours anew, and says who lives. */
  #settle(nowMs: number): void {
    this.#mustElect = false;
    const { membership, ownership } = this.#heartbeats.coordinator;
    const alive = membership.aliveNames();
    if (alive.join(" ") !== this.#lastAlive) {
      this.#lastAlive = alive.join(" ");
      this.#reports.add({ type: "membership", alive });
    }
    if (this.#state !== "running" || !this.#hasSet) return;
    this.#announcements.settle(text => ownership.owner(text), this.#links.values(), nowMs);
  }

  #carryOut(action: CoordinatorAction, nowMs: number): void {
    switch (action.type) {
      case "changed":
        this.#mustElect = true;
        return;
      case "announceAgain":
        this.#announcements.announceAgain(new Set([action.peerName]), nowMs);
        return;
      case "resolve":
        askNode(action.peerName, this.#links.values(), this.#segment);
        return;
      case "ended":
        this.#state = "ended";
        return;
      case "probe":
        this.#probe(action.address, action.to);
        return;
      case "sendHeartbeat":
        return;
      default:
        this.#own(action, nowMs);
    }
  }

  #own(
    { type, address }: Exclude<OwnershipAction, { readonly type: "probe" }>,
    nowMs: number,
  ): void {
    const { ownership } = this.#heartbeats.coordinator;
    if (type === "take") this.#announcements.take(address, this.#links.values(), nowMs);
    else if (type === "announce") this.#announcements.announce(address, nowMs);
    else if (type === "release") this.#announcements.release(address, ownership.owner(address));
    else this.#announcements.noteOwner(address, ownership.owner(address));
  }

  #probe(address: string, to: string | undefined): void {
    const links = this.#links.values();
    if (to === undefined) {
      this.#announcements.probe(address, links);
      return;
    }
    for (const text of this.#heartbeats.coordinator.membership.macsOf(to)) {
      const mac = parseMacAddress(text);
      if (mac.ok) this.#announcements.probe(address, links, mac.value);
    }
  }

  /** Somebody says that an address of the cluster, or of a node, is his. */
  #noteSender({ claimed, neighbor, mac }: HeardSender, nowMs: number): void {
    const { membership } = this.#heartbeats.coordinator;
    const macText = formatMacAddress(mac);
    if (neighbor?.nodeName !== undefined) membership.learnMac(neighbor.nodeName, macText);
    if (claimed === undefined) return;
    const peerName = membership.peerByMac(macText);
    if (peerName === undefined) return;
    this.#heartbeats.handle({ type: "claim", address: claimed, peerName }, nowMs);
  }

  /** Slept or worked so long that the others may have judged this node dead: it may not answer as before. */
  #noteStall(lateMs: number, nowMs: number): void {
    if (lateMs <= this.#heartbeats.coordinator.membership.stallLimitMs || !this.#hasSet) return;
    this.#reports.log("warn", "the packet thread stood still: its addresses are asked for anew", {
      forMs: Math.round(lateMs),
    });
    this.#heartbeats.handle({ type: "stalled" }, nowMs);
  }

  /** Asks for signs where it is quiet, and says whether this node can hear the segment at all. */
  #proveLinks(nowMs: number): void {
    if (!this.#isConfigured) return;
    const links = this.#links.values();
    let isReady = false;
    for (const responder of links) {
      if (this.#mustProve && responder.proof.takeAsk(nowMs)) askOn(responder, this.#segment);
      if (!this.#mustProve || responder.proof.isProven(nowMs)) isReady = true;
    }
    this.#heartbeats.handle({ type: "link", isReady }, nowMs);
  }

  #takeCommand(nowMs: number): void {
    // One a turn: a large set comes in portions, and packets are answered between them.
    const command = this.#options.takeCommand();
    this.#mayHaveCommand = command !== undefined;
    if (command !== undefined) this.#apply(command, nowMs);
  }

  #apply(command: ThreadCommand, nowMs: number): void {
    switch (command.type) {
      case "configure":
        this.#configure(command, nowMs);
        return;
      case "announceChanges":
        this.#change(command, nowMs);
        return;
      case "stop":
        this.#leave(nowMs);
    }
  }

  #change(command: ThreadCommand & { readonly type: "announceChanges" }, nowMs: number): void {
    const { changed, removed } = command;
    this.#announcements.change(changed, removed);
    // Listening comes before asking.
    if (command.isLast) this.#links.setFilters(this.#announcements.filters());
    this.#heartbeats.handle({ type: "entries", changed, removed }, nowMs);
    if (!command.isLast) return;
    this.#hasSet = true;
    this.#mustElect = true;
    this.#heartbeats.handle({ type: "synced" }, nowMs);
  }

  #configure(command: ConfigureCommand, nowMs: number): void {
    const failure = this.#heartbeats.configure(command.heartbeat);
    this.#mustWatch = true;
    if (failure !== undefined) {
      this.#reports.add({ type: "failed", error: failure });
      this.#state = "ended";
      return;
    }
    if (command.heartbeat.secret === undefined) {
      this.#reports.logRarely("no secret", nowMs, {
        msg: "heartbeats are not authenticated: no secret is configured",
        fields: {},
      });
    }
    const { patterns, bad } = toPatterns(command.excludedInterfaces);
    for (const pattern of bad) {
      this.#reports.log("error", "not a regular expression, no interface is excluded by it", {
        pattern,
      });
    }
    this.#interfaces.exclude(patterns);
    const { peers } = command.heartbeat;
    const { failbackMs } = command;
    if (failbackMs !== undefined) this.#heartbeats.coordinator.ownership.setTimers({ failbackMs });
    const others = peers.filter(({ nodeName }) => nodeName !== command.nodeName);
    const neighbors = findNeighbors(others);
    // Without a gateway a node whose peers are all silent cannot tell deafness from solitude: it serves.
    this.#mustProve = others.length > 0 && neighbors.some(({ nodeName }) => nodeName === undefined);
    this.#segment.setNeighbors(neighbors);
    this.#links.setFilters(this.#announcements.filters());
    this.#isConfigured = true;
    this.#reconcileLinks();
    this.#proveLinks(nowMs);
    const peerNames = others.map(({ nodeName }) => nodeName);
    this.#heartbeats.handle({ type: "configured", peerNames }, nowMs);
    this.#mustElect = true;
  }

  /** Says that it goes, and answers until the others have taken over: nobody asks in vain. */
  #leave(nowMs: number): void {
    if (this.#state !== "running") return;
    this.#state = "leaving";
    this.#heartbeats.handle({ type: "leave" }, nowMs);
  }

  #describeLinks(): void {
    this.#interfaces.clear();
    for (const event of this.#netlink.describe()) this.#interfaces.apply(event);
    this.#reconcileLinks();
  }

  #followLinks(): void {
    const { events, isLossy } = this.#netlink.drain();
    if (isLossy) {
      this.#describeLinks();
      return;
    }
    for (const event of events) this.#interfaces.apply(event);
    this.#reconcileLinks();
    if (this.#heartbeats.isIncomplete && events.some(({ type }) => type === "address")) {
      this.#bindMissing();
    }
  }

  #bindMissing(): void {
    this.#heartbeats.bindMissing();
    this.#mustWatch = true;
  }

  #reconcileLinks(): void {
    // Before that it is not known which interfaces to leave alone.
    if (!this.#isConfigured) return;
    const judged = this.#interfaces.judge();
    const { opened, closed } = this.#links.reconcile(judged);
    if (opened + closed > 0) {
      this.#mustWatch = true;
      this.#mustElect = true;
      this.#heartbeats.coordinator.membership.setInterfaces(
        toInterfaceRecords(this.#links.values()),
      );
    }
    const interfaces = judged.map(
      ({ name, index, macText, refusal }): InterfaceReport => ({
        name,
        index,
        mac: macText,
        isUsable: refusal === undefined,
        ...(refusal === undefined ? {} : { reason: refusal }),
      }),
    );
    const text = JSON.stringify(interfaces);
    if (text === this.#lastInterfaces) return;
    this.#lastInterfaces = text;
    this.#reports.add({ type: "interfaces", interfaces });
  }

  #joinGroups(nowMs: number): void {
    for (const responder of this.#links.values()) {
      const failure = responder.joinGroups();
      if (failure === undefined) continue;
      this.#reports.logRarely(`join ${responder.link.name}`, nowMs, {
        msg: "cannot join a multicast group: IPv6 neighbors may not find addresses on this interface",
        fields: { interface: responder.link.name, code: failure.code },
      });
    }
  }
}
