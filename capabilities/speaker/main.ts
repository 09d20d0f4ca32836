/**
 * The program of each node: options, files, ports and signals around `Speaker`. It never loads Pepr or
 * kubernetes-fluent-client, starts without the API server, and answers SIGTERM by leaving in order.
 */
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { MessageChannel } from "node:worker_threads";
import type { Logger } from "pino";
import { BgpThread } from "../../node/bgp-thread-handle";
import { PacketThread, PacketThreadError } from "../../node/packet-thread-handle";
import { findLaxInterfaces } from "../../node/strict-arp";
import { UplinkWatch } from "../../node/uplink-watch";
import { systemClock } from "../cluster/clock";
import { ApiClient } from "../cluster/api-client";
import { loadClusterAccess } from "../cluster/cluster-access";
import { EventRecorder } from "../cluster/events";
import { createLogger } from "../cluster/log";
import { parseOptions } from "../cluster/options";
import { endInOrder } from "../cluster/orderly-end";
import { findOwnPod } from "../cluster/own-pod";
import { PortError, ProbeServer } from "../cluster/probe-server";
import {
  MetricsCertificateError,
  secureMetrics,
  type SecureMetrics,
} from "../cluster/secure-metrics";
import type { BgpSettings } from "./bgp-speaker";
import { BgpThreadOnDemand } from "./bgp-thread-on-demand";
import { toLivenessSettings } from "./liveness-settings";
import { SpeakerMetrics } from "./metrics";
import { IGNORED_FLAGS, speakerOptions, type SpeakerOptions } from "./options";
import { Speaker } from "./speaker";
import {
  followExcludeList,
  followHeartbeatSecret,
  readExcludeList,
  readHeartbeatSecret,
  readMemberlistProfile,
  StartError,
} from "./start-files";
import { StrictArpWatch } from "./strict-arp-watch";

/** The bundles of the threads lie beside this program's own. */
const PACKET_THREAD_BUNDLE = "packet-thread.js";
const BGP_THREAD_BUNDLE = "bgp-thread.js";

/** As the controller's: V8's space for new objects stays at the 1 MB it begins with instead of growing with the first list. */
const SMALL_NEW_SPACE = "--semi-space-growth-factor=1";

/** After SIGTERM the process ends within this, and the drain of BGP, whatever hangs. */
const SHUTDOWN_LIMIT_MS = 3_000;

async function main(): Promise<void> {
  setFlagsFromString(SMALL_NEW_SPACE);
  const parsed = parseOptions(
    { name: "speaker", table: speakerOptions, retired: IGNORED_FLAGS },
    { argv: process.argv.slice(2), env: process.env },
  );
  if (parsed.type !== "options") {
    process.stdout.write(`${parsed.text}\n`);
    process.exit(parsed.type === "help" ? 0 : 2);
  }
  const log = createLogger("speaker", parsed.options.logLevel);
  for (const notice of parsed.notices) log.warn(notice);
  try {
    await run(parsed.options, log);
  } catch (error) {
    log.fatal({ err: error }, isForUser(error) ? error.message : "the speaker cannot go on");
    process.exit(1);
  }
}

/** Whether the message of an error is a sentence that says what to do. */
function isForUser(error: unknown): error is Error {
  return [StartError, PortError, PacketThreadError, MetricsCertificateError].some(
    kind => error instanceof kind,
  );
}

