/**
 * One BFD session (RFC 5880 §6): asynchronous mode, single or multiple hops, active or passive, with the echo function.
 * Authentication and demand mode of our own are not spoken.
 *
 *      table ── packet, echo, timeout … ──► handle ──► send, sendEcho, stateChanged, ended ──► table
 */
import { BfdDiagnostic, type BfdState } from "./constants";
import type { BfdControlPacket } from "./control-packet";
import { DetectionTimer } from "./detection-timer";
import { EchoFunction } from "./echo-function";
import { IntervalNegotiation } from "./interval-negotiation";
import {
  ADMIN_DOWN_GAP_MS,
  ADMIN_DOWN_PACKETS,
  MARGIN_CLASSES_MS,
  STALL_GRACE_INTERVALS,
} from "./limits";
import { TransmitSchedule } from "./transmit-schedule";

/** How a session behaves; may change while it is Up. */
export interface BfdSessionParameters {
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  /** 1 … 255. */
  readonly detectMultiplier: number;
  /** Sends nothing before the peer does. */
  readonly isPassive: boolean;
  /** Absent: echoes are neither sent nor returned. For one hop only. */
  readonly echoIntervalUs?: number;
}

export type BfdSessionEvent =
  /** A packet for this session that passed every check. */
  | { readonly type: "packet"; readonly packet: BfdControlPacket }
  /** One of our echoes came back. */
  | { readonly type: "echo" }
  /** `nextDeadlineMs` has come; what waits in the sockets was read before. */
  | { readonly type: "timeout" }
  /** This end stood still for so long: silence in that time is its own. */
  | { readonly type: "stalled"; readonly stalledMs: number }
  | { readonly type: "configure"; readonly parameters: BfdSessionParameters }
  /** Says that it goes, then ends. */
  | { readonly type: "remove" };

export interface BfdStateChange {
  readonly from: BfdState;
  readonly to: BfdState;
  /** `BfdDiagnostic`: ours. */
  readonly diagnostic: number;
  /** What the peer said last; AdminDown is no failure of the path (RFC 5882 §4.2). */
  readonly remoteState: BfdState;
  readonly remoteDiagnostic: number;
}

/** What the driver does, in this order. */
export type BfdSessionAction =
  | { readonly type: "send"; readonly packet: BfdControlPacket }
  | { readonly type: "sendEcho" }
  | ({ readonly type: "stateChanged" } & BfdStateChange)
  /** Everything is said: the session may be forgotten. */
  | { readonly type: "ended" };

/** Counts since the session was made. */
export interface BfdSessionCounters {
  readonly controlReceived: number;
  readonly controlSent: number;
  readonly echoReceived: number;
  readonly echoSent: number;
  readonly ups: number;
  readonly downs: number;
  /** Packets by how much of the detection time was left at their arrival: one count for each of `MARGIN_CLASSES_MS`, and one above. */
  readonly margins: readonly number[];
  readonly marginSumMs: number;
}

/** What is known of the peer from its last packet. */
interface Remote {
  readonly discriminator: number;
  readonly state: BfdState;
  readonly diagnostic: number;
  readonly isDemand: boolean;
  readonly detectMultiplier: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
}

/** RFC 5880 §6.8.1: before anything is heard. */
const UNHEARD: Remote = {
  discriminator: 0,
  state: "Down",
  diagnostic: BfdDiagnostic.none,
  isDemand: false,
  detectMultiplier: 0,
  desiredMinTxUs: 0,
  requiredMinRxUs: 1,
  requiredMinEchoRxUs: 0,
};

/** RFC 5880 §6.8.6: what becomes of our state (first) when the peer is in its own (second); absent: nothing. */
const TRANSITIONS: Readonly<Record<BfdState, Readonly<Partial<Record<BfdState, BfdState>>>>> = {
  AdminDown: {},
  Down: { Down: "Init", Init: "Up" },
  Init: { AdminDown: "Down", Init: "Up", Up: "Up" },
  Up: { AdminDown: "Down", Down: "Down" },
};

