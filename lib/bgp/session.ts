/**
 * One peer's session: the FSM of RFC 4271 §8 with collision detection (§6.8), graceful restart (RFC 4724), the send hold timer
 * (RFC 9687) and a back-off that bears any peer. `session-table.ts` says what happens when; here is how. Its connections are in
 * `session-connections.ts`, their timers in `session-connection.ts`, the ones between connections in `retry-timers.ts`.
 *
 *      driver ── octets, connected, timeout … ──► handle ──► connect, send, close, established, down … ──► driver
 */
import { assert } from "../net/result";
import { Backoff, type FailureCause } from "./backoff";
import { unwrapHardReset, type NotificationMessage } from "./codec/notification";
import type { OpenMessage } from "./codec/open";
import { trackedConnectionWins } from "./collision";
import {
  familyToRefresh,
  makeOpen,
  negotiate,
  reduceCapabilities,
  type CapabilityLevel,
  type NegotiatedSession,
  type SessionConfiguration,
} from "./negotiation";
import { RetryTimers } from "./retry-timers";
import { earliest, type Reading, type SessionConnection } from "./session-connection";
import { SessionConnections } from "./session-connections";
import type {
  ConnectionId,
  FsmEvent,
  SessionAction,
  SessionCounters,
  SessionEvent,
  SessionState,
} from "./session-events";
import {
  BFD_DOWN,
  COLLISION,
  dropFor,
  dropForError,
  dropForNotification,
  dropForSendHold,
  dropForUnexpected,
  dropToLeave,
  HOLD_TIMER_EXPIRED,
  toNotification,
  UNEXPECTED_IN_OPEN_SENT,
  type Drop,
} from "./session-drop";
import { SessionOutput } from "./session-output";
import { operationOf, type Operation } from "./session-table";

/** BGP session FSM. Owns no socket and no timer: feed events, carry out the actions in order, call back at the deadline. */
export class BgpSession {
  readonly #configuration: SessionConfiguration;
  readonly #random: () => number;
  readonly #retry: RetryTimers;
  readonly #output = new SessionOutput();
  readonly #connections = new SessionConnections(this.#output);
  #state: SessionState = "Idle";
  #negotiated: NegotiatedSession | undefined;
  #connectRetryCounter = 0;
  #establishedAtMs = 0;
  #level: CapabilityLevel = "full";
  #isRestarting: boolean;
  #nowMs = 0;

