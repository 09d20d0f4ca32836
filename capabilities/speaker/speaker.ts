/**
 * The speaker put together: cluster state → announcer → packet thread, and the packet thread's reports → log, events, metrics
 * and statuses. Nothing is announced before the whole state was seen once; after that, the API server may come and go.
 */
import type { Logger } from "pino";
import { EXCLUDE_LABEL } from "../../lib/announcement/candidates";
import type { AnnouncementEntry } from "../../lib/announcement/plan-announcements";
import type { AnnouncementOptions } from "../../lib/announcement/snapshot";
import type { OwnerReference } from "../../lib/config/generated/resources";
import type { ConflictSettings } from "../../lib/net/address-conflict";
import type { BfdReport } from "../../node/bfd-protocol";
import type { PacketCommand, PacketReport } from "../../node/packet-protocol";
import { systemClock } from "../cluster/clock";
import type { ApiClient } from "../cluster/api-client";
import type { EventRecorder } from "../cluster/events";
import { Announcer } from "./announcer";
import { BfdReports, isBfdReport } from "./bfd-reports";
import { BgpSpeaker, type BgpSettings } from "./bgp-speaker";
import { ConflictReporter } from "./conflict-reporter";
import type { SpeakerNode } from "./cluster-facts";
import { ClusterState, type ClusterChange } from "./cluster-state";
import type { ConfigurationVerdict } from "./configuration-verdict";
import { DataplaneGate } from "./dataplane-gate";
import { isServingLocally } from "./health-check-port";
import type { LivenessSettings } from "./liveness-settings";
import type { AddressCounts, SpeakerMetrics } from "./metrics";
import { OwnershipBook, type AnnouncedState } from "./ownership-book";
import { L2_STATUS, StatusWriter, type Assignment, type StatusDetails } from "./status-writer";
import { TransitionReporter } from "./transition-reporter";
import { WithholdReporter } from "./withhold-reporter";

/** What the speaker needs of `PacketThread`. */
export interface PacketThreadPort {
  post(command: PacketCommand): void;
  onReport(listener: (report: PacketReport) => void): void;
  stop(isRestart?: boolean): Promise<void>;
}

/** How heartbeats travel; the peers come from the cluster. */
export interface HeartbeatSettings {
  readonly port: number;
  /** Empty: all addresses of the Node. */
  readonly bindAddresses: readonly string[];
  /** The bytes of the secret's file; undefined: not authenticated. */
  readonly secret: Uint8Array | undefined;
}

export interface SpeakerDeps {
  readonly nodeName: string;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly options: AnnouncementOptions;
  readonly heartbeat: HeartbeatSettings;
  readonly liveness: LivenessSettings;
  /** What is done about hosts outside of the cluster that have one of our addresses. */
  readonly conflicts: ConflictSettings;
  readonly client: ApiClient;
  readonly thread: PacketThreadPort;
  /** Undefined: this speaker announces on layer 2 alone. */
  readonly bgp?: BgpSettings;
  readonly events: Pick<EventRecorder, "record">;
  /** Asks for the speaker's own Pod; undefined outside one. Does not reject. */
  readonly findOwner: () => Promise<OwnerReference | undefined>;
  readonly metrics: SpeakerMetrics;
  readonly log: Logger;
  /** The packet thread is gone: this process cannot do its duty any more. */
  readonly onFatal: (reason: string) => void;
}

/** How long the end of the process waits for the API server. */
const REMOVE_STATUSES_WITHIN_MS = 1_000;

export class Speaker {
  readonly #deps: SpeakerDeps;
  readonly #state: ClusterState;
  readonly #announcer: Announcer;
  readonly #book: OwnershipBook;
  readonly #conflicts: ConflictReporter;
  readonly #statuses: StatusWriter;
  readonly #gate: DataplaneGate;
  readonly #bgp: BgpSpeaker | undefined;
  readonly #bfd: BfdReports | undefined;
  readonly #verdicts = new Map<"layer2" | "bgp", ConfigurationVerdict>();
  #excludedInterfaces: readonly string[] = [];
  #wantedAddresses: ReadonlySet<string> = new Set();
  #isAnnouncing = false;
  #isThreadStarted = false;
  #isStopping = false;
  #lastConfigure = "";
  #secret: Uint8Array | undefined;

