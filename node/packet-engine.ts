/**
 * The packet thread's machines put together and driven: BFD, heartbeats, conflicts, ARP and NDP, interfaces and main's commands, as
 * engines of one poll loop. An engine of another protocol joins the list in `run` and gets its commands in `#apply`.
 *
 * ```
 * reports to main ─► poll, read every engine ─► one command ─► prove the links ─► timers of every engine ─► place what is ours ─┐
 *   ▲                                                                                                                           │
 *   └───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 * ```
 */
import type { CoordinatorAction } from "../lib/liveness/coordinator";
import type { OwnershipAction } from "../lib/liveness/ownership";
import { toInterfaceNameHash } from "../lib/liveness/message";
import { DEFAULT_MEMBERSHIP_TIMERS, DEFAULT_OWNERSHIP_TIMERS } from "../lib/liveness/timers";
import { formatMacAddress, isSameMac, parseMacAddress } from "../lib/net/mac-address";
import type { Announcements } from "./announcements";
import { BfdEngine } from "./bfd-engine";
import type { Clock } from "./clock";
import { ConflictEngine } from "./conflict-engine";
import { HeartbeatEngine } from "./heartbeat-engine";
import { InterfaceEngine } from "./interface-engine";
import type { JudgedInterface } from "./interface-table";
import { HOUSEKEEPING_MS } from "./limits";
import type { HeardSender } from "./frame-listener";
import type { ConfigureCommand, PacketReport, ThreadCommand } from "./packet-protocol";
import { requirePacketSockets } from "./packet-socket";
import { PollLoop, type PollEngine } from "./poll-loop";
import { ReportQueue } from "./report-queue";
import { toInterfaceRecords } from "./segment-asking";
import { SegmentEngine } from "./segment-engine";
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
  readonly #reports: ReportQueue;
  readonly #heartbeats: HeartbeatEngine;
  readonly #segment: SegmentEngine;
  readonly #conflicts: ConflictEngine;
  readonly #interfaces: InterfaceEngine;
  readonly #bfd: BfdEngine;
  readonly #loop: PollLoop;
  #state: "running" | "leaving" | "ended" = "running";
  #isConfigured = false;
  #hasSet = false;
  /** At start too: commands may have come before main knew the eventfd. */
  #mayHaveCommand = true;
  #mustSettle = false;
  #lastAlive = "";
  #housekeepingMs = 0;
  #changedCounters: ReturnType<Announcements["changedCounters"]> | undefined;

  /** Throws an `Error` with a sentence for people when the thread cannot work here. */
  constructor(options: PacketEngineOptions) {
    const { nodeName, bootId, sockets, clock } = options;
    this.#options = options;
    this.#sockets = sockets;
    const reports = new ReportQueue(options.postReports);
    this.#reports = reports;
    requirePacketSockets(sockets);
    this.#heartbeats = new HeartbeatEngine({
      nodeName,
      bootId,
      startTimeMs: Math.round(clock.wallMs()),
      sockets,
      reports,
      onAction: (action, nowMs) => this.#carryOut(action, nowMs),
    });
    this.#segment = new SegmentEngine({
      nodeName,
      sockets,
      clock,
      reports,
      onSender: (sender, nowMs) => this.#noteSender(sender, nowMs),
    });
    this.#conflicts = new ConflictEngine({
      segment: this.#segment,
      reports,
      isSpeaker: mac =>
        this.#interfaces.isOwnMac(mac) ||
        this.#heartbeats.coordinator.membership.peerByMac(mac) !== undefined,
      random: () => Math.random(),
    });
    this.#interfaces = new InterfaceEngine({
      sockets,
      reports,
      onInterfaces: judged => {
        this.#bfd.setInterfaces(judged);
        this.#reconcileLinks(judged);
      },
      onAddress: () => this.#bindMissing(clock.monotonicMs()),
    });
    this.#bfd = new BfdEngine({
      sockets,
      clock,
      reports,
      random: () => Math.random(),
      onDescriptors: () => this.#loop.watchAgain(),
    });
    this.#loop = new PollLoop({
      sockets,
      clock,
      onLate: (lateMs, nowMs) => {
        this.#bfd.noteLate(lateMs, nowMs);
        this.#noteStall(lateMs, nowMs);
      },
    });
  }

  /** Works until `stop` or a failure. */
  run(): void {
    if (!this.#sockets.setThreadNice(NICE)) {
      this.#reports.log("info", "no CAP_SYS_NICE: a busy node may delay heartbeats and answers");
    }
    this.#reports.add({ type: "started" });
    this.#loop.setEngines([
      this.#bfd,
      this.#heartbeatTurns(),
      this.#conflicts,
      this.#segment,
      this.#interfaces,
      this.#controlTurns(),
    ]);
    this.#interfaces.describe();
    while (this.#state !== "ended") this.#turn();
    this.#loop.close();
    this.#reports.flushAll();
  }

  #turn(): void {
    const hasCounters = this.#reportCounters();
    const nowMs = this.#loop.wait(this.#reports.flush() || hasCounters || this.#mayHaveCommand);
    if (this.#mayHaveCommand) this.#takeCommand(nowMs);
    // A blind node gives up everything before its timers accuse others.
    this.#proveLinks(nowMs);
    this.#loop.runTurns(nowMs);
    if (this.#mustSettle) this.#settle(nowMs);
  }

  #heartbeatTurns(): PollEngine {
    const heartbeats = this.#heartbeats;
    const { coordinator } = heartbeats;
    return {
      get fds() {
        return heartbeats.fds;
      },
      onReadable: (fd, nowMs) => heartbeats.drain(fd, nowMs),
      onTurn: nowMs => {
        const deadlineMs = coordinator.nextDeadlineMs();
        if (deadlineMs === undefined || deadlineMs > nowMs) return;
        heartbeats.handle({ type: "timeout" }, nowMs);
      },
      nextDeadlineMs: () => coordinator.nextDeadlineMs(),
      close: () => heartbeats.close(),
    };
  }

  /** Main's wake-ups, and what is done once in a while. */
  #controlTurns(): PollEngine {
    const { eventFd } = this.#options;
    return {
      fds: [eventFd],
      onReadable: () => {
        this.#sockets.clearEvent(eventFd);
        this.#mayHaveCommand = true;
      },
      onTurn: nowMs => {
        if (nowMs >= this.#housekeepingMs) this.#keepHouse(nowMs);
      },
      nextDeadlineMs: () => this.#housekeepingMs,
      close: () => undefined,
    };
  }

  #keepHouse(nowMs: number): void {
    this.#housekeepingMs = nowMs + HOUSEKEEPING_MS;
    if (this.#segment.hasFailed) this.#interfaces.judge();
    this.#bindMissing(nowMs);
    this.#changedCounters = this.#segment.announcements.changedCounters();
  }

  /** Reports a portion of the counters; true when more wait. */
  #reportCounters(): boolean {
    const portion = this.#changedCounters?.next().value;
    if (portion === undefined) {
      this.#changedCounters = undefined;
      return false;
    }
    const { arp, ndp, directed, sendErrors } = this.#segment.counters;
    this.#reports.add({
      type: "counters",
      perAddress: portion,
      totals: {
        arp: { ...arp },
        ndp: { ...ndp },
        directed: { ...directed },
        heartbeats: this.#heartbeats.counters,
        sendErrors,
        ...this.#loop.takeDelays(),
      },
    });
    return true;
  }

  /** Places what is ours anew, and says who lives. */
  #settle(nowMs: number): void {
    this.#mustSettle = false;
    const { membership, ownership } = this.#heartbeats.coordinator;
    const alive = membership.aliveNames();
    if (alive.join(" ") !== this.#lastAlive) {
      this.#lastAlive = alive.join(" ");
      this.#reports.add({ type: "membership", alive });
    }
    if (this.#state !== "running" || !this.#hasSet) return;
    const { announcements } = this.#segment;
    announcements.settle(text => ownership.owner(text), this.#segment.links(), nowMs);
  }

  #carryOut(action: CoordinatorAction, nowMs: number): void {
    switch (action.type) {
      case "changed":
        this.#mustSettle = true;
        return;
      case "announceAgain":
        this.#segment.announcements.announceAgain(new Set([action.peerName]), nowMs);
        return;
      case "resolve":
        this.#segment.askNode(action.peerName);
        return;
      case "ended":
        this.#state = "ended";
        return;
      case "probe":
        this.#probe(action.address, action.to);
        return;
      case "standIn":
        this.#standIn(action.address, action.peerName);
        return;
      case "sendHeartbeat":
        return;
      default:
        this.#own(action, nowMs);
    }
  }

  #own(
    { type, address }: Exclude<OwnershipAction, { readonly type: "probe" | "standIn" }>,
    nowMs: number,
  ): void {
    const { ownership } = this.#heartbeats.coordinator;
    const { announcements } = this.#segment;
    if (type === "take") this.#conflicts.handle({ type: "taken", address }, nowMs);
    else if (type === "announce") announcements.announce(address, nowMs);
    else if (type === "endStandIn") announcements.endStandIn(address);
    else if (type === "owner") announcements.noteOwner(address, ownership.owner(address));
    else {
      this.#conflicts.handle({ type: "released", address }, nowMs);
      announcements.release(address, ownership.owner(address));
      this.#forgetGone([address], nowMs);
    }
  }

  #standIn(address: string, peerName: string): void {
    const { membership } = this.#heartbeats.coordinator;
    this.#segment.announcements.standIn(address, this.#segment.links(), interfaceName => {
      const text = membership.macBeside(peerName, toInterfaceNameHash(interfaceName));
      const mac = text === undefined ? undefined : parseMacAddress(text);
      return mac?.ok === true ? mac.value : undefined;
    });
  }

  #forgetGone(addresses: readonly string[], nowMs: number): void {
    for (const address of addresses) {
      if (this.#segment.announcements.has(address)) continue;
      this.#conflicts.handle({ type: "forgotten", address }, nowMs);
    }
  }

  #probe(address: string, to: string | undefined): void {
    if (to === undefined) {
      this.#segment.probe(address);
      return;
    }
    const macs = this.#heartbeats.coordinator.membership.macsOf(to).map(parseMacAddress);
    this.#segment.probe(
      address,
      macs.flatMap(mac => (mac.ok ? [mac.value] : [])),
    );
  }

  /** Somebody says that an address of the cluster, or of a node, is his. */
  #noteSender(sender: HeardSender, nowMs: number): void {
    const { claimed: address, neighbor, mac } = sender;
    if (isSameMac(mac, sender.link.mac)) {
      if (address !== undefined) this.#conflicts.handle({ type: "peerClaim", address }, nowMs);
      return;
    }
    const { membership } = this.#heartbeats.coordinator;
    const macText = formatMacAddress(mac);
    if (neighbor?.nodeName !== undefined) {
      membership.learnMac(neighbor.nodeName, macText);
      this.#heartbeats.handle({ type: "hostSign", peerName: neighbor.nodeName }, nowMs);
    }
    const peerName = membership.peerByMac(macText);
    if (peerName === undefined) this.#conflicts.noteStranger(sender, nowMs);
    else if (address !== undefined) {
      this.#conflicts.handle({ type: "peerClaim", address }, nowMs);
      this.#heartbeats.handle({ type: "claim", address, peerName }, nowMs);
    }
  }

  /** Slept or worked so long that the others may have judged this node dead: it may not answer as before. */
  #noteStall(lateMs: number, nowMs: number): void {
    if (lateMs <= this.#heartbeats.coordinator.membership.stallLimitMs || !this.#hasSet) return;
    this.#reports.log("warn", "the packet thread stood still: its addresses are asked for anew", {
      forMs: Math.round(lateMs),
    });
    this.#heartbeats.handle({ type: "stalled" }, nowMs);
  }

  #proveLinks(nowMs: number): void {
    if (!this.#isConfigured) return;
    const { isReady, hasChanged } = this.#segment.prove(nowMs);
    if (hasChanged) this.#tellInterfaces(nowMs);
    this.#heartbeats.handle({ type: "link", isReady }, nowMs);
  }

  /** What this node can announce on has changed: some addresses may be others' now. */
  #tellInterfaces(nowMs: number): void {
    const interfaces = toInterfaceRecords(this.#segment.links());
    this.#heartbeats.handle({ type: "interfaces", interfaces }, nowMs);
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
      case "bfdPort":
        this.#bfd.connect(command.port);
        return;
      case "uplink":
        this.#heartbeats.handle(command, nowMs);
        return;
      case "stop":
        this.#leave(command.isRestart === true, nowMs);
    }
  }

  #change(command: ThreadCommand & { readonly type: "announceChanges" }, nowMs: number): void {
    const { changed, removed, isLast } = command;
    // Listening comes before asking.
    this.#segment.change(changed, removed, isLast);
    this.#heartbeats.handle({ type: "entries", changed, removed }, nowMs);
    this.#forgetGone(removed, nowMs);
    if (!isLast) return;
    this.#hasSet = true;
    this.#mustSettle = true;
    this.#heartbeats.handle({ type: "synced" }, nowMs);
  }

  #configure(command: ConfigureCommand, nowMs: number): void {
    const failure = this.#heartbeats.configure(command.heartbeat, nowMs);
    this.#loop.watchAgain();
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
    if (command.conflicts !== undefined) this.#conflicts.configure(command.conflicts);
    this.#setTimers(command);
    const peers = command.heartbeat.peers.filter(peer => peer.nodeName !== command.nodeName);
    this.#segment.setPeers(peers);
    this.#isConfigured = true;
    this.#interfaces.exclude(command.excludedInterfaces);
    this.#interfaces.judge();
    this.#proveLinks(nowMs);
    const peerNames = peers.map(({ nodeName }) => nodeName);
    this.#heartbeats.handle({ type: "configured", peerNames }, nowMs);
    this.#mustSettle = true;
  }

  #setTimers(command: ConfigureCommand): void {
    const { membership, ownership } = this.#heartbeats.coordinator;
    const { failbackMs = DEFAULT_OWNERSHIP_TIMERS.failbackMs, isStandInAllowed = true } = command;
    const { timers = DEFAULT_MEMBERSHIP_TIMERS, restartHoldMs } = command;
    ownership.setTimers({ failbackMs, isStandInAllowed });
    membership.setTimers(timers, restartHoldMs);
    this.#segment.setProofTimers(timers);
  }

  /** Says that it goes, and answers until the others have taken over: nobody asks in vain. */
  #leave(isRestart: boolean, nowMs: number): void {
    if (this.#state !== "running") return;
    this.#state = "leaving";
    this.#heartbeats.handle({ type: "leave", isRestart }, nowMs);
  }

  #bindMissing(nowMs: number): void {
    if (!this.#heartbeats.isIncomplete) return;
    this.#heartbeats.bindMissing(nowMs);
    this.#loop.watchAgain();
  }

  #reconcileLinks(judged: readonly JudgedInterface[]): void {
    // Before that it is not known which interfaces to leave alone.
    if (!this.#isConfigured) return;
    if (this.#segment.reconcile(judged)) {
      this.#loop.watchAgain();
      this.#mustSettle = true;
      this.#tellInterfaces(this.#options.clock.monotonicMs());
    }
    this.#interfaces.report(judged);
  }
}
