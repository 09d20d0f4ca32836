/**
 * BGP in the speaker, put together: cluster → announcer → BGP thread, and the thread's reports → log, events, metrics and statuses.
 * It shares nothing with layer 2 but the view of the cluster, and neither waits for the other.
 */
import type { Logger } from "pino";
import type { AnnouncementOptions } from "../../lib/announcement/snapshot";
import type { OwnerReference } from "../../lib/config/generated/resources";
import type { BgpCommand, BgpReport, LeaveCommand } from "../../node/bgp-protocol";
import type { ApiClient } from "../cluster/api-client";
import { systemClock } from "../cluster/clock";
import type { EventRecorder } from "../cluster/events";
import { BgpAnnouncer } from "./bgp-announcer";
import { BgpCluster } from "./bgp-cluster";
import { isLeaving } from "./bgp-drain";
import { BgpMetrics } from "./bgp-metrics";
import { BgpPlanner } from "./bgp-planner";
import { BgpServiceReporter } from "./bgp-service-reporter";
import { BgpSessionReporter } from "./bgp-session-reporter";
import { BgpSessionSet } from "./bgp-session-set";
import type { ClusterChange, ClusterView } from "./cluster-state";
import type { ConfigurationVerdict } from "./configuration-verdict";
import { readLocalNetwork } from "./local-network";
import type { SpeakerMetrics } from "./metrics";
import { BGP_STATUS, StatusWriter, type StatusDetails } from "./status-writer";

/** What is needed of `BgpThread`. */
export interface BgpThreadPort {
  post(command: BgpCommand): void;
  onReport(listener: (report: BgpReport) => void): void;
  leave(command: Omit<LeaveCommand, "type">): Promise<void>;
  stop(): Promise<void>;
}

export interface BgpSettings {
  readonly thread: BgpThreadPort;
  /** How long peers are asked to prefer other paths when the node is taken out of service; 0: not at all. */
  readonly drainMs: number;
  /** Restart time of graceful restart, 1 … 4095. */
  readonly restartSeconds: number;
  /** Also the metrics' names of MetalLB's frr-k8s mode. */
  readonly withFrrK8sNames: boolean;
}

export interface BgpSpeakerDeps {
  readonly nodeName: string;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly options: AnnouncementOptions;
  readonly client: ApiClient;
  readonly bgp: BgpSettings;
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: SpeakerMetrics;
  readonly log: Logger;
  readonly onFatal: (reason: string) => void;
  readonly onConfiguration: (verdict: ConfigurationVerdict) => void;
}

/** Posted commands whose writing is still waited for, for the metric. A peer that does not read must not collect more. */
const MAX_AWAITED = 256;

export class BgpSpeaker {
  readonly #deps: BgpSpeakerDeps;
  readonly #cluster: BgpCluster;
  readonly #planner: BgpPlanner;
  readonly #announcer: BgpAnnouncer;
  readonly #services: BgpServiceReporter;
  readonly #sessions: BgpSessionReporter;
  readonly #statuses: StatusWriter;
  readonly #metrics: BgpMetrics;
  /** Sequence of a command → when the oldest change in it was noted. */
  readonly #awaited = new Map<number, number>();
  /** When sessions came up, in milliseconds since the epoch. */
  readonly #upSinceMs = new Map<string, number>();
  #reportedProblems = "";
  #isStarted = false;
  #isStopping = false;

