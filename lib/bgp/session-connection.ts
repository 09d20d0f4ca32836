/**
 * One TCP connection of a session: cuts its stream into events and keeps its timers. It knows no states; `session.ts` decides what
 * an event means.
 */
import { decodeOpen } from "./codec/open";
import { decodeNotification } from "./codec/notification";
import { decodeRouteRefresh } from "./codec/route-refresh";
import { surveyUpdate } from "./codec/update";
import {
  bodyOf,
  checkRouteRefreshLength,
  INITIAL_CONTEXT,
  type CodecContext,
} from "./codec/message";
import { StreamDecoder, type Frame } from "./codec/stream-decoder";
import type { BgpDecodeError } from "./codec/decode-error";
import { MIN_SEND_HOLD_TIME_MS, OPEN_HOLD_TIME_MS } from "./limits";
import type { NegotiatedSession } from "./negotiation";
import { ErrorCode, MessageType, OpenErrorSubcode } from "./constants";
import type { ConnectionId, FsmEvent, SentMessageType } from "./session-events";

/** An event of the stream, and defects of a message that were passed over. */
export interface Reading {
  readonly event: FsmEvent;
  readonly message: SentMessageType | undefined;
  readonly problems: readonly BgpDecodeError[];
}

const KEEPALIVE_JITTER = 0.25;

export class SessionConnection {
  readonly id: ConnectionId;
  /** Which side called: decides a collision. */
  readonly isInitiatedByUs: boolean;
  #session: NegotiatedSession | undefined;
  #holdDeadlineMs: number | undefined;
  #keepaliveDeadlineMs: number | undefined;
  #sendHoldDeadlineMs: number | undefined;
  readonly #decoder = new StreamDecoder();

  /** The connection waits for the peer's OPEN from now on. */
  constructor(id: ConnectionId, isInitiatedByUs: boolean, nowMs: number) {
    this.id = id;
    this.isInitiatedByUs = isInitiatedByUs;
    this.#holdDeadlineMs = nowMs + OPEN_HOLD_TIME_MS;
  }

  /** Messages after this call are read and written as the OPENs agreed. */
  agree(session: NegotiatedSession): void {
    this.#session = session;
    this.#decoder.maxMessageOctets = session.maxMessageOctets;
  }

  get context(): CodecContext {
    return this.#session ?? INITIAL_CONTEXT;
  }

  /** The event of the timer that has expired; of several the one that ends the session. */
  dueTimer(
    nowMs: number,
  ): "holdTimerExpires" | "sendHoldTimerExpires" | "keepaliveTimerExpires" | undefined {
    const isDue = (deadlineMs: number | undefined): boolean =>
      deadlineMs !== undefined && deadlineMs <= nowMs;
    if (isDue(this.#holdDeadlineMs)) return "holdTimerExpires";
    if (isDue(this.#sendHoldDeadlineMs)) return "sendHoldTimerExpires";
    return isDue(this.#keepaliveDeadlineMs) ? "keepaliveTimerExpires" : undefined;
  }

  /** Starts the hold timer anew; with hold time 0 none guards Established, but a peer's first KEEPALIVE is awaited only so long. */
  restartHold(nowMs: number, isEstablished: boolean): void {
    const holdTimeMs = this.#session?.holdTimeMs ?? 0;
    if (holdTimeMs > 0) this.#holdDeadlineMs = nowMs + holdTimeMs;
    else this.#holdDeadlineMs = isEstablished ? undefined : nowMs + OPEN_HOLD_TIME_MS;
  }

  /** Starts the keepalive timer anew, shortened by up to a quarter (RFC 4271 §10); `random` is from 0 up to 1. */
  restartKeepalive(nowMs: number, random: number): void {
    const keepaliveMs = this.#session?.keepaliveMs ?? 0;
    if (keepaliveMs === 0) return;
    this.#keepaliveDeadlineMs = nowMs + Math.ceil(keepaliveMs * (1 - KEEPALIVE_JITTER * random));
  }

  /** Octets are on their way to the kernel: it must take some of them within the send hold time (RFC 9687). */
  noteSent(nowMs: number): void {
    if (this.#session === undefined) return;
    this.#sendHoldDeadlineMs ??= nowMs + this.#sendHoldTimeMs(this.#session);
  }

  /** The kernel has taken octets; `isDrained` when none is left. */
  noteProgress(nowMs: number, isDrained: boolean): void {
    if (this.#session === undefined) return;
    this.#sendHoldDeadlineMs = isDrained ? undefined : nowMs + this.#sendHoldTimeMs(this.#session);
  }

  push(octets: Uint8Array): void {
    this.#decoder.push(octets);
  }

  /** The next event of the stream; undefined when more octets are needed. UPDATEs are looked into only if `isEstablished`. */
  read(isEstablished: boolean): Reading | undefined {
    const frame = this.#decoder.next();
    if (frame === undefined) return undefined;
    if (!frame.ok) return reading({ type: "bgpHeaderErr", error: frame.error });
    return this.#readFrame(frame.value, isEstablished);
  }

  nextDeadlineMs(): number | undefined {
    return earliest([this.#holdDeadlineMs, this.#keepaliveDeadlineMs, this.#sendHoldDeadlineMs]);
  }

  #sendHoldTimeMs(session: NegotiatedSession): number {
    return Math.max(2 * session.holdTimeMs, MIN_SEND_HOLD_TIME_MS);
  }

  #readFrame(frame: Frame, isEstablished: boolean): Reading {
    const body = bodyOf(frame.octets);
    switch (frame.type) {
      case MessageType.open:
        return readOpen(body);
      case MessageType.update:
        return isEstablished
          ? this.#readUpdate(body)
          : reading({ type: "updateMsg", survey: undefined }, "update");
      case MessageType.notification:
        return readNotification(body);
      case MessageType.routeRefresh: {
        const error = checkRouteRefreshLength(frame.octets, this.context);
        if (error !== undefined) return reading({ type: "bgpHeaderErr", error }, "routeRefresh");
        const refresh = decodeRouteRefresh(body);
        return reading({ type: "routeRefreshMsg", refresh }, "routeRefresh");
      }
      default:
        return reading({ type: "keepAliveMsg" }, "keepalive");
    }
  }

  #readUpdate(body: Uint8Array): Reading {
    const survey = surveyUpdate(body, this.context);
    if (!survey.ok) return reading({ type: "updateMsgErr", error: survey.error }, "update");
    return reading({ type: "updateMsg", survey: survey.value }, "update", survey.value.problems);
  }
}

/** The smallest of the times that are set. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  let result: number | undefined;
  for (const time of times) {
    if (time !== undefined && (result === undefined || time < result)) result = time;
  }
  return result;
}

function readOpen(body: Uint8Array): Reading {
  const decoded = decodeOpen(body);
  if (!decoded.ok) return reading({ type: "bgpOpenMsgErr", error: decoded.error }, "open");
  return reading({ type: "bgpOpen", open: decoded.value.message }, "open", decoded.value.problems);
}

function readNotification(body: Uint8Array): Reading {
  const notification = decodeNotification(body);
  const isVersionError =
    notification.code === ErrorCode.openMessageError &&
    notification.subcode === OpenErrorSubcode.unsupportedVersionNumber;
  const type = isVersionError ? "notifMsgVerErr" : "notifMsg";
  return reading({ type, notification }, "notification");
}

function reading(
  event: FsmEvent,
  message?: SentMessageType,
  problems: readonly BgpDecodeError[] = [],
): Reading {
  return { event, message, problems };
}
