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
import { Announcements } from "./announcements";
import type { Clock } from "./clock";
import { HeartbeatEngine } from "./heartbeat-engine";
import { InterfaceTable } from "./interface-table";
import { HOUSEKEEPING_MS, MAX_SLEEP_MS } from "./limits";
import type { FrameCounters } from "./link-responder";
import { LinkSet } from "./link-set";
import { AddressFamily, Errno, SocketType } from "./linux";
import { NetlinkMonitor } from "./netlink";
import type {
  ConfigureCommand,
  InterfaceReport,
  PacketReport,
  ThreadCommand,
} from "./packet-protocol";
import { PollSet } from "./poll-set";
import { ReportQueue } from "./report-queue";
import { SystemError, type Sockets } from "./sockets";

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
  readonly #noteAwake = (): void => {
    this.#wokeMs = this.#clock.monotonicMs();
  };
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
    });
    this.#announcements = new Announcements(nodeName, this.#reports);
    this.#links = new LinkSet(
      sockets,
      this.#frameCounters,
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
    this.#describeLinks(this.#clock.monotonicMs());
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
    this.#runTimers(nowMs);
    if (this.#mustElect) this.#elect(nowMs);
    const found = this.#heartbeats.takeFoundPeers();
    if (found !== undefined) this.#announcements.announceAgain(found, nowMs);
    for (const responder of this.#links.values()) responder.sendDue(nowMs);
    this.#joinGroups(nowMs);
  }

  /** Waits, serves what is readable, and returns the time after that. */
  #sleep(forMs: number): number {
    const sleepsMs = this.#clock.monotonicMs();
    this.#longestTurnMs = Math.max(this.#longestTurnMs, sleepsMs - this.#wokeMs);
    this.#poll.wait(forMs, this.#noteAwake);
    const lateMs = this.#wokeMs - sleepsMs - forMs;
    this.#worstWakeDelayMs = Math.max(this.#worstWakeDelayMs, lateMs);
    return this.#clock.monotonicMs();
  }

  /** Who is waited for, in the order in which they are served. */
  #watch(): void {
    this.#poll.clear();
    for (const fd of this.#heartbeats.fds) {
      this.#poll.add(fd, () => {
        this.#noteElection(this.#heartbeats.drain(fd, this.#clock.monotonicMs()));
      });
    }
    for (const responder of this.#links.values()) {
      this.#poll.add(responder.arpFd, () => responder.drainArp());
      this.#poll.add(responder.ndpFd, () => responder.drainNdp());
    }
    this.#poll.add(this.#netlink.fd, () => this.#followLinks(this.#clock.monotonicMs()));
    this.#poll.add(this.#options.eventFd, () => {
      this.#sockets.clearEvent(this.#options.eventFd);
      this.#mayHaveCommand = true;
    });
  }

  #sleepMs(nowMs: number): number {
    let deadlineMs = Math.min(nowMs + MAX_SLEEP_MS, this.#housekeepingMs);
    deadlineMs = Math.min(deadlineMs, this.#heartbeats.membership.nextDeadlineMs() ?? Infinity);
    for (const responder of this.#links.values()) {
      deadlineMs = Math.min(deadlineMs, responder.nextDeadlineMs(nowMs) ?? Infinity);
    }
    // Never early: a wake-up before the deadline would only come to sleep again.
    return Math.max(0, Math.ceil(deadlineMs - nowMs));
  }

  #runTimers(nowMs: number): void {
    const deadlineMs = this.#heartbeats.membership.nextDeadlineMs();
    if (deadlineMs !== undefined && deadlineMs <= nowMs) {
      this.#noteElection(this.#heartbeats.handle({ type: "timeout" }, nowMs));
    }
    if (this.#state === "leaving" && this.#heartbeats.membership.nextDeadlineMs() === undefined) {
      this.#state = "ended";
    }
    if (nowMs >= this.#housekeepingMs) this.#keepHouse(nowMs);
  }

  #keepHouse(nowMs: number): void {
    this.#housekeepingMs = nowMs + HOUSEKEEPING_MS;
    if (this.#links.hasFailed) this.#reconcileLinks(nowMs);
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

  #noteElection(isDue: boolean): void {
    if (isDue) this.#mustElect = true;
  }

  #elect(nowMs: number): void {
    this.#mustElect = false;
    const { membership } = this.#heartbeats;
    const alive = membership.aliveNames();
    if (alive.join(" ") !== this.#lastAlive) {
      this.#lastAlive = alive.join(" ");
      this.#reports.add({ type: "membership", alive });
    }
    if (this.#state !== "running") return;
    const isEligible = (nodeName: string): boolean => membership.isEligible(nodeName);
    this.#announcements.elect(isEligible, this.#links.values(), nowMs);
  }

  #takeCommand(nowMs: number): void {
    // One a turn: a large set comes in portions, and packets are answered between them.
    const command = this.#options.takeCommand();
    this.#mayHaveCommand = command !== undefined;
    if (command !== undefined) this.#apply(command, nowMs);
  }

  #apply(command: ThreadCommand, nowMs: number): void {
    switch (command.type) {
      case "configure": {
        this.#configure(command, nowMs);
        return;
      }
      case "announceChanges":
        this.#announcements.change(command.changed, command.removed);
        if (!command.isLast) return;
        this.#links.setFilters(this.#announcements.filters());
        this.#hasSet = true;
        this.#heartbeats.handle({ type: "synced" }, nowMs);
        {
          this.#noteElection(true);
          return;
        }
      case "stop": {
        this.#leave(nowMs);
        return;
      }
    }
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
    this.#interfaces.exclude(this.#toPatterns(command.excludedInterfaces));
    this.#isConfigured = true;
    this.#reconcileLinks(nowMs);
    const peerNames = command.heartbeat.peers.map(({ nodeName }) => nodeName);
    this.#heartbeats.handle({ type: "configured", peerNames }, nowMs);
    this.#noteElection(true);
  }

  #toPatterns(texts: readonly string[]): readonly RegExp[] {
    return texts.flatMap(text => {
      try {
        return [new RegExp(text)];
      } catch {
        this.#reports.log("error", "not a regular expression, no interface is excluded by it", {
          pattern: text,
        });
        return [];
      }
    });
  }

  /** Says that it goes and falls silent in the same turn: the others take over without waiting for a timer. */
  #leave(nowMs: number): void {
    if (this.#state !== "running") return;
    this.#state = "leaving";
    this.#heartbeats.handle({ type: "leave" }, nowMs);
    this.#announcements.withdrawAll();
  }

  #describeLinks(nowMs: number): void {
    this.#interfaces.clear();
    for (const event of this.#netlink.describe()) this.#interfaces.apply(event);
    this.#reconcileLinks(nowMs);
  }

  #followLinks(nowMs: number): void {
    const { events, isLossy } = this.#netlink.drain();
    if (isLossy) {
      this.#describeLinks(nowMs);
      return;
    }
    for (const event of events) this.#interfaces.apply(event);
    this.#reconcileLinks(nowMs);
    if (this.#heartbeats.isIncomplete && events.some(({ type }) => type === "address")) {
      this.#bindMissing();
    }
  }

  #bindMissing(): void {
    this.#heartbeats.bindMissing();
    this.#mustWatch = true;
  }

  #reconcileLinks(nowMs: number): void {
    // Before that it is not known which interfaces to leave alone.
    if (!this.#isConfigured) return;
    const judged = this.#interfaces.judge();
    const { opened, closed } = this.#links.reconcile(judged);
    if (opened + closed > 0) {
      this.#mustWatch = true;
      this.#noteElection(this.#hasSet);
    }
    if (opened > 0) this.#noteElection(this.#heartbeats.handle({ type: "linkReturned" }, nowMs));
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

/** Opens and closes a packet socket, for the sentence that it gives when that is not allowed. */
function requirePacketSockets(sockets: Sockets): void {
  try {
    sockets.close(sockets.open(AddressFamily.packet, SocketType.raw, 0));
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const isForbidden = error.errno === Errno.EPERM || error.errno === Errno.EACCES;
    const hint = isForbidden
      ? "the speaker needs the capability NET_RAW (securityContext.capabilities.add) and must run as root"
      : "the kernel has no packet sockets (CONFIG_PACKET)";
    throw new Error(`ARP and NDP cannot be answered (${error.code}): ${hint}`, { cause: error });
  }
}