  constructor(deps: SpeakerDeps) {
    this.#deps = deps;
    this.#secret = deps.heartbeat.secret;
    const { nodeName, log } = deps;
    this.#state = new ClusterState({
      client: deps.client,
      namespace: deps.namespace,
      log,
      onChange: change => this.#noteChange(change),
    });
    this.#book = new OwnershipBook({
      nodeName,
      plan: key => this.#announcer.plan(key),
      onTransition: transition => reporter.report(transition),
      onState: key => this.#statuses.note(key),
    });
    const reporter = new TransitionReporter({ ...deps, view: this.#state });
    const withheld = new WithholdReporter({
      nodeName,
      nodeNames: () => Array.from(this.#state.nodes(), ({ name }) => name),
      plan: key => this.#announcer.plan(key),
      record: (key, content) => reporter.record(key, content),
    });
    this.#conflicts = new ConflictReporter({
      ...deps,
      view: this.#state,
      keysOf: address => this.#book.keysOf(address),
      now: () => new Date(),
      onCondition: key => this.#statuses.note(key),
    });
    this.#gate = new DataplaneGate({
      clock: systemClock,
      isServing: isServingLocally,
      onOpen: key => this.#announcer.mark({ type: "service", key }),
    });
    this.#announcer = new Announcer({
      nodeName,
      view: this.#state,
      options: deps.options,
      clock: systemClock,
      log,
      isServed: key => this.#isServed(key),
      onWithheld: key => this.#gate.close(key),
      announce: entries => this.#announce(entries),
      onPlanned: keys => {
        this.#book.notePlanned(keys);
        withheld.notePlanned(keys);
      },
      onConfiguration: verdict => this.#noteVerdict("layer2", verdict),
    });
    this.#statuses = new StatusWriter({
      ...deps,
      kind: L2_STATUS,
      details: key => this.#statusDetails(key),
      assignment: toAssignment(this.#book, reporter),
    });
    deps.thread.onReport(report => {
      if (isBfdReport(report)) this.#bfd?.note(report);
      else if (!this.#isMoot(report)) this.#noteReport(report);
    });
    const { bgp } = deps;
    if (bgp === undefined) return;
    const { registry } = deps.metrics;
    this.#bfd = new BfdReports({ registry, withFrrK8sNames: bgp.withFrrK8sNames, log });
    const onConfiguration = (verdict: ConfigurationVerdict): void =>
      this.#noteVerdict("bgp", verdict);
    this.#bgp = new BgpSpeaker({ ...deps, bgp, onConfiguration }, this.#state);
  }

  /** Resolves once the first announcements were handed over and statuses are written, or when it was stopped. */
  async start(excludedInterfaces: readonly string[]): Promise<void> {
    this.#excludedInterfaces = excludedInterfaces;
    this.#state.start();
    this.#bgp?.watch();
    try {
      await this.#state.whenSynced();
    } catch (error) {
      // A speaker may be told to stop before it has seen anything; that is no failure.
      if (!this.#hasStopped()) throw error;
    }
    if (this.#hasStopped()) return;
    this.#isAnnouncing = true;
    this.#configure();
    this.#announcer.start();
    this.#deps.log.info(
      { event: "synced" },
      "the state of the cluster is known: announcing begins",
    );
    const owner = this.#deps.findOwner();
    await Promise.all([this.#startStatuses(owner), this.#bgp?.start(owner)]);
  }

  setExcludedInterfaces(patterns: readonly string[]): void {
    this.#excludedInterfaces = patterns;
    if (this.#isAnnouncing) this.#configure();
  }

  /** Whether the interface is left out of layer 2. */
  excludes(interfaceName: string): boolean {
    return this.#excludedInterfaces.some(pattern => new RegExp(pattern).test(interfaceName));
  }

  /** Whether this node may have to answer for an address. */
  hasLayer2Addresses(): boolean {
    return this.#wantedAddresses.size > 0;
  }

  /** Heartbeats are sealed with it from now on; those sealed with the one before are still understood. */
  setSecret(secret: Uint8Array): void {
    this.#secret = secret;
    this.#lastConfigure = "";
    if (this.#isAnnouncing) this.#configure();
  }

  /** Whether the default gateway answers this node. */
  setUplink(isReachable: boolean): void {
    this.#deps.thread.post({ type: "uplink", isReachable });
  }

  /** What is still missing before this node can announce, as a sentence; undefined when nothing is. */
  whyNotReady(): string | undefined {
    if (!this.#isThreadStarted) return "the packet thread has not started yet";
    const missing = this.#state.missing();
    if (missing.length > 0) return `not listed yet: ${missing.join(", ")}`;
    if (!this.#isAnnouncing) return "the first announcements are not planned yet";
    return this.#bgp?.whyNotReady();
  }

  lastContactMs(): number | undefined {
    return this.#state.lastContactMs();
  }

  /**
   * Hands its addresses over and takes this node's statuses away, for a second at most; on a node that stays in service the
   * speaker is about to come back: its addresses are kept for it, and its statuses stay.
   */
  async stop(): Promise<void> {
    const isRestart = this.#isNodeInService() && this.#deps.liveness.restartHoldMs !== 0;
    this.#isStopping = true;
    this.#announcer.stop();
    this.#gate.stop();
    this.#state.stop();
    if (isRestart) this.#statuses.stop();
    await Promise.all([
      this.#deps.thread.stop(isRestart),
      isRestart ? undefined : this.#statuses.removeAll(REMOVE_STATUSES_WITHIN_MS),
      this.#bgp?.stop(REMOVE_STATUSES_WITHIN_MS),
    ]);
  }

  async #startStatuses(owner: Promise<OwnerReference | undefined>): Promise<void> {
    const ownerReference = await owner;
    if (!this.#hasStopped()) this.#statuses.start(ownerReference);
  }

  #noteVerdict(protocol: "layer2" | "bgp", verdict: ConfigurationVerdict): void {
    const { metrics } = this.#deps;
    this.#verdicts.set(protocol, verdict);
    metrics.setConfiguration({ isStale: [...this.#verdicts.values()].some(each => each.isStale) });
    if (verdict.isStale) metrics.updateErrors.inc();
  }

  /** A method, because the answer changes while something is awaited. */
  #hasStopped(): boolean {
    return this.#isStopping;
  }

  #isServed(key: string): boolean {
    const port = this.#state.service(key)?.healthCheckNodePort;
    return port === undefined || this.#gate.isOpen(key, port);
  }

  /** Neither drained nor shutting down nor excluded, as far as was seen. */
  #isNodeInService(): boolean {
    const node = this.#ownNode();
    if (node === undefined || node.isCordoned === true || node.isShuttingDown === true)
      return false;
    return this.#deps.options.ignoreExcludeLabel || !Object.hasOwn(node.labels, EXCLUDE_LABEL);
  }

  #ownNode(): SpeakerNode | undefined {
    const { nodeName } = this.#deps;
    for (const node of this.#state.nodes()) if (node.name === nodeName) return node;
    return undefined;
  }

  #noteChange(change: ClusterChange): void {
    if (this.#isStopping) return;
    this.#deps.metrics.updates.inc();
    this.#announcer.mark(change);
    this.#bgp?.mark(change);
    if (change.type === "nodes" && this.#isAnnouncing) this.#configure();
  }

  #configure(): void {
    const { nodeName, namespace, heartbeat } = this.#deps;
    const peers = [...this.#state.nodes()]
      .filter(node => node.name !== nodeName && node.internalAddresses.length > 0)
      .map(node => ({ nodeName: node.name, addresses: [...node.internalAddresses] }))
      .sort((left, right) => (left.nodeName < right.nodeName ? -1 : 1));
    const { port } = heartbeat;
    const secret = this.#secret;
    const { conflicts, liveness } = this.#deps;
    const bindAddresses = this.#heartbeatAddresses();
    const excludedInterfaces = [...this.#excludedInterfaces];
    const asText = JSON.stringify([bindAddresses, peers, excludedInterfaces]);
    if (asText === this.#lastConfigure) return;
    this.#lastConfigure = asText;
    this.#deps.thread.post({
      type: "configure",
      nodeName,
      heartbeat: { port, bindAddresses, peers, namespace, ...(secret && { secret }) },
      excludedInterfaces,
      conflicts,
      ...liveness,
    });
  }

  /** Interfaces while the Service is announced, and what stands in the way. */
  #statusDetails(key: string): StatusDetails | undefined {
    const details = toStatusDetails(this.#book.state(key));
    const addresses = this.#announcer.plan(key)?.election?.addresses ?? [];
    const condition = this.#conflicts.condition(addresses);
    if (condition === undefined) return details;
    return { ...(details ?? { interfaces: [] }), conditions: [condition] };
  }

  /** Peers know this node by the addresses of its Node: heartbeats must not leave from another one that the kernel likes better. */
  #heartbeatAddresses(): readonly string[] {
    const { heartbeat } = this.#deps;
    if (heartbeat.bindAddresses.length > 0) return [...heartbeat.bindAddresses];
    return [...(this.#ownNode()?.internalAddresses ?? [])];
  }

  #announce(entries: readonly AnnouncementEntry[]): void {
    this.#wantedAddresses = new Set(entries.map(entry => entry.address));
    this.#deps.metrics.keepAddresses(this.#wantedAddresses);
    this.#conflicts.keepAddresses(this.#wantedAddresses);
    this.#deps.thread.post({ type: "announce", entries: [...entries] });
  }

  /** Once we stop, every address is given up; the end of the process says it all. */
  #isMoot({ type }: PacketReport): boolean {
    return this.#isStopping && (type === "ownership" || type === "conflict");
  }

  #noteReport(report: Exclude<PacketReport, BfdReport>): void {
    const { log } = this.#deps;
    switch (report.type) {
      case "started":
        this.#isThreadStarted = true;
        return;
      case "membership":
        log.info({ event: "membership", alive: report.alive }, "the set of speakers heard changed");
        return;
      case "ownership":
        this.#book.noteOwnership(report);
        return;
      case "interfaces":
        log.info({ event: "interfaces", interfaces: report.interfaces }, "interfaces of this node");
        return;
      case "conflict":
        this.#conflicts.report(report);
        return;
      case "counters":
        this.#deps.metrics.packets.note(report.totals);
        this.#count(report.perAddress);
        return;
      case "log":
        log[report.level](report.fields, report.msg);
        return;
      case "failed":
        this.#deps.onFatal(`the packet thread failed: ${report.error}`);
    }
  }

  /** A count that arrives late would bring the series of an address back that is gone. */
  #count(counts: readonly AddressCounts[]): void {
    for (const each of counts) {
      if (this.#wantedAddresses.has(each.address)) this.#deps.metrics.count(each);
    }
  }
}

/** A Service that comes to this node is spoken of once its status does not say so already. */
function toAssignment(book: OwnershipBook, reporter: TransitionReporter): Assignment {
  return {
    isAssigned: key => book.state(key) !== undefined,
    onAssigned: key => reporter.sayAssigned(key),
  };
}

function toStatusDetails(state: AnnouncedState | undefined): StatusDetails | undefined {
  const interfaces = state?.interfaces?.map(name => ({ name }));
  return state && (interfaces === undefined ? {} : { interfaces });
}
