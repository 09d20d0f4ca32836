/**
 * The addresses of the cluster as this node sees them: which are ours, and on which of our interfaces we announce them. Pure
 * bookkeeping over `LinkResponder`s: every change ends in `#place`, which makes what is announced equal to what should be. Who
 * owns an address is decided elsewhere.
 */
import { parseIpAddress } from "../lib/net/ip-address";
import type { MacAddress } from "../lib/net/mac-address";
import { COUNTERS_PER_REPORT } from "./limits";
import type { AnnouncedAddress, LinkResponder, ResponderFilters } from "./link-responder";
import type { AddressCountersReport, AnnouncementEntry } from "./packet-protocol";
import type { ReportQueue } from "./report-queue";
import type { SegmentWatch } from "./segment-watch";
import { buildArpFilter, buildNdpFilter, toFilterRanges } from "./socket-filter";

interface Entry extends AnnouncedAddress {
  readonly text: string;
  interfaces: ReadonlySet<string> | "all";
  candidates: readonly string[];
  isMine: boolean;
  /** Not wanted any more, and answered for until somebody has taken it. */
  isRemoved: boolean;
  isReported: boolean;
  /** Where it is announced now. */
  readonly links: Set<LinkResponder>;
  /** Where it is answered for in the place of its owner. */
  readonly standIns: Set<LinkResponder>;
  /** Sum of the counts at the last report. */
  reportedCount: number;
}

export class Announcements {
  readonly #nodeName: string;
  readonly #reports: ReportQueue;
  readonly #watch: SegmentWatch;
  readonly #entries = new Map<string, Entry>();
  #hasLinks = true;

  constructor(nodeName: string, reports: ReportQueue, watch: SegmentWatch) {
    this.#nodeName = nodeName;
    this.#reports = reports;
    this.#watch = watch;
  }

  /**
   * Applies a change of the desired set. Text that is no address is logged and passed over. What is ours and not wanted any more
   * is answered for until `release`.
   */
  change(changed: readonly AnnouncementEntry[], removed: readonly string[]): void {
    for (const text of removed) {
      const entry = this.#entries.get(text);
      if (entry === undefined) continue;
      entry.isRemoved = true;
      if (!entry.isMine) this.#forget(entry);
    }
    for (const entry of changed) this.#upsert(entry);
  }

