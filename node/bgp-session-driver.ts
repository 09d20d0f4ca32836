/**
 * Drives one configured session: `BgpPeer` decides, this opens and closes connections, passes octets, and tells what became of it.
 * A reset gives it a new `BgpPeer` with the same routes. It owns no timer: the engine calls back at `nextDeadlineMs`.
 */
import { chooseNextHops } from "../lib/bgp/next-hop";
import type { NextHops } from "../lib/bgp/adj-rib-out";
import type { NegotiatedSession } from "../lib/bgp/negotiation";
import { BgpPeer } from "../lib/bgp/peer";
import type { RouteAttributes } from "../lib/bgp/route-attributes";
import type { ConnectionId, SessionAction, SessionEvent } from "../lib/bgp/session-events";
import type { LeaveReason } from "../lib/bgp/leave";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../lib/net/ip-address";
import type { IpPrefix } from "../lib/net/ip-prefix";
import type { BfdRequest, BfdStateMessage, BgpSessionSpec } from "./bgp-protocol";
import type { BgpReports } from "./bgp-reports";
import { BgpSessionStatus } from "./bgp-session-status";
import type { OpenTransport, Transport, TransportEvents, TransportTarget } from "./bgp-transport";
import type { Clock } from "./clock";
import { describeLocalEnd, type InterfaceList } from "./local-end";

export interface SessionPorts {
  readonly openTransport: OpenTransport;
  readonly interfaces: () => InterfaceList;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly reports: BgpReports;
  /** The deadline, or what BFD is asked for, may have changed. */
  readonly onChange: (driver: BgpSessionDriver) => void;
}

/** The neighbor of an unnumbered peer. */
export interface Neighbor {
  readonly address: IpAddress;
  readonly interfaceIndex: number;
}

type ActionOf<Type extends SessionAction["type"]> = Extract<SessionAction, { type: Type }>;

interface Connection {
  readonly transport: Transport;
  readonly remote: IpAddress;
  isUp: boolean;
}

const MAX_TTL = 255;

export class BgpSessionDriver {
  readonly #ports: SessionPorts;
  readonly #status: BgpSessionStatus;
  #spec: BgpSessionSpec;
  #peer: BgpPeer;
  #neighbor: Neighbor | undefined;
  readonly #connections = new Map<ConnectionId, Connection>();
  /** Closed, and not gone yet. */
  #closing = 0;
  #isStarted = false;
  #isLeaving = false;
  /** The newest command whose routes are not with the kernel yet. */
  #awaitedSequence: number | undefined;

  constructor(spec: BgpSessionSpec, isRestarting: boolean, ports: SessionPorts) {
    this.#spec = spec;
    this.#ports = ports;
    this.#status = new BgpSessionStatus(spec.name);
    this.#peer = this.#makePeer(isRestarting);
  }

  get spec(): BgpSessionSpec {
    return this.#spec;
  }

  get counters() {
    return this.#status.counters(this.#peer);
  }

  /** It has left, and so have its last words. */
  get isGone(): boolean {
    const isOver = this.#peer.session.state === "Idle" && this.#peer.nextDeadlineMs() === undefined;
    return this.#isLeaving && isOver && this.#connections.size === 0 && this.#closing === 0;
  }

  /** Begins to connect; a session by interface does so when its neighbor is known. */
  start(): void {
    if (this.#isStarted || this.#isLeaving || this.#remoteAddress() === undefined) {
      this.#tell();
      return;
    }
    this.#isStarted = true;
    this.#dispatch({ type: "manualStart" });
  }

  /** The neighbor on the session's interface was found, or is another one. A connection there is goes on. */
  setNeighbor(neighbor: Neighbor): void {
    this.#neighbor = neighbor;
    this.#status.setRemote(formatIpAddress(neighbor.address));
    this.start();
  }

  /** What a user should know, until `words` is undefined. */
  warn(subject: string, words: string | undefined): void {
    if (this.#status.setWarning(subject, words) && words !== undefined) {
      this.#ports.reports.log("warn", words, { peer: this.#spec.name });
    }
    this.#tell();
  }

  /** Other values for parameters that do not need a new session. */
  adjust(spec: BgpSessionSpec): void {
    this.#spec = spec;
    this.#peer.session.setConnectRetry(spec.configuration.connectRetrySeconds);
    this.#ports.onChange(this);
  }

  /** Ends the session with Cease/6 and starts one with the new parameters and the same routes. */
  reset(spec: BgpSessionSpec): void {
    const before = this.#peer;
    this.#carryOut(before.leave("changed", {}, this.#nowMs()));
    this.#status.keepCounters(before.session.counters);
    for (const subject of ["source", "silence"]) this.#status.setWarning(subject, undefined);
    this.#spec = spec;
    this.#peer = this.#makePeer(false);
    this.#peer.rib.copyDesired(before.rib);
    this.#isStarted = false;
    this.start();
  }

  /** Takes over what the other session announces. */
  copyRoutes(other: BgpSessionDriver): void {
    this.#peer.rib.copyDesired(other.#peer.rib);
  }

