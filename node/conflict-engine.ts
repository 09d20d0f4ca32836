/**
 * Address conflicts at work: `AddressConflicts` of lib/net between the election and the announcements. What the election gives
 * this node is announced when no stranger has it; what strangers claim is defended and reported.
 */
import {
  AddressConflicts,
  type ConflictAction,
  type ConflictEvent,
  type ConflictSettings,
} from "../lib/net/address-conflict";
import { formatMacAddress } from "../lib/net/mac-address";
import type { HeardSender } from "./frame-listener";
import type { PollEngine } from "./poll-loop";
import type { ReportQueue } from "./report-queue";
import type { SegmentEngine } from "./segment-engine";

export interface ConflictEngineOptions {
  readonly segment: SegmentEngine;
  readonly reports: ReportQueue;
  /** Whether a MAC address, as lower-case text, belongs to this node or to another speaker. */
  readonly isSpeaker: (mac: string) => boolean;
  /** Gives [0, 1). */
  readonly random: () => number;
}

export class ConflictEngine implements PollEngine {
  readonly fds: readonly number[] = [];
  readonly #options: ConflictEngineOptions;
  readonly #conflicts: AddressConflicts;

  constructor(options: ConflictEngineOptions) {
    this.#options = options;
    this.#conflicts = new AddressConflicts(options.isSpeaker, options.random);
  }

  configure(settings: ConflictSettings): void {
    this.#conflicts.setSettings(settings);
  }

  /** Feeds the event to the machine and does at once what comes of it. */
  handle(event: ConflictEvent, nowMs: number): void {
    for (const action of this.#conflicts.handle(event, nowMs)) this.#carryOut(action, nowMs);
  }

  /** A station that is no speaker, as far as is known, claims an address of the cluster or asks whether it may. */
  noteStranger({ claimed, asked, mac, link }: HeardSender, nowMs: number): void {
    const address = claimed ?? asked;
    if (address === undefined) return;
    const kind = claimed === undefined ? "probe" : "claim";
    const macText = formatMacAddress(mac);
    this.handle({ type: "foreign", address, mac: macText, interfaceName: link.name, kind }, nowMs);
  }

  onReadable(): void {
    // It has nothing to read.
  }

  onTurn(nowMs: number): void {
    const deadlineMs = this.#conflicts.nextDeadlineMs();
    if (deadlineMs !== undefined && deadlineMs <= nowMs) this.handle({ type: "timeout" }, nowMs);
  }

  nextDeadlineMs(): number | undefined {
    return this.#conflicts.nextDeadlineMs();
  }

  close(): void {
    // Its addresses are given up with the segment.
  }

  #carryOut(action: ConflictAction, nowMs: number): void {
    const { segment, reports } = this.#options;
    if (action.type === "report") {
      reports.add({ type: "conflict", ...action.report });
      return;
    }
    const { type, address } = action;
    const { announcements } = segment;
    if (type === "announce") announcements.take(address, segment.links(), nowMs);
    else if (type === "withhold") announcements.withhold(address);
    else if (type === "defend") announcements.announceOnce(address);
    else segment.probe(address);
  }
}