  /**
   * `isRestarting` is true for sessions made when the process begins: it sets the R bit until the session was Established once.
   * `random` gives numbers from 0 up to 1.
   */
  constructor(
    configuration: SessionConfiguration,
    options: { readonly isRestarting: boolean; readonly random: () => number },
  ) {
    assert(configuration.families.length > 0, "a session without a family");
    this.#configuration = configuration;
    this.#isRestarting = options.isRestarting;
    this.#random = options.random;
    this.#retry = new RetryTimers(new Backoff(options.random, configuration.connectRetrySeconds));
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What the OPENs agreed on; undefined before OpenConfirm. */
  get negotiated(): NegotiatedSession | undefined {
    return this.#negotiated;
  }

  /** Failures since the last manual start (ConnectRetryCounter, RFC 4271 §8). */
  get connectRetryCounter(): number {
    return this.#connectRetryCounter;
  }

  get counters(): SessionCounters {
    return this.#output.counters();
  }

  /** Another `connectTime`: the only parameter that needs no new session. Counts from the next wait on. */
  readonly setConnectRetry = (seconds?: number): void => this.#retry.setConnectRetry(seconds);

  /** The id for a connection the driver accepted, to be given with `accepted`. */
  allocateConnectionId(): ConnectionId {
    return this.#connections.allocateId();
  }

  /** Carries the event through the FSM; gives what the driver must do, in order. `nowMs` never goes back. */
  handle(event: SessionEvent, nowMs: number): readonly SessionAction[] {
    this.#nowMs = nowMs;
    this.#dispatch(event);
    return this.#output.take();
  }

  /** When `{ type: "timeout" }` is due next; undefined if nothing is armed. An early or repeated call is harmless. */
  nextDeadlineMs(): number | undefined {
    return earliest([this.#retry.nextDeadlineMs(), this.#connections.nextDeadlineMs()]);
  }

  #dispatch(event: SessionEvent): void {
    switch (event.type) {
      case "timeout":
        this.#expireTimers();
        return;
      case "connected":
        this.#handleConnected(event.connection);
        return;
      case "accepted":
        this.#step({ type: "tcpConnectionConfirmed", connection: event.connection });
        return;
      case "connectionFailed":
        this.#handleFailure(event.connection, event.words);
        return;
      case "octets":
        this.#handleOctets(event.connection, event.octets);
        return;
      case "sendUpdates":
        this.#sendUpdates(event.messages);
        return;
      case "sendProgress":
        this.#handleProgress(event.connection, event.unsentOctets);
        return;
      case "bfdUp":
        if (this.#retry.waitsForBfd) this.#step({ type: "idleHoldTimerExpires" });
        return;
      default:
        this.#step(event);
    }
  }

  #step(event: FsmEvent): void {
    this.#operations[operationOf(this.#state, event.type)](event);
  }

  readonly #operations: Readonly<Record<Operation, (event: FsmEvent) => void>> = {
    ignore: () => undefined,
    refuse: event => {
      if ("connection" in event) this.#output.close(event.connection);
    },
    startManually: () => {
      this.#connectRetryCounter = 0;
      this.#connect("started");
    },
    start: () => this.#connect("starting again"),
    listen: () => {
      this.#retry.armConnectRetry(this.#nowMs);
      this.#transition("Active", "waiting for the peer");
    },
    stop: event => {
      this.#leave(event);
      this.#connectRetryCounter = 0;
    },
    stopAutomatically: event => this.#leave(event, "protocol"),
    reconnect: () => this.#connect("connect retry timer expired"),
    sendOpen: event => this.#sendOpen(event),
    waitInActive: event => this.#waitInActive(event),
    track: event => this.#openConnection(event),
    negotiate: event => {
      if (event.type === "bgpOpen") this.#negotiate(event.open);
    },
    sendError: event => {
      if ("error" in event) this.#drop(dropForError(event.error));
    },
    sendHoldExpired: () => this.#drop(dropFor(HOLD_TIMER_EXPIRED)),
    sendUnexpected: () => this.#drop(dropForUnexpected(this.#state)),
    sendCollision: () => this.#drop(dropFor(COLLISION)),
    sendBfdDown: () => this.#drop(dropFor(BFD_DOWN)),
    abort: () => this.#drop(dropForSendHold()),
    drop: event => this.#dropOn(event),
    sendKeepalive: () => this.#sendKeepalive(),
    establish: () => this.#establish(),
    acceptUpdate: event => {
      if (event.type === "updateMsg" && event.survey !== undefined) {
        this.#output.countRoutes(event.survey);
      }
    },
    acceptRefresh: event => {
      if (event.type !== "routeRefreshMsg") return;
      const family = familyToRefresh(this.#negotiated, event.refresh);
      if (family !== undefined) this.#output.add({ type: "refreshRequested", family });
    },
  };

  #expireTimers(): void {
    if (this.#retry.isIdleHoldDue(this.#nowMs)) this.#step({ type: "idleHoldTimerExpires" });
    if (this.#retry.isConnectRetryDue(this.#nowMs)) {
      this.#step({ type: "connectRetryTimerExpires" });
    }
    if (this.#connections.tracked?.dueTimer(this.#nowMs) !== undefined) {
      this.#dropTracked(HOLD_TIMER_EXPIRED);
    }
    const due = this.#connections.main?.dueTimer(this.#nowMs);
    if (due !== undefined) this.#step({ type: due });
  }

  #handleConnected(connection: ConnectionId): void {
    if (!this.#connections.completeAttempt(connection)) return;
    this.#step({ type: "tcpConnectionRequestAcked", connection });
  }

  #handleFailure(id: ConnectionId, words: string): void {
    if (!this.#connections.forget(id) || this.#connections.main !== undefined) return;
    // Established ends with its connection; before, the second one takes the place of the first.
    if (this.#state !== "Established" && this.#promoteTracked(words)) return;
    this.#step({ type: "tcpConnectionFails", words });
  }

  #handleOctets(id: ConnectionId, octets: Uint8Array): void {
    const connection = this.#connections.find(id);
    if (connection === undefined) return;
    connection.push(octets);
    // An event may end the connection, or make the tracked one the main one: each is looked at anew.
    while (this.#connections.find(id) !== undefined) {
      const isEstablished = connection === this.#connections.main && this.#state === "Established";
      const reading = connection.read(isEstablished);
      if (reading === undefined) return;
      this.#handleReading(connection, reading);
    }
  }

  #handleReading(connection: SessionConnection, reading: Reading): void {
    const { event } = reading;
    this.#output.reportReading(reading);
    if (connection === this.#connections.tracked) {
      this.#stepTracked(event);
      return;
    }
    if (this.#state === "Established") connection.restartHold(this.#nowMs, true);
    this.#step(event);
  }

  /** A second connection only ever waits for the peer's OPEN. */
  #stepTracked(event: FsmEvent): void {
    if (event.type === "bgpOpen") this.#collide(event.open);
    else if ("notification" in event) this.#dropTracked(undefined);
    else if ("error" in event) this.#dropTracked(toNotification(event.error));
    else this.#dropTracked(UNEXPECTED_IN_OPEN_SENT);
  }

  /** The peer's OPEN has come on the second connection: one of the two goes. */
  #collide(open: OpenMessage): void {
    const { main, tracked } = this.#connections;
    if (main === undefined || tracked === undefined) return;
    const agreed = negotiate(this.#configuration, this.#makeOpen(), open);
    if (!agreed.ok) {
      this.#dropTracked(toNotification(agreed.error));
      return;
    }
    const isEstablished = this.#state === "Established";
    // RFC 4724 §5: the peer has restarted before we noticed. Else an Established session stays (RFC 4271 §6.8).
    const isReplaced = isEstablished
      ? this.#negotiated?.gracefulRestart !== undefined
      : trackedConnectionWins(main, tracked, this.#configuration.bgpIdentifier, agreed.value);
    if (!isReplaced) {
      this.#dropTracked(COLLISION);
      return;
    }
    const words = isEstablished ? "the peer has restarted" : "the peer's other connection stays";
    if (isEstablished) this.#output.add({ type: "down", words });
    this.#promoteTracked(words, isEstablished ? undefined : COLLISION);
    this.#negotiate(open);
  }

  /** Goes on with the second connection as one that waits for the peer's OPEN; false without one. */
  #promoteTracked(words: string, lastMessage?: NotificationMessage): boolean {
    if (!this.#connections.promoteTracked(lastMessage, this.#nowMs)) return false;
    this.#negotiated = undefined;
    this.#transition("OpenSent", words);
    return true;
  }

  #dropTracked(lastMessage: NotificationMessage | undefined): void {
    this.#connections.dropTracked(lastMessage, this.#nowMs);
  }

  #connect(words: string): void {
    this.#retry.armConnectRetry(this.#nowMs);
    this.#connections.connect();
    this.#transition("Connect", words);
  }

