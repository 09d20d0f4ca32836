/**
 * BFD at work in the packet thread: the session table of lib/bfd, driven over UDP and, for echoes, over packet sockets. The BGP
 * thread says on a port of its own which sessions it wants and hears there of every path that comes or goes; main gets reports.
 */
import { describeDiagnostic, type BfdState } from "../lib/bfd/constants";
import {
  BfdSessionTable,
  type BfdSessionConfiguration,
  type BfdTableAction,
  type TableSession,
} from "../lib/bfd/session-table";
import { STALL_TOLERANCE_MS } from "../lib/bfd/limits";
import { encodeControlPacket } from "../lib/bfd/control-packet";
import { formatIpAddress, isLinkLocal } from "../lib/net/ip-address";
import { toCountersReports } from "./bfd-counters";
import type { BfdEchoLink } from "./bfd-echo-link";
import { BfdEchoes } from "./bfd-echoes";
import { planBfdSessions, type PlannedBfdSession } from "./bfd-requests";
import { BfdListeners, type BfdReceiver } from "./bfd-listeners";
import { BfdPort } from "./bfd-port";
import { BfdSender } from "./bfd-sockets";
import type { BfdRequest, BfdStateMessage } from "./bgp-protocol";
import type { Clock } from "./clock";
import type { JudgedInterface } from "./interface-table";
import { BFD_PORT_POLL_MS, HOUSEKEEPING_MS } from "./limits";
import type { PollEngine } from "./poll-loop";
import type { ReportQueue } from "./report-queue";
import { SystemError, type Sockets } from "./sockets";

export interface BfdEngineOptions {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly reports: ReportQueue;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  /** `fds` changed. */
  readonly onDescriptors: () => void;
}

interface OpenSender {
  readonly sender: BfdSender;
  readonly configuration: BfdSessionConfiguration;
  readonly interfaceIndex: number;
}

type Path = BfdStateMessage["state"];

const NOTHING = new Uint8Array(0);

export class BfdEngine implements PollEngine {
  readonly #options: BfdEngineOptions;
  readonly #table: BfdSessionTable;
  readonly #listeners: BfdListeners;
  readonly #echoes: BfdEchoes;
  readonly #senders = new Map<number, OpenSender>();
  readonly #notifications = new Map<string, number>();
  /** By key: how the path stands; absent until it was up once. */
  readonly #paths = new Map<string, { readonly path: Path; readonly words: string }>();
  #planned: ReadonlyMap<string, PlannedBfdSession> = new Map();
  #interfaces: readonly JudgedInterface[] = [];
  #port: BfdPort | undefined;
  #portMs = 0;
  #housekeepingMs = 0;
  /** When the thread woke: whatever came until then is read before timers are judged. */
  #wokeMs = 0;
  #sendErrors = 0;
  #mustReport = false;

  constructor(options: BfdEngineOptions) {
    this.#options = options;
    this.#table = new BfdSessionTable(options.random);
    this.#listeners = new BfdListeners(options.sockets, options.reports);
    this.#echoes = new BfdEchoes(options.sockets);
  }