  /** Answers for the address and announces it from now on. */
  take(text: string, links: readonly LinkResponder[], nowMs: number): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    entry.isMine = true;
    this.#place(entry, links, nowMs);
    this.#report(entry, this.#nodeName);
  }

  /** Whether the address is in the set, or still answered for. */
  has(text: string): boolean {
    return this.#entries.has(text);
  }

  /** Is silent about an address that the election gave to this node. */
  withhold(text: string): void {
    this.release(text, undefined);
  }

  /** Is silent about the address from now on; `owner` has it now, as far as is known. */
  release(text: string, owner: string | undefined): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    entry.isMine = false;
    withdraw(entry);
    if (entry.isRemoved) this.#forget(entry);
    else this.#report(entry, owner);
  }

  /**
   * Answers for the address in the place of its owner, where the owner's MAC address is known; `macOf` gives it for an interface
   * of ours.
   */
  standIn(
    text: string,
    links: readonly LinkResponder[],
    macOf: (interfaceName: string) => MacAddress | undefined,
  ): void {
    const entry = this.#entries.get(text);
    if (entry === undefined || entry.isMine) return;
    for (const responder of links) {
      const { name } = responder.link;
      const mac = isAllowed(entry, name) ? macOf(name) : undefined;
      if (mac === undefined) continue;
      responder.standIn(entry, mac);
      entry.standIns.add(responder);
    }
  }

  endStandIn(text: string): void {
    const entry = this.#entries.get(text);
    if (entry !== undefined) endStandIn(entry);
  }

  /** Says who owns an address that is not ours. */
  noteOwner(text: string, owner: string | undefined): void {
    const entry = this.#entries.get(text);
    if (entry !== undefined && !entry.isMine) this.#report(entry, owner);
  }

  /** Begins the announcements of one address anew. */
  announce(text: string, nowMs: number): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    for (const responder of entry.links) responder.announceAgain(entry, nowMs);
  }

  /** One more announcement now, in defence of the address. */
  announceOnce(text: string): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    for (const responder of entry.links) responder.announceOnce(entry);
  }

  /** Asks who has the address on every interface that it may be announced on: one station, or everybody. */
  probe(text: string, links: readonly LinkResponder[], destination?: MacAddress): void {
    const entry = this.#entries.get(text);
    if (entry === undefined) return;
    for (const responder of links) {
      if (isAllowed(entry, responder.link.name)) responder.probe(entry.address, destination);
    }
  }

  /** Places what is ours on the interfaces that are there now, and says who owns what was not reported yet. */
  settle(
    ownerOf: (text: string) => string | undefined,
    links: readonly LinkResponder[],
    nowMs: number,
  ): void {
    const hadLinks = this.#hasLinks;
    this.#hasLinks = links.length > 0;
    for (const entry of this.#entries.values()) {
      const hasMoved = this.#place(entry, links, nowMs) || hadLinks !== this.#hasLinks;
      if (hasMoved || !entry.isReported) this.#report(entry, ownerOf(entry.text));
    }
  }

  /** Announces again what this node owns and one of the peers is a candidate for. */
  announceAgain(peers: ReadonlySet<string>, nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (!entry.candidates.some(name => peers.has(name))) continue;
      for (const responder of entry.links) responder.announceAgain(entry, nowMs);
    }
  }

  /** Ceases to announce everything. */
  withdrawAll(): void {
    for (const entry of this.#entries.values()) withdraw(entry);
  }

  /** Socket filters that let everything through that may concern an address of the set, owned or not. */
  filters(): ResponderFilters {
    const ipv4: number[] = [];
    const ipv6Lows: number[] = [];
    for (const { address } of [...this.#watch.neighbors, ...this.#entries.values()]) {
      if (address.family === "ipv4") ipv4.push(Number(address.value));
      else ipv6Lows.push(Number(address.value & 0xffffffffn));
    }
    return {
      arp: buildArpFilter(toFilterRanges(ipv4)),
      ndp: buildNdpFilter(toFilterRanges(ipv6Lows)),
    };
  }

  /** The counts of the addresses whose counts changed since they were last given, in portions. */
  *changedCounters(): Generator<readonly AddressCountersReport[], undefined> {
    let changed: AddressCountersReport[] = [];
    for (const entry of this.#entries.values()) {
      const { requestsReceived, responsesSent, gratuitousSent } = entry.counters;
      const count = requestsReceived + responsesSent + gratuitousSent;
      if (count === entry.reportedCount) continue;
      entry.reportedCount = count;
      changed.push({ address: entry.text, ...entry.counters });
      if (changed.length < COUNTERS_PER_REPORT) continue;
      yield changed;
      changed = [];
    }
    yield changed;
  }

  #upsert({ address: text, interfaces, candidates }: AnnouncementEntry): void {
    const allowed = interfaces === "all" ? interfaces : new Set(interfaces);
    const known = this.#entries.get(text);
    if (known !== undefined) {
      known.interfaces = allowed;
      known.candidates = candidates;
      known.isRemoved = false;
      return;
    }
    const address = parseIpAddress(text);
    if (!address.ok) {
      this.#reports.log("error", "not an address, it cannot be announced", { address: text });
      return;
    }
    this.#watch.addAddress(address.value, text);
    this.#entries.set(text, {
      text,
      address: address.value,
      counters: { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 },
      interfaces: allowed,
      candidates,
      isMine: false,
      isRemoved: false,
      isReported: false,
      links: new Set(),
      standIns: new Set(),
      reportedCount: 0,
    });
  }

  /** Makes the interfaces it is announced on those it should be announced on; true when that changed something. */
  #place(entry: Entry, links: readonly LinkResponder[], nowMs: number): boolean {
    const isOwner = entry.isMine;
    if (!isOwner && entry.links.size === 0) return false;
    const wanted = isOwner ? links.filter(({ link }) => isAllowed(entry, link.name)) : [];
    let hasChanged = false;
    for (const responder of entry.links) {
      if (wanted.includes(responder)) continue;
      responder.disown(entry);
      entry.links.delete(responder);
      hasChanged = true;
    }
    for (const responder of wanted) {
      if (entry.links.has(responder)) continue;
      responder.own(entry, nowMs);
      entry.links.add(responder);
      hasChanged = true;
    }
    return hasChanged;
  }

  #forget(entry: Entry): void {
    endStandIn(entry);
    this.#entries.delete(entry.text);
    this.#watch.removeAddress(entry.address, entry.text);
  }

  #report(entry: Entry, owner: string | undefined): void {
    if (entry.isRemoved) return;
    entry.isReported = true;
    // Nobody has it, and it would be ours if there were an interface: that is for us to say.
    const isUnable =
      owner === undefined && !this.#hasLinks && entry.candidates.includes(this.#nodeName);
    this.#reports.add({
      type: "ownership",
      address: entry.text,
      isOwner: entry.isMine || isUnable,
      interfaces: [...entry.links].map(({ link }) => link.name).sort(),
      ...(owner === undefined ? {} : { owner }),
    });
  }
}

function isAllowed(entry: Entry, interfaceName: string): boolean {
  return entry.interfaces === "all" || entry.interfaces.has(interfaceName);
}

function withdraw(entry: Entry): void {
  for (const responder of entry.links) responder.disown(entry);
  entry.links.clear();
}

function endStandIn(entry: Entry): void {
  for (const responder of entry.standIns) responder.disown(entry);
  entry.standIns.clear();
}
