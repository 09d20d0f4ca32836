/** Heartbeats at work: membership and receiver of lib/liveness, driven over UDP. */
import { HeartbeatKeyring } from "../lib/liveness/keyring";
import {
  Coordinator,
  type CoordinatorAction,
  type CoordinatorEvent,
} from "../lib/liveness/coordinator";
import { encodeHeartbeat, toNodeId } from "../lib/liveness/message";
import { HeartbeatReceiver } from "../lib/liveness/receiver";
import { formatIpAddress, parseIpAddress } from "../lib/net/ip-address";
import { HeartbeatSockets } from "./heartbeat-socket";
import type { HeartbeatConfig } from "./packet-protocol";
import type { ReportQueue } from "./report-queue";
import type { Sockets } from "./sockets";

export interface HeartbeatEngineOptions {
  readonly nodeName: string;
  /** Random for each start. */
  readonly bootId: bigint;
  /** Wall-clock time of the start. */
  readonly startTimeMs: number;
  readonly sockets: Sockets;
  readonly reports: ReportQueue;
  /** Carries out what is not about heartbeats. */
  readonly onAction: (action: CoordinatorAction, nowMs: number) => void;
}

export class HeartbeatEngine {
  readonly coordinator: Coordinator;
  readonly #options: HeartbeatEngineOptions;
  readonly #nodeId: bigint;
  readonly #udp: HeartbeatSockets;
  readonly #receiver: HeartbeatReceiver;
  readonly #counters: Record<string, number> = { sent: 0, received: 0 };
  #keyring = new HeartbeatKeyring([], "");
  #secrets: readonly Uint8Array[] = [];
  #sealing: { keyNumber: number; key: Uint8Array | undefined };
  #counter = 0n;
  #peerByAddress: ReadonlyMap<string, string> = new Map();

  constructor(options: HeartbeatEngineOptions) {
    this.#options = options;
    this.#nodeId = toNodeId(options.nodeName);
    this.#udp = new HeartbeatSockets(options.sockets);
    this.coordinator = new Coordinator(options.nodeName, options.startTimeMs);
    this.#receiver = new HeartbeatReceiver(options.nodeName, this.#keyring);
    this.#sealing = this.#keyring.sealingKey(this.#nodeId, options.bootId);
  }

  get fds(): readonly number[] {
    return this.#udp.fds;
  }

  /** Whether an own address could not be bound so far: worth another `bindMissing`. */
  get isIncomplete(): boolean {
    return this.#udp.isIncomplete;
  }

  get counters(): Readonly<Record<string, number>> {
    return { ...this.#counters };
  }

  /** Applies peers, keys and addresses; a sentence when the heartbeat port belongs to another program. */
  configure(config: HeartbeatConfig, nowMs: number): string | undefined {
    this.#rekey(config);
    const peers = config.peers
      .filter(({ nodeName }) => nodeName !== this.#options.nodeName)
      .map(({ nodeName, addresses }) => ({ nodeName, addresses: addresses.map(toCanonical) }));
    this.#receiver.configure(peers, this.#keyring);
    const problems = this.#udp.configure(config.bindAddresses.map(toCanonical), config.port);
    this.#udp.setPeers(peers);
    this.#peerByAddress = new Map(
      peers.flatMap(({ nodeName, addresses }) => addresses.map(address => [address, nodeName])),
    );
    const taken = problems.find(problem => problem.isTaken);
    if (taken !== undefined) {
      return (
        `UDP port ${config.port} on ${taken.address} is already in use on this node, so the speakers cannot hear ` +
        "each other: stop the other program (a MetalLB speaker?) or choose another heartbeat port on all nodes"
      );
    }
    this.#complain(problems, nowMs);
    return undefined;
  }

  bindMissing(nowMs: number): void {
    this.#complain(this.#udp.bindMissing(), nowMs);
  }

  /** Feeds the event to the machines and does at once what comes of it. */
  handle(event: CoordinatorEvent, nowMs: number): void {
    for (const action of this.coordinator.handle(event, nowMs)) {
      if (action.type === "sendHeartbeat") this.#send(action.to, nowMs);
      else this.#options.onAction(action, nowMs);
    }
  }

  /** Reads the heartbeats that wait on the descriptor. */
  drain(fd: number, nowMs: number): void {
    const onRefused = (address: string): void => {
      this.#count("refused");
      const peerName = this.#peerByAddress.get(address);
      if (peerName !== undefined) this.handle({ type: "refused", peerName }, nowMs);
    };
    this.#udp.drain(fd, onRefused, (datagram, sourceAddress) => {
      const received = this.#receiver.receive(datagram, sourceAddress, nowMs);
      if (received.ok) {
        this.#count("received");
        const heartbeat = received.value;
        if (!heartbeat.isListedSource) this.#noteUnlisted(heartbeat.nodeName, sourceAddress, nowMs);
        this.handle({ type: "heartbeat", heartbeat }, nowMs);
        return;
      }
      this.#count(received.error);
      // The second copy of a heartbeat, by the other address family, is no news.
      if (received.error === "replayed") return;
      this.#options.reports.logRarely(`${received.error} ${sourceAddress}`, nowMs, {
        msg: "refused a heartbeat",
        fields: { source: sourceAddress, reason: received.error },
      });
    });
  }

  close(): void {
    this.#udp.close();
  }

  #rekey(config: HeartbeatConfig): void {
    const { secret, namespace } = config;
    const [current] = this.#secrets;
    if (secret === undefined) this.#secrets = [];
    // The key before stays valid: the other speakers learn the new one a little later or earlier.
    else if (current === undefined) this.#secrets = [secret];
    else if (!isSameBytes(current, secret)) this.#secrets = [secret, current];
    this.#keyring = new HeartbeatKeyring(this.#secrets, namespace);
    this.#sealing = this.#keyring.sealingKey(this.#nodeId, this.#options.bootId);
  }

  #send(to: string | undefined, nowMs: number): void {
    this.#counter += 1n;
    const { keyNumber, key } = this.#sealing;
    const datagram = encodeHeartbeat(
      { keyNumber, nodeId: this.#nodeId, bootId: this.#options.bootId, counter: this.#counter },
      this.coordinator.membership.heartbeatBody(nowMs),
      key,
    );
    const failures = this.#udp.send(datagram, to);
    this.#count("sent");
    if (failures > 0) this.#counters["sendErrors"] = (this.#counters["sendErrors"] ?? 0) + failures;
  }

  #complain(
    problems: readonly { readonly address: string; readonly code: string }[],
    nowMs: number,
  ): void {
    for (const { address, code } of problems) {
      this.#options.reports.logRarely(`bind ${address}`, nowMs, {
        msg: "cannot speak from an address yet, trying again",
        fields: { address, code },
      });
    }
  }

  #noteUnlisted(nodeName: string, source: string, nowMs: number): void {
    this.#count("unlistedSource");
    this.#options.reports.logRarely(`unlisted ${source}`, nowMs, {
      msg: "a heartbeat came from an address that its Node does not list",
      fields: { node: nodeName, source },
    });
  }

  #count(name: string): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + 1;
  }
}

function toCanonical(text: string): string {
  const address = parseIpAddress(text);
  return address.ok ? formatIpAddress(address.value) : text;
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((octet, index) => octet === right[index]);
}
