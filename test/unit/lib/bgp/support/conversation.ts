/** A session under test and the peer's side of it: builds what the peer says, reads what the session sends. */
import {
  decodeMessage,
  encodeMessage,
  type BgpMessage,
} from "../../../../../lib/bgp/codec/message";
import type {
  Capability,
  GracefulRestartCapability,
} from "../../../../../lib/bgp/codec/capability";
import type { NotificationMessage } from "../../../../../lib/bgp/codec/notification";
import type { OpenMessage } from "../../../../../lib/bgp/codec/open";
import type { SessionConfiguration } from "../../../../../lib/bgp/negotiation";
import { BgpSession } from "../../../../../lib/bgp/session";
import type { SessionAction, SessionEvent } from "../../../../../lib/bgp/session-events";
import { toContext } from "./golden";

export const LOCAL_AS = 65_001;
export const REMOTE_AS = 65_002;

export const CONFIGURATION: SessionConfiguration = {
  localAs: LOCAL_AS,
  expectedAs: { type: "exactly", as: REMOTE_AS },
  bgpIdentifier: 0x0a00_0001,
  holdTimeSeconds: 90,
  keepaliveSeconds: 30,
  families: ["ipv4-unicast", "ipv6-unicast"],
  offersExtendedNextHop: false,
  offersExtendedMessages: false,
};

export const PEER_CAPABILITIES: readonly Capability[] = [
  { type: "multiprotocol", afi: 1, safi: 1 },
  { type: "multiprotocol", afi: 2, safi: 1 },
  { type: "routeRefresh" },
  { type: "fourOctetAs", as: REMOTE_AS },
];

export const PEER_OPEN: OpenMessage = {
  type: "open",
  myAs: REMOTE_AS,
  holdTimeSeconds: 90,
  bgpIdentifier: 0x0a00_0002,
  capabilities: PEER_CAPABILITIES,
};

export const GRACEFUL_RESTART: GracefulRestartCapability = {
  type: "gracefulRestart",
  isRestarting: false,
  supportsNotification: true,
  restartTimeSeconds: 120,
  families: [],
};

export const KEEPALIVE = encodeMessage({ type: "keepalive" });

/** Drives one session; time is `nowMs`, moved by hand. */
export class Conversation {
  readonly session: BgpSession;
  nowMs = 1_000;
  /** The connection of the last `connect`. */
  connection = 0;
  actions: readonly SessionAction[] = [];
  /** The connection last reported as failed; a test takes it. */
  failed: number | undefined;

  constructor(configuration: Partial<SessionConfiguration> = {}, isRestarting = false) {
    const random = (): number => 0;
    this.session = new BgpSession({ ...CONFIGURATION, ...configuration }, { isRestarting, random });
  }

  handle(event: SessionEvent): readonly SessionAction[] {
    this.actions = this.session.handle(event, this.nowMs);
    if (event.type === "connectionFailed") this.failed = event.connection;
    for (const action of this.actions) {
      if (action.type === "connect") this.connection = action.connection;
    }
    return this.actions;
  }

  /** The peer says it on the connection (by default ours). */
  say(message: BgpMessage | Uint8Array, connection = this.connection): readonly SessionAction[] {
    const octets =
      message instanceof Uint8Array
        ? message
        : encodeMessage(message, { hasFourOctetAs: true, maxMessageOctets: 65_535 });
    return this.handle({ type: "octets", connection, octets });
  }

  /** Time moves to the next deadline, where the timeout is handled. */
  expire(): readonly SessionAction[] {
    const deadlineMs = this.session.nextDeadlineMs();
    if (deadlineMs === undefined) throw new Error("no timer is armed");
    this.nowMs = Math.max(this.nowMs, deadlineMs);
    return this.handle({ type: "timeout" });
  }

  toConnect(): this {
    this.handle({ type: "manualStart" });
    return this;
  }

  toActive(): this {
    this.toConnect();
    this.handle({ type: "connectionFailed", connection: this.connection, words: "refused" });
    return this;
  }

  toOpenSent(): this {
    this.toConnect();
    this.handle({ type: "connected", connection: this.connection });
    return this;
  }

  toOpenConfirm(open: OpenMessage = PEER_OPEN): this {
    this.toOpenSent();
    this.say(open);
    return this;
  }

  toEstablished(open: OpenMessage = PEER_OPEN): this {
    this.toOpenConfirm(open);
    this.say({ type: "keepalive" });
    return this;
  }

  /** A connection of the peer's comes in; gives its id. */
  accept(): number {
    const connection = this.session.allocateConnectionId();
    this.handle({ type: "accepted", connection });
    return connection;
  }
}

/** The messages among the actions, as the peer decodes them. */
export function sentMessages(actions: readonly SessionAction[]): readonly BgpMessage[] {
  const context = toContext({
    isExternal: false,
    hasFourOctetAs: true,
    families: ["ipv4-unicast", "ipv6-unicast"],
    allowsIpv6NextHopForIpv4: true,
    maxMessageOctets: 65_535,
  });
  return actions.flatMap(action => {
    if (action.type !== "send") return [];
    const decoded = decodeMessage(action.octets, context);
    if (!decoded.ok) throw new Error(`undecodable: ${decoded.error.reason}`);
    return decoded.value.message;
  });
}

/** Code and subcode of the NOTIFICATIONs among the actions. */
export function sentNotifications(actions: readonly SessionAction[]): readonly string[] {
  return sentMessages(actions)
    .filter((message): message is NotificationMessage => message.type === "notification")
    .map(({ code, subcode }) => `${code}/${subcode}`);
}

/** A short word for each action, in order: what a test of the sequence needs. */
export function outline(actions: readonly SessionAction[]): readonly string[] {
  return actions.map(action => {
    switch (action.type) {
      case "send":
        return `send ${action.message}`;
      case "stateChanged":
        return action.to;
      case "close":
        return action.isAbort ? "abort" : "close";
      case "notification":
        return `${action.direction} ${action.code}/${action.subcode}`;
      default:
        return action.type;
    }
  });
}
