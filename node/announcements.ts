/**
 * The addresses of the cluster as this node sees them: who owns each, and on which of our interfaces we announce it. Pure
 * bookkeeping over `LinkResponder`s: every change ends in `#place`, which makes what is announced equal to what should be.
 */
import { electOwner } from "../lib/liveness/ownership";
import { parseIpAddress } from "../lib/net/ip-address";
import { COUNTERS_PER_REPORT } from "./limits";
import type { AnnouncedAddress, LinkResponder, ResponderFilters } from "./link-responder";
import type { AddressCountersReport, AnnouncementEntry } from "./packet-protocol";
import type { ReportQueue } from "./report-queue";
import { buildArpFilter, buildNdpFilter, toFilterRanges } from "./socket-filter";

interface Entry extends AnnouncedAddress {
  readonly text: string;
  interfaces: ReadonlySet<string> | "all";
  candidates: readonly string[];
  owner: string | undefined;
  isReported: boolean;
  /** Where it is announced now. */
  readonly links: Set<LinkResponder>;
  /** Sum of the counts at the last report. */
  reportedCount: number;
}

export class Announcements {
  readonly #nodeName: string;
  readonly #reports: ReportQueue;
  readonly #entries = new Map<string, Entry>();

  constructor(nodeName: string, reports: ReportQueue) {
    this.#nodeName = nodeName;
    this.#reports = reports;
  }

  /** Applies a change of the desired set; call `elect` afterwards. Text that is no address is logged and passed over. */
  change(changed: readonly AnnouncementEntry[], removed: readonly string[]): void {
    for (const text of removed) {
      const entry = this.#entries.get(text);
      if (entry === undefined) continue;
      this.#entries.delete(text);
      withdraw(entry);
    }
    for (const entry of changed) this.#upsert(entry);
  }

  /** Decides anew who owns each address and announces, or ceases to announce, accordingly. */
  elect(
    isEligible: (nodeName: string) => boolean,
    links: readonly LinkResponder[],
    nowMs: number,
  ): void {
    for (const entry of this.#entries.values()) {
      const owner = electOwner(entry.candidates, isEligible);
      const isOwnerNew = owner !== entry.owner || !entry.isReported;
      entry.owner = owner;
      const arePlacesNew = this.#place(entry, links, nowMs);
      if (isOwnerNew || arePlacesNew) this.#report(entry);
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
    for (const { address } of this.#entries.values()) {
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
      return;
    }
    const address = parseIpAddress(text);
    if (!address.ok) {
      this.#reports.log("error", "not an address, it cannot be announced", { address: text });
      return;
    }
    this.#entries.set(text, {
      text,
      address: address.value,
      counters: { requestsReceived: 0, responsesSent: 0, gratuitousSent: 0 },
      interfaces: allowed,
      candidates,
      owner: undefined,
      isReported: false,
      links: new Set(),
      reportedCount: 0,
    });
  }

  /** Makes the interfaces it is announced on those it should be announced on; true when that changed something. */
  #place(entry: Entry, links: readonly LinkResponder[], nowMs: number): boolean {
    const isOwner = entry.owner === this.#nodeName;
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

  #report(entry: Entry): void {
    entry.isReported = true;
    this.#reports.add({
      type: "ownership",
      address: entry.text,
      isOwner: entry.owner === this.#nodeName,
      interfaces: [...entry.links].map(({ link }) => link.name).sort(),
      ...(entry.owner === undefined ? {} : { owner: entry.owner }),
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