  /** Changes the routes; `flush` sends them. */
  withdraw(prefixes: readonly IpPrefix[]): void {
    for (const prefix of prefixes) this.#peer.rib.withdraw(prefix);
  }

  announce(prefixes: readonly IpPrefix[], attributes: RouteAttributes): void {
    this.#peer.rib.announceAll(prefixes, attributes);
  }

  /** `routesWritten` shall tell when what was changed until now is written. */
  awaitWritten(sequence: number): void {
    this.#awaitedSequence = sequence;
  }

  release(): void {
    this.#peer.rib.release();
    this.flush();
  }

  flush(): void {
    this.#carryOut(this.#peer.flush(this.#nowMs()));
  }

  leave(reason: LeaveReason, text: string, drainMs: number): void {
    this.#isLeaving = true;
    this.#carryOut(this.#peer.leave(reason, { text, drainMs }, this.#nowMs()));
  }

  /** Cuts whatever there is, as a crash would. */
  abandon(): void {
    this.#isLeaving = true;
    for (const id of [...this.#connections.keys()]) this.#close(id, false);
  }

  handleBfd({ state, words }: BfdStateMessage): void {
    if (state === "adminDown" || this.#spec.bfd === undefined) return;
    if (state === "down") {
      this.#ports.reports.log("warn", "BFD is down", { peer: this.#spec.name, reason: words });
    }
    this.#dispatch({ type: state === "down" ? "bfdDown" : "bfdUp" });
  }

  handleTimeout(): void {
    this.#dispatch({ type: "timeout" });
  }

  nextDeadlineMs(): number | undefined {
    return this.#peer.nextDeadlineMs();
  }

  /** What the packet thread is asked for; undefined without BFD or while the peer's address is unknown. */
  bfdRequest(): BfdRequest | undefined {
    const { bfd, name, target, vrf, isMultihop } = this.#spec;
    const peerAddress = this.#remoteAddress();
    if (bfd === undefined || peerAddress === undefined || this.#isLeaving) return undefined;
    const device = target.type === "interface" ? target.interface : vrf;
    const { localAddress } = this.#status;
    return {
      session: name,
      peerAddress: formatIpAddress(peerAddress),
      isMultihop,
      settings: bfd,
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(device === undefined ? {} : { interface: device }),
    };
  }

  #makePeer(isRestarting: boolean): BgpPeer {
    const { configuration } = this.#spec;
    return new BgpPeer(configuration, {
      isRestarting,
      random: this.#ports.random,
      nextHopsOf: (connection, session) => this.#nextHopsOf(connection, session),
    });
  }

  #nowMs(): number {
    return this.#ports.clock.monotonicMs();
  }

  #remoteAddress(): IpAddress | undefined {
    const { target } = this.#spec;
    if (target.type === "interface") return this.#neighbor?.address;
    const address = parseIpAddress(target.address);
    return address.ok ? address.value : undefined;
  }

  #dispatch(event: SessionEvent): void {
    this.#carryOut(this.#peer.handle(event, this.#nowMs()));
  }