/** BFD session. Owns no socket and no timer: feed events, carry out the actions in order, call back at the deadline. */
export class BfdSession {
  readonly discriminator: number;
  readonly #intervals: IntervalNegotiation;
  readonly #schedule: TransmitSchedule;
  readonly #detection = new DetectionTimer();
  readonly #echo: EchoFunction;
  readonly #counters = newCounters();
  #parameters: BfdSessionParameters;
  #state: BfdState = "Down";
  #diagnostic: number = BfdDiagnostic.none;
  #remote: Remote = UNHEARD;
  /** AdminDown packets to come; undefined while the session is wanted. */
  #farewells: number | undefined;
  #farewellMs = Infinity;
  #actions: BfdSessionAction[] = [];

  /** `discriminator` is unique among all sessions and not 0; `random` gives numbers from 0 up to 1. */
  constructor(
    discriminator: number,
    parameters: BfdSessionParameters,
    options: { readonly random: () => number; readonly nowMs: number },
  ) {
    this.discriminator = discriminator;
    this.#parameters = parameters;
    this.#intervals = new IntervalNegotiation(parameters);
    this.#schedule = new TransmitSchedule(options.random);
    this.#echo = new EchoFunction(options.random);
    this.#reschedule(options.nowMs);
  }

  get state(): BfdState {
    return this.#state;
  }

  get remoteState(): BfdState {
    return this.#remote.state;
  }

  /** Our own, as packets say it. */
  get diagnostic(): number {
    return this.#diagnostic;
  }

  get isLeaving(): boolean {
    return this.#farewells !== undefined;
  }

  get counters(): BfdSessionCounters {
    return { ...this.#counters, margins: [...this.#counters.margins] };
  }

  /** Milliseconds without a packet until the session is Down; 0 before the first packet. */
  get detectionTimeMs(): number {
    return this.#remote.detectMultiplier * this.#remoteIntervalMs;
  }

  /** How old an echo may be, and how long none may return, in ms; undefined while none are sent. */
  get echoDetectionTimeMs(): number | undefined {
    const intervalMs = this.#farewells === undefined ? this.#echoIntervalMs() : undefined;
    return intervalMs === undefined ? undefined : intervalMs * this.#parameters.detectMultiplier;
  }

  /** The longest gap between periodic packets, in ms; jitter shortens it. */
  get transmitIntervalMs(): number {
    const { desiredMinTxUs } = this.#intervals.kept;
    return Math.max(desiredMinTxUs, this.#remote.requiredMinRxUs) / 1_000;
  }

  /** The longest gap between the peer's periodic packets (§6.8.4). */
  get #remoteIntervalMs(): number {
    return Math.max(this.#intervals.kept.requiredMinRxUs, this.#remote.desiredMinTxUs) / 1_000;
  }

  /** Carries the event through the session; gives what the driver must do, in order. `nowMs` never goes back. */
  handle(event: BfdSessionEvent, nowMs: number): readonly BfdSessionAction[] {
    this.#actions = [];
    if (this.#farewells === undefined) this.#dispatch(event, nowMs);
    else if (event.type === "timeout") this.#sayFarewell(nowMs);
    return this.#actions;
  }

  /** When `{ type: "timeout" }` is due next; Infinity if nothing is armed. An early or repeated call is harmless. */
  nextDeadlineMs(): number {
    if (this.#farewells !== undefined) return this.#farewellMs;
    return Math.min(
      this.#schedule.nextDeadlineMs() ?? Infinity,
      this.#detection.deadlineMs() ?? Infinity,
      this.#echo.nextDeadlineMs(),
    );
  }

  #dispatch(event: BfdSessionEvent, nowMs: number): void {
    switch (event.type) {
      case "packet":
        this.#receive(event.packet, nowMs);
        break;
      case "echo":
        this.#counters.echoReceived += 1;
        this.#echo.handleReturned(nowMs);
        break;
      case "timeout":
        this.#expire(nowMs);
        break;
      case "stalled":
        this.#detection.extend(
          event.stalledMs,
          this.#remoteIntervalMs * STALL_GRACE_INTERVALS,
          nowMs,
        );
        this.#echo.extend(event.stalledMs, nowMs);
        break;
      case "configure":
        this.#parameters = event.parameters;
        this.#intervals.configure(event.parameters);
        this.#detection.setDetectionTime(this.detectionTimeMs);
        break;
      case "remove":
        this.#leave(nowMs);
        return;
    }
    this.#reschedule(nowMs);
  }

  /** RFC 5880 §6.8.6 from "Set bfd.RemoteDiscr" on. */
  #receive(packet: BfdControlPacket, nowMs: number): void {
    this.#counters.controlReceived += 1;
    this.#countMargin(nowMs);
    this.#remote = {
      discriminator: packet.myDiscriminator,
      state: packet.state,
      diagnostic: packet.diagnostic,
      isDemand: packet.isDemand,
      detectMultiplier: packet.detectMultiplier,
      desiredMinTxUs: packet.desiredMinTxUs,
      requiredMinRxUs: packet.requiredMinRxUs,
      requiredMinEchoRxUs: packet.requiredMinEchoRxUs,
    };
    if (packet.isFinal) this.#intervals.finish();
    this.#follow(packet.state, nowMs);
    if (packet.isPoll) this.#send(true);
    this.#detection.restart(nowMs, this.detectionTimeMs);
  }

