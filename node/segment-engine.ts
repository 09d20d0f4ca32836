/**
 * The segments at work: on every usable interface ARP and NDP are answered, addresses announced, and frames of others taken as
 * signs. What is ours is decided elsewhere; what others say about addresses of the cluster is handed on.
 */
import { DEFAULT_MEMBERSHIP_TIMERS, type MembershipTimers } from "../lib/liveness/timers";
import { DEFAULT_ANNOUNCEMENT_RATES } from "../lib/net/announcement-schedule";
import type { MacAddress } from "../lib/net/mac-address";
import { TokenBucket } from "../lib/net/token-bucket";
import { Announcements } from "./announcements";
import type { Clock } from "./clock";
import type { JudgedInterface } from "./interface-table";
import type { HeardSender } from "./frame-listener";
import type { FrameCounters, LinkResponder } from "./link-responder";
import { LinkSet } from "./link-set";
import type { AnnouncementEntry, PeerAddresses } from "./packet-protocol";
import type { PollEngine } from "./poll-loop";
import type { ReportQueue } from "./report-queue";
import { askNode, askOn, findNeighbors } from "./segment-asking";
import { SegmentWatch } from "./segment-watch";
import type { Sockets } from "./sockets";

export interface SegmentEngineOptions {
  readonly nodeName: string;
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly reports: ReportQueue;
  readonly onSender: (sender: HeardSender, nowMs: number) => void;
}

export class SegmentEngine implements PollEngine {
  readonly announcements: Announcements;
  readonly counters: FrameCounters = {
    arp: {},
    ndp: {},
    directed: { sent: 0, confirmed: 0 },
    sendErrors: 0,
  };
  readonly #reports: ReportQueue;
  readonly #watch = new SegmentWatch();
  readonly #links: LinkSet;
  /** What to do for each readable descriptor. */
  #drains = new Map<number, (nowMs: number) => void>();
  /** Names of the interfaces that lead to a default gateway. */
  #gatewayLinks: ReadonlySet<string> = new Set();
  /** Whether an interface counts only while frames of others arrive: there is somebody to ask. */
  #mustProve = false;
  #proofTimers: MembershipTimers = DEFAULT_MEMBERSHIP_TIMERS;

  constructor({ nodeName, sockets, clock, reports, onSender }: SegmentEngineOptions) {
    this.#reports = reports;
    this.announcements = new Announcements(nodeName, reports, this.#watch);
    this.#links = new LinkSet(
      sockets,
      {
        counters: this.counters,
        watch: this.#watch,
        refreshBucket: new TokenBucket(DEFAULT_ANNOUNCEMENT_RATES.refresh),
        random: () => Math.random(),
        onSender: sender => onSender(sender, clock.monotonicMs()),
      },
      reports,
      this.announcements.filters(),
    );
  }

  get fds(): readonly number[] {
    return [...this.#drains.keys()];
  }

  /** Whether a usable interface could not be opened: worth another `reconcile` later. */
  get hasFailed(): boolean {
    return this.#links.hasFailed;
  }

  /** Interfaces that are announced on. */
  links(): readonly LinkResponder[] {
    return this.#links.values();
  }

  /** Works on the usable ones of these interfaces from now on; true when that changed something. */
  reconcile(judged: readonly JudgedInterface[]): boolean {
    const { opened, closed } = this.#links.reconcile(judged);
    if (opened + closed === 0) return false;
    this.setProofTimers(this.#proofTimers);
    this.#drains = new Map();
    for (const responder of this.#links.values()) {
      this.#drains.set(responder.arpFd, nowMs => responder.drainArp(nowMs));
      this.#drains.set(responder.ndpFd, nowMs => responder.drainNdp(nowMs));
    }
    return true;
  }

  /** Speakers of other nodes: who is asked whether this node hears the segment. */
  setPeers(peers: readonly PeerAddresses[]): void {
    const neighbors = findNeighbors(peers);
    // Without a gateway a node whose peers are all silent cannot tell deafness from solitude: it serves.
    this.#mustProve = peers.length > 0 && neighbors.some(({ nodeName }) => nodeName === undefined);
    this.#watch.setNeighbors(neighbors);
    this.#gatewayLinks = new Set(
      neighbors.flatMap(({ nodeName, interfaceName = "" }) =>
        nodeName === undefined ? [interfaceName] : [],
      ),
    );
    this.#links.setFilters(this.announcements.filters());
  }

  /** How long one frame proves that an interface receives, and how soon others are asked for one. */
  setProofTimers(timers: MembershipTimers): void {
    this.#proofTimers = timers;
    for (const { proof } of this.#links.values()) proof.setTimers(timers);
  }

  /** Changes the set of addresses; with `isLast` it is complete, and everything about it is listened to. */
  change(changed: readonly AnnouncementEntry[], removed: readonly string[], isLast: boolean): void {
    this.announcements.change(changed, removed);
    if (isLast) this.#links.setFilters(this.announcements.filters());
  }

  /**
   * Asks for signs where it is quiet. `isReady`: this node can hear a segment at all. `hasChanged`: an interface that a gateway is
   * behind began or ceased to receive.
   */
  prove(nowMs: number): { readonly isReady: boolean; readonly hasChanged: boolean } {
    let isReady = false;
    let hasChanged = false;
    for (const responder of this.#links.values()) {
      const { proof } = responder;
      const isAskable = this.#mustProve && this.#hasGateway(responder);
      if (isAskable && proof.takeAsk(nowMs)) askOn(responder, this.#watch);
      if (!this.#mustProve || proof.isProven(nowMs)) isReady = true;
      const isProven = !isAskable || proof.isProven(nowMs);
      if (responder.isProven !== isProven) hasChanged = true;
      responder.isProven = isProven;
    }
    return { isReady, hasChanged };
  }

  #hasGateway({ link }: LinkResponder): boolean {
    return this.#gatewayLinks.has(link.name);
  }

  /** Asks who has the address: everybody, or the stations given. */
  probe(address: string, stations?: readonly MacAddress[]): void {
    const links = this.#links.values();
    if (stations === undefined) this.announcements.probe(address, links);
    else for (const mac of stations) this.announcements.probe(address, links, mac);
  }

  /** Asks for the addresses of a node, to learn its MAC address. */
  askNode(nodeName: string): void {
    askNode(nodeName, this.#links.values(), this.#watch);
  }

  onReadable(fd: number, nowMs: number): void {
    this.#drains.get(fd)?.(nowMs);
  }

  onTurn(nowMs: number): void {
    for (const responder of this.#links.values()) {
      responder.sendDue(nowMs);
      const failure = responder.joinGroups();
      if (failure === undefined) continue;
      this.#reports.logRarely(`join ${responder.link.name}`, nowMs, {
        msg: "cannot join a multicast group: IPv6 neighbors may not find addresses on this interface",
        fields: { interface: responder.link.name, code: failure.code },
      });
    }
  }

  nextDeadlineMs(nowMs: number): number | undefined {
    let deadlineMs = Infinity;
    for (const responder of this.#links.values()) {
      deadlineMs = Math.min(deadlineMs, responder.nextDeadlineMs(nowMs) ?? Infinity);
      if (this.#mustProve && this.#hasGateway(responder)) {
        deadlineMs = Math.min(deadlineMs, responder.proof.nextDeadlineMs(nowMs));
      }
    }
    return deadlineMs === Infinity ? undefined : deadlineMs;
  }

  close(): void {
    this.announcements.withdrawAll();
    this.#links.close();
  }
}
