/** What one call of a session gives back: collects the actions in order and counts messages. */
import { HEADER_LENGTH_OCTETS, MessageType } from "./constants";
import { encodeMessage, type BgpMessage } from "./codec/message";
import type { NotificationMessage } from "./codec/notification";
import type { UpdateSurvey } from "./codec/update";
import { describeNotification } from "./notification-text";
import type { Reading, SessionConnection } from "./session-connection";
import type {
  ConnectionId,
  SentMessageType,
  SessionAction,
  SessionCounters,
} from "./session-events";

export class SessionOutput {
  #actions: SessionAction[] = [];
  readonly #sent = noMessages();
  readonly #received = noMessages();
  #announcedPrefixes = 0;
  #withdrawnPrefixes = 0;
  #malformedMessages = 0;
  #flaps = 0;

  /** The actions since the last call. */
  take(): readonly SessionAction[] {
    const actions = this.#actions;
    this.#actions = [];
    return actions;
  }

  add(action: SessionAction): void {
    if (action.type === "down") this.#flaps += 1;
    this.#actions.push(action);
  }

  send(connection: SessionConnection, message: BgpMessage, nowMs: number): void {
    this.#sendOctets(connection, message.type, encodeMessage(message, connection.context));
    connection.noteSent(nowMs);
    if (message.type === "notification") this.#reportNotification("sent", message);
  }

  /** Sends whole messages of the Adj-RIB-Out: UPDATEs, and the ROUTE-REFRESHs around them. */
  sendUpdates(connection: SessionConnection, messages: readonly Uint8Array[], nowMs: number): void {
    for (const octets of messages) {
      const isUpdate = octets[HEADER_LENGTH_OCTETS - 1] === MessageType.update;
      this.#sendOctets(connection, isUpdate ? "update" : "routeRefresh", octets);
    }
    connection.noteSent(nowMs);
  }

  close(connection: ConnectionId, isAbort = false): void {
    this.#actions.push({ type: "close", connection, isAbort });
  }

  /** Counts what was read; tells of a NOTIFICATION and of a message that is passed over in part. */
  reportReading({ event, message, problems }: Reading): void {
    if (message !== undefined) this.#received[message] += 1;
    if ("notification" in event) this.#reportNotification("received", event.notification);
    if (problems.length === 0) return;
    const survey = event.type === "updateMsg" ? event.survey : undefined;
    this.#malformedMessages += 1;
    this.#actions.push({
      type: "malformed",
      message: survey === undefined ? "open" : "update",
      problems,
      problemCount: survey?.problemCount ?? problems.length,
    });
  }

  countRoutes({ announced, withdrawn }: UpdateSurvey): void {
    this.#announcedPrefixes += announced["ipv4-unicast"] + announced["ipv6-unicast"];
    this.#withdrawnPrefixes += withdrawn["ipv4-unicast"] + withdrawn["ipv6-unicast"];
  }

  counters(): SessionCounters {
    return {
      received: { ...this.#received },
      sent: { ...this.#sent },
      announcedPrefixes: this.#announcedPrefixes,
      withdrawnPrefixes: this.#withdrawnPrefixes,
      malformedMessages: this.#malformedMessages,
      flaps: this.#flaps,
    };
  }

  #sendOctets(connection: SessionConnection, message: SentMessageType, octets: Uint8Array): void {
    this.#sent[message] += 1;
    this.#actions.push({ type: "send", connection: connection.id, message, octets });
  }

  #reportNotification(direction: "sent" | "received", message: NotificationMessage): void {
    const { code, subcode } = message;
    const words = describeNotification(message);
    this.#actions.push({ type: "notification", direction, code, subcode, words });
  }
}

function noMessages(): Record<SentMessageType, number> {
  return { open: 0, update: 0, notification: 0, keepalive: 0, routeRefresh: 0 };
}