  #waitInActive(event: FsmEvent): void {
    // In Connect the timer goes on from when the attempt began; a connection that was up begins it anew.
    if (this.#state !== "Connect") this.#retry.armConnectRetry(this.#nowMs);
    this.#connectRetryCounter += 1;
    this.#connections.closeAll({}, this.#nowMs);
    this.#negotiated = undefined;
    this.#transition("Active", event.type === "tcpConnectionFails" ? event.words : "TCP failed");
  }

  #sendOpen(event: FsmEvent): void {
    this.#retry.stop();
    this.#openConnection(event);
    this.#transition("OpenSent", "TCP is up");
  }

  #openConnection(event: FsmEvent): void {
    if (!("connection" in event)) return;
    const isInitiatedByUs = event.type === "tcpConnectionRequestAcked";
    const connection = { id: event.connection, isInitiatedByUs };
    this.#connections.open(connection, this.#makeOpen(), this.#nowMs);
  }

  #makeOpen(): OpenMessage {
    return makeOpen(this.#configuration, this.#level, this.#isRestarting);
  }

  #negotiate(open: OpenMessage): void {
    const connection = this.#connections.main;
    if (connection === undefined) return;
    const agreed = negotiate(this.#configuration, this.#makeOpen(), open);
    if (!agreed.ok) {
      this.#drop(dropForError(agreed.error));
      return;
    }
    this.#negotiated = agreed.value;
    connection.agree(agreed.value);
    this.#output.send(connection, { type: "keepalive" }, this.#nowMs);
    connection.restartKeepalive(this.#nowMs, this.#random());
    connection.restartHold(this.#nowMs, false);
    this.#transition("OpenConfirm", "OPENs agree");
  }

  #establish(): void {
    const connection = this.#connections.main;
    const session = this.#negotiated;
    if (connection === undefined || session === undefined) return;
    this.#dropTracked(COLLISION);
    this.#connections.abandonAttempt();
    connection.restartHold(this.#nowMs, true);
    this.#establishedAtMs = this.#nowMs;
    this.#isRestarting = false;
    this.#transition("Established", "KEEPALIVE received");
    this.#output.add({ type: "established", connection: connection.id, session });
  }

  #sendUpdates(messages: readonly Uint8Array[]): void {
    const connection = this.#connections.main;
    if (this.#state !== "Established" || connection === undefined || messages.length === 0) return;
    this.#output.sendUpdates(connection, messages, this.#nowMs);
    connection.restartKeepalive(this.#nowMs, this.#random());
  }

  #sendKeepalive(): void {
    const connection = this.#connections.main;
    if (connection === undefined) return;
    this.#output.send(connection, { type: "keepalive" }, this.#nowMs);
    connection.restartKeepalive(this.#nowMs, this.#random());
  }

  #handleProgress(id: ConnectionId, unsentOctets: number): void {
    const { main } = this.#connections;
    if (id === main?.id) main.noteProgress(this.#nowMs, unsentOctets === 0);
  }

  #leave(event: FsmEvent, cause?: FailureCause): void {
    if ("reason" in event) this.#drop(dropToLeave(event, this.#negotiated, cause));
  }

  /** Goes to Idle without a word to the peer. */
  #dropOn(event: FsmEvent): void {
    if (!("notification" in event)) {
      const words = "words" in event ? event.words : "out of step";
      this.#drop({ words, cause: "transport" });
      return;
    }
    const wasEstablished = this.#state === "Established";
    this.#drop(dropForNotification(event.notification, wasEstablished));
    if (wasEstablished) return;
    const answer = unwrapHardReset(event.notification);
    this.#level = reduceCapabilities(this.#level, this.#configuration, answer);
    // RFC 4271 §8.2.2: a peer of another version is no failure to count.
    if (event.type === "notifMsgVerErr") this.#connectRetryCounter -= 1;
  }

  #drop(drop: Drop): void {
    const { words, cause } = drop;
    this.#connections.closeAll(drop, this.#nowMs);
    this.#negotiated = undefined;
    const wasEstablished = this.#state === "Established";
    if (wasEstablished) this.#output.add({ type: "down", words });
    this.#connectRetryCounter += 1;
    this.#retry.stop();
    const establishedMs = wasEstablished ? this.#nowMs - this.#establishedAtMs : 0;
    if (cause !== undefined) this.#retry.armIdleHold(cause, establishedMs, this.#nowMs);
    this.#transition("Idle", words);
  }

  #transition(to: SessionState, words: string): void {
    const from = this.#state;
    this.#state = to;
    if (from !== to) this.#output.add({ type: "stateChanged", from, to, words });
  }
}
