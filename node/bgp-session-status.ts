/** What is told of one session: its state in words and its counts, over all the sessions its name has had. */
import type { BgpDecodeError } from "../lib/bgp/codec/decode-error";
import type { BgpPeer } from "../lib/bgp/peer";
import type { NegotiatedSession } from "../lib/bgp/negotiation";
import type { SentMessageType, SessionCounters, SessionState } from "../lib/bgp/session-events";
import { formatIpAddress } from "../lib/net/ip-address";
import type {
  BgpSessionCounters,
  BgpSessionReport,
  NegotiatedReport,
  NotificationReport,
} from "./bgp-protocol";

/** Labels of each kind; what comes beyond is counted as `other`. The registry's codes are fewer. */
const MAX_LABELS = 64;

export class BgpSessionStatus {
  readonly #session: string;
  #state: SessionState = "Idle";
  #words = "not started";
  #negotiated: NegotiatedReport | undefined;
  #localAddress: string | undefined;
  #remoteAddress: string | undefined;
  #lastSent: NotificationReport | undefined;
  #lastReceived: NotificationReport | undefined;
  #flaps = 0;
  #connectionAttempts = 0;
  /** Of the sessions before the present one. */
  #before: SessionCounters = NO_COUNTERS;
  readonly #warnings = new Map<string, string>();
  readonly #malformed = new Map<string, number>();
  readonly #notifications = new Map<string, number>();
  #isChanged = true;

  constructor(session: string) {
    this.#session = session;
  }

  get localAddress(): string | undefined {
    return this.#localAddress;
  }

  setState(state: SessionState, words: string): void {
    this.#state = state;
    this.#words = words;
    if (state !== "Established" && state !== "OpenConfirm") this.#negotiated = undefined;
    this.#isChanged = true;
  }

  setNegotiated(session: NegotiatedSession): void {
    this.#negotiated = toNegotiatedReport(session);
    this.#isChanged = true;
  }

  setRemote(remoteAddress: string): void {
    if (this.#remoteAddress !== remoteAddress) this.#isChanged = true;
    this.#remoteAddress = remoteAddress;
  }

  setLocal(localAddress: string): void {
    if (this.#localAddress !== localAddress) this.#isChanged = true;
    this.#localAddress = localAddress;
  }

  /** A warning stays until it is taken back (`words` undefined) or replaced; true when it is news. */
  setWarning(subject: string, words: string | undefined): boolean {
    if (this.#warnings.get(subject) === words) return false;
    if (words === undefined) this.#warnings.delete(subject);
    else this.#warnings.set(subject, words);
    this.#isChanged = true;
    return words !== undefined;
  }

  countAttempt(): void {
    this.#connectionAttempts += 1;
  }

  countFlap(): void {
    this.#flaps += 1;
  }

  noteNotification(direction: "sent" | "received", notification: NotificationReport): void {
    const { code, subcode } = notification;
    count(this.#notifications, `${direction} ${code}/${subcode}`, 1);
    if (direction === "sent") this.#lastSent = notification;
    else this.#lastReceived = notification;
    this.#isChanged = true;
  }

  noteProblems(problems: readonly BgpDecodeError[]): void {
    for (const { code, subcode, reaction } of problems) {
      count(this.#malformed, `${code}/${subcode} ${reaction}`, 1);
    }
  }

  /** The session ends for good: what it counted is kept. */
  keepCounters(counters: SessionCounters): void {
    this.#before = addCounters(this.#before, counters);
  }

  /** The whole state if it changed since the last call. */
  takeReport(): BgpSessionReport | undefined {
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    return {
      type: "session",
      session: this.#session,
      state: this.#state,
      words: this.#words,
      flaps: this.#flaps,
      warnings: [...this.#warnings.values()],
      ...(this.#localAddress === undefined ? {} : { localAddress: this.#localAddress }),
      ...(this.#remoteAddress === undefined ? {} : { remoteAddress: this.#remoteAddress }),
      ...(this.#negotiated === undefined ? {} : { negotiated: this.#negotiated }),
      ...(this.#lastSent === undefined ? {} : { lastSent: this.#lastSent }),
      ...(this.#lastReceived === undefined ? {} : { lastReceived: this.#lastReceived }),
    };
  }

  counters({ session, rib }: BgpPeer): BgpSessionCounters {
    return {
      ...addCounters(this.#before, session.counters),
      flaps: this.#flaps,
      session: this.#session,
      connectionAttempts: this.#connectionAttempts,
      desiredPrefixes: rib.desiredPrefixes,
      sentPrefixes: rib.sentPrefixes,
      pendingPrefixes: rib.pendingPrefixes,
      malformed: Object.fromEntries(this.#malformed),
      notifications: Object.fromEntries(this.#notifications),
    };
  }
}

function toNegotiatedReport(session: NegotiatedSession): NegotiatedReport {
  const remoteIdentifier = { family: "ipv4", value: BigInt(session.remoteIdentifier) } as const;
  return {
    localAs: session.localAs,
    remoteAs: session.remoteAs,
    isExternal: session.isExternal,
    remoteIdentifier: formatIpAddress(remoteIdentifier),
    holdTimeMs: session.holdTimeMs,
    keepaliveMs: session.keepaliveMs,
    families: session.families,
    hasFourOctetAs: session.hasFourOctetAs,
    allowsIpv6NextHopForIpv4: session.allowsIpv6NextHopForIpv4,
    hasGracefulRestart: session.gracefulRestart !== undefined,
  };
}

/** A peer chooses codes and subcodes freely: the labels it can make are bounded. */
function count(counts: Map<string, number>, label: string, by: number): void {
  const known = counts.has(label) || counts.size < MAX_LABELS ? label : "other";
  counts.set(known, (counts.get(known) ?? 0) + by);
}

function addCounters(left: SessionCounters, right: SessionCounters): SessionCounters {
  return {
    sent: addMessages(left.sent, right.sent),
    received: addMessages(left.received, right.received),
    announcedPrefixes: left.announcedPrefixes + right.announcedPrefixes,
    withdrawnPrefixes: left.withdrawnPrefixes + right.withdrawnPrefixes,
    malformedMessages: left.malformedMessages + right.malformedMessages,
    flaps: left.flaps + right.flaps,
  };
}

type MessageCounts = Readonly<Record<SentMessageType, number>>;

function addMessages(left: MessageCounts, right: MessageCounts): MessageCounts {
  return {
    open: left.open + right.open,
    update: left.update + right.update,
    notification: left.notification + right.notification,
    keepalive: left.keepalive + right.keepalive,
    routeRefresh: left.routeRefresh + right.routeRefresh,
  };
}

const NO_MESSAGES: MessageCounts = {
  open: 0,
  update: 0,
  notification: 0,
  keepalive: 0,
  routeRefresh: 0,
};

const NO_COUNTERS: SessionCounters = {
  sent: NO_MESSAGES,
  received: NO_MESSAGES,
  announcedPrefixes: 0,
  withdrawnPrefixes: 0,
  malformedMessages: 0,
  flaps: 0,
};