  #carryOut(actions: readonly SessionAction[]): void {
    const failed: { connection: ConnectionId; words: string }[] = [];
    for (const action of actions) {
      if (action.type === "connect") {
        const words = this.#connect(action.connection);
        if (words !== undefined) failed.push({ connection: action.connection, words });
      } else if (action.type === "send") {
        this.#connections.get(action.connection)?.transport.write(action.octets);
      } else if (action.type === "close") {
        this.#close(action.connection, action.isAbort);
      } else {
        this.#follow(action);
      }
    }
    for (const { connection, words } of failed) {
      this.#dispatch({ type: "connectionFailed", connection, words });
    }
    this.#noteWritten();
    this.#tell();
    this.#ports.onChange(this);
  }

  /** Undefined when the connection is under way, else why it is not. */
  #connect(id: ConnectionId): string | undefined {
    this.#status.countAttempt();
    const target = this.#target();
    if (target === undefined) return "the peer's address is not known";
    this.#status.setRemote(formatIpAddress(target.address));
    try {
      const transport = this.#ports.openTransport(target, this.#eventsOf(id));
      this.#connections.set(id, { transport, remote: target.address, isUp: false });
      const source = formatIpAddress(target.sourceAddress ?? target.address);
      const words = `this node does not have the source address ${source}: the kernel chose one`;
      this.warn("source", transport.isSourceMissing ? words : undefined);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #target(): TransportTarget | undefined {
    const { target, port, vrf, sourceAddress, password, ttlSecurityHops } = this.#spec;
    const address = this.#remoteAddress();
    if (address === undefined) return undefined;
    const source = parseIpAddress(sourceAddress ?? "");
    return {
      address,
      port,
      scopeId: target.type === "interface" ? this.#neighbor?.interfaceIndex : undefined,
      device: vrf,
      sourceAddress: source.ok ? source.value : undefined,
      password,
      minimumTtl: ttlSecurityHops === undefined ? undefined : MAX_TTL + 1 - ttlSecurityHops,
      userTimeoutMs: this.#spec.configuration.holdTimeSeconds * 1000,
    };
  }

  /** Of a connection of the present peer; a reset makes the old ones silent. */
  #eventsOf(connection: ConnectionId): TransportEvents {
    const peer = this.#peer;
    const pass = (event: SessionEvent): void => {
      if (peer === this.#peer) this.#dispatch(event);
    };
    let isCounted = true;
    return {
      connected: () => {
        this.#noteConnected(connection);
        pass({ type: "connected", connection });
      },
      octets: octets => pass({ type: "octets", connection, octets }),
      progress: unsentOctets => pass({ type: "sendProgress", connection, unsentOctets }),
      failed: words => {
        isCounted = !this.#connections.delete(connection);
        pass({ type: "connectionFailed", connection, words });
      },
      gone: () => {
        if (isCounted) this.#closing -= 1;
        this.#ports.onChange(this);
      },
    };
  }

  #noteConnected(id: ConnectionId): void {
    const connection = this.#connections.get(id);
    const address = connection?.transport.localAddress;
    if (connection === undefined || address === undefined) return;
    connection.isUp = true;
    this.#status.setLocal(formatIpAddress(address));
    this.#status.setWarning("silence", undefined);
  }

  #close(id: ConnectionId, isAbort: boolean): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    if (!connection.isUp && this.#spec.password !== undefined && !this.#isLeaving) {
      // The kernel drops what is signed with another key, or not at all, without a word.
      this.warn("silence", "the peer does not answer: a wrong TCP MD5 password looks like this");
    }
    this.#connections.delete(id);
    this.#closing += 1;
    connection.transport.close(isAbort);
  }

  #follow(action: Exclude<SessionAction, { type: "connect" | "send" | "close" }>): void {
    const { reports } = this.#ports;
    const peer = this.#spec.name;
    switch (action.type) {
      case "stateChanged":
        this.#noteState(action);
        return;
      case "established":
        this.#status.setNegotiated(action.session);
        return;
      case "down":
        this.#status.countFlap();
        return;
      case "notification":
        this.#noteNotification(action);
        return;
      case "refreshRequested":
        reports.log("debug", "BGP peer asks for its routes again", { peer, family: action.family });
        return;
      case "malformed":
        this.#noteMalformed(action);
    }
  }

  #noteState({ from, to, words }: ActionOf<"stateChanged">): void {
    this.#status.setState(to, words);
    const level = from === "Established" || to === "Established" ? "info" : "debug";
    const fields = { peer: this.#spec.name, from, to, reason: words };
    this.#ports.reports.log(level, "BGP session state changed", fields);
  }

  #noteNotification({ direction, code, subcode, words }: ActionOf<"notification">): void {
    const { reports, clock } = this.#ports;
    this.#status.noteNotification(direction, { code, subcode, words, atMs: clock.wallMs() });
    const fields = { peer: this.#spec.name, code, subcode, reason: words };
    reports.log("info", `BGP NOTIFICATION ${direction}`, fields);
  }

  #noteMalformed({ message, problems, problemCount }: ActionOf<"malformed">): void {
    this.#status.noteProblems(problems);
    const peer = this.#spec.name;
    const reason = problems[0]?.reason ?? "";
    const msg = "BGP peer sent a malformed message; the session goes on";
    const fields = { peer, message, reason, count: problemCount };
    this.#ports.reports.warnRarely(`${peer} ${reason}`, this.#nowMs(), { msg, fields });
  }

  #nextHopsOf(id: ConnectionId, session: NegotiatedSession): NextHops {
    const connection = this.#connections.get(id);
    const localAddress = connection?.transport.localAddress;
    if (connection === undefined || localAddress === undefined) return {};
    const { target, configuration } = this.#spec;
    const end = describeLocalEnd(this.#ports.interfaces(), {
      localAddress,
      peerAddress: connection.remote,
      interfaceName: target.type === "interface" ? target.interface : undefined,
      bgpIdentifier: configuration.bgpIdentifier,
    });
    const { nextHops, warnings } = chooseNextHops(end, session);
    this.warn("next hop", warnings.length === 0 ? undefined : warnings.join("; "));
    return nextHops;
  }

  #noteWritten(): void {
    const sequence = this.#awaitedSequence;
    if (sequence === undefined || this.#peer.session.state !== "Established") return;
    const isWritten = [...this.#connections.values()].every(
      ({ transport }) => transport.unsentOctets === 0,
    );
    if (!isWritten || this.#peer.rib.pendingPrefixes > 0) return;
    this.#awaitedSequence = undefined;
    const atMs = this.#ports.clock.wallMs();
    const { name: session } = this.#spec;
    this.#ports.reports.add({ type: "routesWritten", session, sequence, atMs });
  }

  #tell(): void {
    const report = this.#status.takeReport();
    if (report !== undefined) this.#ports.reports.add(report);
  }
}