  get fds(): readonly number[] {
    const sockets = [...this.#listeners.values(), ...this.#echoes.links];
    return sockets.map(({ fd }) => fd);
  }

  onReadable(fd: number, nowMs: number): void {
    const listener = this.#listeners.values().find(each => each.fd === fd);
    if (listener !== undefined) this.#listeners.drain(listener, this.#receiver(nowMs));
    const link = this.#echoes.links.find(each => each.fd === fd);
    if (link !== undefined) this.#drainEchoes(link, nowMs);
  }

  onTurn(nowMs: number): void {
    if (this.#port !== undefined && nowMs - this.#portMs >= BFD_PORT_POLL_MS) {
      this.#portMs = nowMs;
      const latest = this.#port.take();
      if (latest !== undefined) this.request(latest.requests, nowMs);
    }
    // What came after the thread woke may still wait in a socket: it is not judged by a later time.
    if (this.#table.nextDeadlineMs() <= this.#wokeMs) {
      this.#carryOutAll(this.#table.expire(this.#wokeMs), this.#wokeMs);
    }
    if (this.#hasHouse && nowMs >= this.#housekeepingMs) this.#keepHouse(nowMs);
  }

  /** Nothing wakes the thread for BFD while there is no session. */
  nextDeadlineMs(): number | undefined {
    const sessionsMs = this.#table.nextDeadlineMs();
    const deadlineMs = this.#hasHouse ? Math.min(sessionsMs, this.#housekeepingMs) : sessionsMs;
    return deadlineMs === Infinity ? undefined : deadlineMs;
  }

  /** Talks to the BGP thread by this port from now on. */
  connect(port: unknown): void {
    this.#port?.close();
    this.#port = new BfdPort(port);
    for (const key of this.#paths.keys()) this.#tell(key, this.#planned.get(key)?.names ?? []);
  }

  /** The thread wakes, or has worked, so much later than it meant to; before anything is read. */
  noteLate(lateMs: number, nowMs: number): void {
    this.#wokeMs = nowMs;
    if (lateMs > STALL_TOLERANCE_MS) this.#table.noteStall(lateMs, nowMs);
  }

  /** Every interface as it is now. */
  setInterfaces(interfaces: readonly JudgedInterface[]): void {
    this.#interfaces = interfaces;
  }

  /** Takes over the whole set of sessions that are wanted. */
  request(requests: readonly BfdRequest[], nowMs: number): void {
    const plan = planBfdSessions(requests);
    for (const session of plan.bad) this.#complain(`address ${session}`, nowMs, { session });
    for (const { session, by } of plan.overruled) {
      this.#options.reports.logRarely(`shared BFD ${session}`, nowMs, {
        msg: "two BGP sessions share one BFD session: the profile of the first by name counts",
        fields: { session, by },
      });
    }
    const before = this.#planned;
    this.#planned = plan.sessions;
    const wanted = [...plan.sessions.values()].map(({ configuration }) => configuration);
    const { actions, refused } = this.#table.configure(wanted, nowMs);
    for (const { key, reason } of refused) {
      this.#complain(`refused ${key}`, nowMs, { session: key, reason });
    }
    this.#openListeners(nowMs);
    this.#carryOutAll(actions, nowMs);
    this.#forgetPaths();
    this.#tellNewcomers(before);
  }

  /** Ends every session as one that is taken away, and tells the peers: a tenth of a second. */
  close(): void {
    const { clock, sockets } = this.#options;
    const startMs = clock.monotonicMs();
    this.#carryOutAll(this.#table.configure([], startMs).actions, startMs);
    while (this.#table.isLeaving) {
      const waitMs = Math.ceil(this.#table.nextDeadlineMs() - clock.monotonicMs());
      sockets.poll(NOTHING, 0, Math.max(1, waitMs));
      const nowMs = clock.monotonicMs();
      this.#carryOutAll(this.#table.expire(nowMs), nowMs);
    }
    this.#listeners.keep([]);
    this.#echoes.keep(new Set());
    this.#port?.close();
  }

  /** Whether there is something to look after; sessions that end are told about once more. */
  get #hasHouse(): boolean {
    return this.#planned.size > 0 || this.#mustReport;
  }

  /** Reports counters, and tries again what failed for now. */
  #keepHouse(nowMs: number): void {
    this.#housekeepingMs = nowMs + HOUSEKEEPING_MS;
    this.#openListeners(nowMs);
    const { sessions } = this.#table;
    const echoing = sessions.filter(({ session }) => session.echoDetectionTimeMs !== undefined);
    const devices = new Set(echoing.map(({ heardOn }) => heardOn?.interfaceName ?? ""));
    if (this.#echoes.keep(devices)) this.#options.onDescriptors();
    if (sessions.length === 0 && !this.#mustReport) return;
    // The last one, empty, takes away the series of sessions that are gone.
    this.#mustReport = sessions.length > 0;
    const reports = toCountersReports(sessions, {
      names: key => this.#planned.get(key)?.names ?? [],
      notifications: key => this.#notifications.get(key) ?? 0,
      dropped: this.#table.dropped,
      sendErrors: this.#sendErrors,
    });
    for (const report of reports) this.#options.reports.add(report);
  }

  #drainEchoes(link: BfdEchoLink, nowMs: number): void {
    this.#echoes.drain(link, (echo, interfaceName) => {
      if (echo === undefined) this.#table.countDropped("echoUnknown");
      else this.#carryOut(this.#table.receiveEcho(echo, interfaceName, nowMs), nowMs);
    });
  }

  #openListeners(nowMs: number): void {
    const wanted = [...this.#planned.values()].map(({ configuration }) => configuration);
    if (this.#listeners.keep(wanted, nowMs)) this.#options.onDescriptors();
  }

  #receiver(nowMs: number): BfdReceiver {
    return (octets, interfaceIndex, arrival) => {
      const device = this.#interfaces.find(({ index }) => index === interfaceIndex);
      const interfaceName = device?.name ?? "";
      this.#carryOut(this.#table.receive(octets, { ...arrival, interfaceName }, nowMs), nowMs);
    };
  }

  #carryOut(result: ReturnType<BfdSessionTable["receive"]>, nowMs: number): void {
    if (result.ok) this.#carryOutAll(result.value, nowMs);
  }

  #carryOutAll(actions: readonly BfdTableAction[], nowMs: number): void {
    for (const action of actions) {
      switch (action.type) {
        case "send":
          if (!this.#send(action.of, encodeControlPacket(action.packet), nowMs))
            this.#sendErrors += 1;
          break;
        case "sendEcho":
          if (!this.#sendEcho(action.of, nowMs)) this.#sendErrors += 1;
          break;
        case "stateChanged":
          this.#noteState(action);
          break;
        case "ended":
          this.#senders.get(action.of.session.discriminator)?.sender.close();
          this.#senders.delete(action.of.session.discriminator);
      }
    }
  }

  #send({ session, configuration }: TableSession, octets: Uint8Array, nowMs: number): boolean {
    const device = this.#interfaceNamed(configuration.interfaceName);
    const interfaceIndex = isLinkLocal(configuration.peer) ? (device?.index ?? 0) : 0;
    const open = this.#senders.get(session.discriminator);
    if (open !== undefined && isStill(open, configuration, interfaceIndex)) {
      return open.sender.send(octets);
    }
    open?.sender.close();
    this.#senders.delete(session.discriminator);
    try {
      const { sockets, random } = this.#options;
      const sender = new BfdSender(sockets, configuration, interfaceIndex, random);
      this.#senders.set(session.discriminator, { sender, configuration, interfaceIndex });
      return sender.send(octets);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#complain(`sender ${configuration.key}`, nowMs, {
        session: configuration.key,
        code: error.code,
      });
      return false;
    }
  }

  #sendEcho(of: TableSession, nowMs: number): boolean {
    const device = this.#interfaceNamed(of.heardOn?.interfaceName);
    const { length } = this.#echoes.links;
    const isSent = device !== undefined && this.#echoes.send(of, device, nowMs);
    if (this.#echoes.links.length !== length) this.#options.onDescriptors();
    return isSent;
  }

  #noteState(action: BfdTableAction & { readonly type: "stateChanged" }): void {
    const { from, to, of } = action;
    const { key, peer, vrf } = of.configuration;
    const diagnostic = describeDiagnostic(action.diagnostic);
    const remoteDiagnostic = describeDiagnostic(action.remoteDiagnostic);
    const names = this.#planned.get(key)?.names ?? [];
    this.#options.reports.add({
      type: "bfdState",
      sessions: names,
      peer: formatIpAddress(peer),
      vrf,
      from,
      to,
      diagnostic,
      remoteState: action.remoteState,
      remoteDiagnostic,
    });
    const path = toPath(from, to, action.remoteState);
    if (path === undefined) return;
    this.#paths.set(key, { path, words: diagnostic });
    this.#tell(key, names);
  }

  #tell(key: string, names: readonly string[]): void {
    const known = this.#paths.get(key);
    if (known === undefined) return;
    for (const session of names) {
      const { path: state, words } = known;
      this.#port?.tell({ type: "bfdState", session, state, words });
      this.#notifications.set(key, (this.#notifications.get(key) ?? 0) + 1);
    }
  }

  /** A BGP session that joins a running BFD session learns how its path stands. */
  #tellNewcomers(before: ReadonlyMap<string, PlannedBfdSession>): void {
    for (const [key, { names }] of this.#planned) {
      const known = before.get(key)?.names ?? [];
      this.#tell(
        key,
        names.filter(name => !known.includes(name)),
      );
    }
  }

  #forgetPaths(): void {
    for (const key of this.#paths.keys()) {
      if (this.#planned.has(key)) continue;
      this.#paths.delete(key);
      this.#notifications.delete(key);
    }
  }

  #interfaceNamed(name: string | undefined): JudgedInterface | undefined {
    return name === undefined ? undefined : this.#interfaces.find(each => each.name === name);
  }

  #complain(key: string, nowMs: number, fields: Readonly<Record<string, string>>): void {
    this.#options.reports.logRarely(`bfd ${key}`, nowMs, {
      msg: "a BFD session cannot work as asked for",
      fields,
    });
  }
}

/** What a change of state means for the path; undefined: nothing that BGP should know. */
function toPath(from: BfdState, to: BfdState, remoteState: BfdState): Path | undefined {
  if (to === "Up") return "up";
  if (from !== "Up" || to === "AdminDown") return undefined;
  return remoteState === "AdminDown" ? "adminDown" : "down";
}

function isStill(
  open: OpenSender,
  configuration: BfdSessionConfiguration,
  interfaceIndex: number,
): boolean {
  if (open.interfaceIndex !== interfaceIndex) return false;
  return (
    open.configuration === configuration ||
    open.configuration.local?.value === configuration.local?.value
  );
}