  /** `view`: what the speaker knows of Services, endpoints, Nodes and pools. */
  constructor(deps: BgpSpeakerDeps, view: ClusterView) {
    this.#deps = deps;
    const { bgp, client, namespace, log } = deps;
    this.#cluster = new BgpCluster({
      client,
      namespace,
      log,
      onChange: () => this.mark({ type: "configuration" }),
    });
    this.#metrics = new BgpMetrics(deps.metrics.registry, bgp);
    this.#services = new BgpServiceReporter({ ...deps, cluster: view });
    this.#sessions = new BgpSessionReporter({ ...deps, view: this.#cluster });
    this.#planner = new BgpPlanner({ ...deps, cluster: view, view: this.#cluster });
    this.#announcer = new BgpAnnouncer({
      planner: this.#planner,
      sessions: this.#createSessionSet(view),
      clock: systemClock,
      drainMs: bgp.drainMs,
      post: command => this.#post(command),
      onPlanned: keys => this.#notePlanned(keys),
      onConfiguration: () => this.#noteVerdict(),
      onPosted: (sequence, markedAtMs) => this.#await(sequence, markedAtMs),
      epochMs: () => Date.now(),
    });
    this.#statuses = new StatusWriter({
      ...deps,
      kind: BGP_STATUS,
      details: key => this.#statusOf(key),
    });
    bgp.thread.onReport(report => this.#noteReport(report));
  }

  /** Begins to watch. */
  watch(): void {
    this.#cluster.start();
  }

  /**
   * Resolves once the sessions and their first tables were handed over and statuses are written, or when it was stopped. Call when
   * `view` is whole. `owner`: the speaker's Pod; undefined outside one.
   */
  async start(owner: Promise<OwnerReference | undefined>): Promise<void> {
    try {
      await this.#cluster.whenSynced();
    } catch (error) {
      if (!this.#hasStopped()) throw error;
    }
    if (this.#hasStopped()) return;
    this.#isStarted = true;
    this.#announcer.start();
    const ownerReference = await owner;
    if (!this.#hasStopped()) this.#statuses.start(ownerReference);
  }

  /** What is still missing before routes can be announced, as a sentence; undefined when nothing is. */
  whyNotReady(): string | undefined {
    const missing = this.#cluster.missing();
    if (missing.length > 0) return `not listed yet: ${missing.join(", ")}`;
    return this.#isStarted ? undefined : "the first routes are not planned yet";
  }

  mark(change: ClusterChange): void {
    if (this.#isStopping) return;
    this.#announcer.mark(change.type === "service" ? change : { type: "everything" });
  }

  /**
   * Ends the sessions: for good, with a drain, when the node is taken out of service; else so that peers keep the routes if they help
   * with a graceful restart. Then takes this node's statuses away, for `withinMs` at most.
   */
  async stop(withinMs: number): Promise<void> {
    this.#isStopping = true;
    this.#announcer.stop();
    const { thread, drainMs } = this.#deps.bgp;
    const isForGood = isLeaving(this.#planner.whyUnavailable());
    this.#cluster.stop();
    const command: Omit<LeaveCommand, "type"> = isForGood
      ? { reason: "drain", text: "the node is taken out of service", drainMs }
      : { reason: "restart", text: "the speaker restarts" };
    await Promise.all([
      thread
        .leave(command)
        .catch((error: unknown) =>
          this.#deps.log.warn({ err: error }, "BGP did not leave in order"),
        )
        .then(() => thread.stop()),
      this.#statuses.removeAll(withinMs),
    ]);
  }

  /** A method, because the answer changes while something is awaited. */
  #hasStopped(): boolean {
    return this.#isStopping;
  }

  #createSessionSet(view: ClusterView): BgpSessionSet {
    return new BgpSessionSet({
      nodeName: this.#deps.nodeName,
      cluster: view,
      view: this.#cluster,
      network: readLocalNetwork,
      restartSeconds: this.#deps.bgp.restartSeconds,
      onMissingPassword: (peer, secret) => this.#sessions.noteMissingPassword(peer, secret),
    });
  }

  #post(command: BgpCommand): void {
    if (command.type === "sessions") this.#metrics.setSessions(command.sessions);
    this.#deps.bgp.thread.post(command);
  }

  #notePlanned(keys: ReadonlySet<string>): void {
    for (const key of keys) {
      this.#services.notePlan(key, this.#planner.plan(key));
      this.#statuses.note(key);
    }
  }

  #statusOf(key: string): StatusDetails | undefined {
    const plan = this.#planner.plan(key);
    return plan?.type === "announce" ? { peers: plan.peers } : undefined;
  }

  #noteVerdict(): void {
    const { verdict } = this.#planner;
    this.#deps.onConfiguration(verdict);
    const key = JSON.stringify(verdict.problems);
    if (key === this.#reportedProblems) return;
    this.#reportedProblems = key;
    for (const sentence of verdict.problems) {
      this.#deps.log.error(
        { op: "reloadConfig", error: `failed to parse the configuration: ${sentence}` },
        "part of the BGP configuration is not used",
      );
    }
  }

  #await(sequence: number, markedAtMs: number): void {
    this.#awaited.set(sequence, markedAtMs);
    const [oldest] = this.#awaited.keys();
    if (this.#awaited.size > MAX_AWAITED && oldest !== undefined) this.#awaited.delete(oldest);
  }

  #noteReport(report: BgpReport): void {
    const { log, onFatal } = this.#deps;
    switch (report.type) {
      case "started":
      case "left":
        return;
      case "session":
      case "sessionGone":
        this.#noteSession(report);
        return;
      case "counters":
        this.#metrics.noteCounters(report.perSession);
        return;
      case "routesWritten":
        this.#noteWritten(report);
        return;
      case "log":
        log[report.level](report.fields, report.msg);
        return;
      case "failed":
        if (!this.#hasStopped()) onFatal(`the BGP thread failed: ${report.error}`);
    }
  }

  /** While we leave, sessions end as they must: the end of the process says it all. */
  #noteSession(report: Extract<BgpReport, { readonly type: "session" | "sessionGone" }>): void {
    if (report.type === "session") this.#metrics.noteSession(report);
    const isUp = report.type === "session" && report.state === "Established";
    if (!isUp) this.#upSinceMs.delete(report.session);
    else if (!this.#upSinceMs.has(report.session)) this.#upSinceMs.set(report.session, Date.now());
    if (this.#isStopping) return;
    if (report.type === "session") this.#sessions.note(report);
    else this.#sessions.forget(report.session);
  }

  /** What waited for its session to come up is no measure of how fast a change travels. */
  #noteWritten(report: Extract<BgpReport, { readonly type: "routesWritten" }>): void {
    const { session, sequence, atMs } = report;
    const markedAtMs = this.#awaited.get(sequence);
    const upSinceMs = this.#upSinceMs.get(session);
    if (markedAtMs === undefined || upSinceMs === undefined || markedAtMs < upSinceMs) return;
    this.#metrics.observeAdvertised((atMs - markedAtMs) / 1_000);
  }
}