async function run(options: SpeakerOptions, log: Logger): Promise<void> {
  const { nodeName, namespace } = options;
  if (nodeName === undefined) {
    throw new StartError("the name of the Node is needed: --node-name or METALLB_NODE_NAME");
  }
  log.info({ node: nodeName, namespace }, "Herald speaker starting");
  const excluded = readExcludeList(options.excludeListPath);
  const secret = readHeartbeatSecret(options.heartbeatSecretPath);
  const { profile, ...liveness } = toLivenessSettings(
    options,
    readMemberlistProfile(options.memberlistConfigPath, log),
  );
  log.info({ event: "liveness", profile, ...liveness }, "how soon others are taken for dead");
  const access = loadClusterAccess({ kubeconfig: options.kubeconfig, env: process.env });
  const client = new ApiClient(access, { userAgent: "herald-speaker" });
  const bundlePath = join(__dirname, PACKET_THREAD_BUNDLE);
  const thread = await PacketThread.start({ bundlePath, nodeName });
  const bgp = prepareBgp(options, thread);
  const metrics: SpeakerMetrics = new SpeakerMetrics({
    lastContactMs: () => speaker.lastContactMs(),
    nowMs: () => performance.now(),
  });
  const speaker: Speaker = new Speaker({
    nodeName,
    namespace,
    options,
    heartbeat: {
      port: options.heartbeatPort,
      bindAddresses: options.heartbeatAddress === undefined ? [] : [options.heartbeatAddress],
      secret,
    },
    liveness,
    conflicts: { detection: options.conflictDetection, policy: options.conflictPolicy },
    client,
    thread,
    bgp,
    events: new EventRecorder({
      client,
      component: "metallb-speaker",
      host: nodeName,
      log,
      clock: systemClock,
    }),
    findOwner: () => findOwnPod(options.podName, namespace, { client, log }),
    metrics,
    log,
    onFatal: reason => {
      log.fatal(reason);
      process.exit(1);
    },
  });
  const limitMs = SHUTDOWN_LIMIT_MS + bgp.drainMs;
  endInOrder({ stop: () => speaker.stop(), limitMs, log });
  await startProbes(options, speaker, metrics, secureMetrics(options, { client, log }));
  followExcludeList(options.excludeListPath, log, patterns => {
    speaker.setExcludedInterfaces(patterns);
  });
  followHeartbeatSecret(options.heartbeatSecretPath, log, secretNow => {
    speaker.setSecret(secretNow);
  });
  watchUplink(options, speaker, log);
  watchStrictArp(speaker, metrics, log);
  await speaker.start(excluded);
}

/** Whether the default gateway answers; without a raw socket the question is not asked. */
function watchUplink(options: SpeakerOptions, speaker: Speaker, log: Logger): void {
  if (options.uplinkCheck === "off") return;
  try {
    new UplinkWatch(isReachable => {
      const msg = isReachable
        ? "the default gateway answers again"
        : "the default gateway does not answer: addresses go to nodes that it answers";
      log[isReachable ? "info" : "warn"]({ event: "uplink", isReachable }, msg);
      speaker.setUplink(isReachable);
    });
  } catch (error) {
    log.warn({ err: error }, "the default gateway is not watched: no raw socket");
  }
}

function watchStrictArp(speaker: Speaker, { registry }: SpeakerMetrics, log: Logger): void {
  new StrictArpWatch({
    clock: systemClock,
    log,
    registry,
    findLax: findLaxInterfaces,
    isExcluded: name => speaker.excludes(name),
    hasAddresses: () => speaker.hasLayer2Addresses(),
  });
}

/** The BGP thread, when there is a session, with a channel of its own to the packet thread, where BFD runs. */
function prepareBgp(options: SpeakerOptions, packets: PacketThread): BgpSettings {
  const bundlePath = join(__dirname, BGP_THREAD_BUNDLE);
  const start = (): Promise<BgpThread> => {
    const { port1, port2 } = new MessageChannel();
    packets.connectBgp(port1);
    return BgpThread.start({ bundlePath, bfdPort: port2 });
  };
  return {
    thread: new BgpThreadOnDemand({ start, clock: systemClock }),
    drainMs: options.bgpDrainSeconds * 1_000,
    restartSeconds: options.bgpRestartSeconds,
    withFrrK8sNames: options.hasFrrK8sMetrics,
  };
}

async function startProbes(
  options: SpeakerOptions,
  speaker: Speaker,
  metrics: SpeakerMetrics,
  secured: SecureMetrics | undefined,
): Promise<void> {
  await ProbeServer.start({
    healthProbePort: options.healthProbePort,
    // The Node's network is everybody's: the probes are for its kubelet alone.
    healthProbeHost: "127.0.0.1",
    metricsPort: options.metricsPort,
    metricsHost: "",
    isHealthy: () => undefined,
    isReady: () => speaker.whyNotReady(),
    metrics: metrics.registry,
    secureMetrics: secured,
  });
}

void main();