  #follow(remoteState: BfdState, nowMs: number): void {
    const to = TRANSITIONS[this.#state][remoteState];
    if (to === undefined) return;
    if (to === "Down") this.#change(to, BfdDiagnostic.neighborSignaledSessionDown, nowMs);
    else this.#change(to, to === "Up" ? BfdDiagnostic.none : this.#diagnostic, nowMs);
  }

  #expire(nowMs: number): void {
    if (this.#detection.isExpired(nowMs)) {
      this.#detection.stop();
      // §6.8.1: the peer is a stranger again after a detection time of silence.
      this.#remote = { ...this.#remote, discriminator: 0 };
      if (this.#state !== "Down") {
        this.#change("Down", BfdDiagnostic.controlDetectionTimeExpired, nowMs);
      }
    }
    if (this.#echo.isExpired(nowMs)) {
      this.#change("Down", BfdDiagnostic.echoFunctionFailed, nowMs);
    }
    if (nowMs >= (this.#schedule.nextDeadlineMs() ?? Infinity)) {
      this.#send(false);
      this.#schedule.advance(nowMs);
    }
    if (this.#echo.takeDue(nowMs)) {
      this.#counters.echoSent += 1;
      this.#actions.push({ type: "sendEcho" });
    }
  }

  #change(to: BfdState, diagnostic: number, nowMs: number): void {
    const from = this.#state;
    this.#state = to;
    this.#diagnostic = diagnostic;
    if (to === "Up") this.#counters.ups += 1;
    if (from === "Up") this.#counters.downs += 1;
    this.#intervals.setUp(to === "Up");
    const { state: remoteState, diagnostic: remoteDiagnostic } = this.#remote;
    this.#actions.push({
      type: "stateChanged",
      from,
      to,
      diagnostic,
      remoteState,
      remoteDiagnostic,
    });
    this.#reschedule(nowMs);
    if (this.#isSilent()) return;
    this.#send(false);
    this.#schedule.restart(nowMs);
  }

  #send(isFinal: boolean): void {
    const { desiredMinTxUs, requiredMinRxUs } = this.#intervals.advertised;
    this.#counters.controlSent += 1;
    this.#actions.push({
      type: "send",
      packet: {
        diagnostic: this.#diagnostic,
        state: this.#state,
        isPoll: this.#intervals.isPolling && !isFinal,
        isFinal,
        // Our BFD ends with the speaker.
        isControlPlaneIndependent: false,
        isDemand: false,
        detectMultiplier: this.#parameters.detectMultiplier,
        myDiscriminator: this.discriminator,
        yourDiscriminator: this.#remote.discriminator,
        desiredMinTxUs,
        requiredMinRxUs,
        requiredMinEchoRxUs: this.#parameters.echoIntervalUs ?? 0,
      },
    });
  }

  #leave(nowMs: number): void {
    this.#change("AdminDown", BfdDiagnostic.administrativelyDown, nowMs);
    const hasSaid = this.#actions.some(({ type }) => type === "send");
    // To a peer that never heard of us there is nothing to say.
    this.#farewells = this.#counters.controlSent > 0 ? ADMIN_DOWN_PACKETS : 0;
    this.#noteFarewell(hasSaid, nowMs);
  }

  #sayFarewell(nowMs: number): void {
    if (nowMs < this.#farewellMs) return;
    this.#send(false);
    this.#noteFarewell(true, nowMs);
  }

  #noteFarewell(hasSaid: boolean, nowMs: number): void {
    this.#farewells = (this.#farewells ?? 0) - (hasSaid ? 1 : 0);
    this.#farewellMs = this.#farewells > 0 ? nowMs + ADMIN_DOWN_GAP_MS : Infinity;
    if (this.#farewells <= 0) this.#actions.push({ type: "ended" });
  }

  #reschedule(nowMs: number): void {
    const { detectMultiplier } = this.#parameters;
    const intervalMs = this.#isSilent() ? undefined : this.transmitIntervalMs;
    this.#schedule.setInterval(intervalMs, detectMultiplier, nowMs);
    const echoMs = this.#echoIntervalMs();
    this.#echo.setRate(
      echoMs === undefined ? undefined : { intervalMs: echoMs, detectMultiplier },
      nowMs,
    );
  }

  /** §6.8.7: when no periodic packets are sent. */
  #isSilent(): boolean {
    const { discriminator, requiredMinRxUs, isDemand, state } = this.#remote;
    if (requiredMinRxUs === 0) return true;
    if (this.#parameters.isPassive && discriminator === 0) return true;
    const isOnDemand = isDemand && this.#state === "Up" && state === "Up";
    return isOnDemand && !this.#intervals.isPolling;
  }

  /** §6.8.9: only Up, and no faster than the peer bears; 0 from the peer forbids it. */
  #echoIntervalMs(): number | undefined {
    const { echoIntervalUs } = this.#parameters;
    const { requiredMinEchoRxUs } = this.#remote;
    if (echoIntervalUs === undefined || this.#state !== "Up" || requiredMinEchoRxUs === 0) {
      return undefined;
    }
    return Math.max(echoIntervalUs, requiredMinEchoRxUs) / 1_000;
  }

  #countMargin(nowMs: number): void {
    const deadlineMs = this.#detection.deadlineMs();
    if (this.#state !== "Up" || deadlineMs === undefined) return;
    const marginMs = Math.max(0, deadlineMs - nowMs);
    const found = MARGIN_CLASSES_MS.findIndex(classMs => marginMs <= classMs);
    const index = found < 0 ? MARGIN_CLASSES_MS.length : found;
    this.#counters.margins[index] = (this.#counters.margins[index] ?? 0) + 1;
    this.#counters.marginSumMs += marginMs;
  }
}

function newCounters(): {
  controlReceived: number;
  controlSent: number;
  echoReceived: number;
  echoSent: number;
  ups: number;
  downs: number;
  margins: number[];
  marginSumMs: number;
} {
  return {
    controlReceived: 0,
    controlSent: 0,
    echoReceived: 0,
    echoSent: 0,
    ups: 0,
    downs: 0,
    margins: Array.from({ length: MARGIN_CLASSES_MS.length + 1 }, () => 0),
    marginSumMs: 0,
  };
}
