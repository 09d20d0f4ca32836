/** A BGP thread in the test's own process, for conversations over loopback. */
import { BgpThread } from "../../../node/bgp-thread-handle";
import type {
  BgpCommand,
  BgpReport,
  BgpSessionCounters,
  BgpSessionReport,
  BgpSessionSpec,
} from "../../../node/bgp-protocol";
import type { SessionConfiguration } from "../../../lib/bgp/negotiation";
import { PEER_AS, type ScriptedPeer } from "./scripted-peer";

export const SPEAKER_AS = 65_001;

export class ThreadInTest {
  readonly reports: BgpReport[] = [];
  readonly #thread: BgpThread;
  readonly #sessions = new Map<string, BgpSessionReport>();
  readonly #counters = new Map<string, BgpSessionCounters>();

  private constructor(thread: BgpThread) {
    this.#thread = thread;
    thread.onReport(report => {
      this.reports.push(report);
      if (report.type === "session") this.#sessions.set(report.session, report);
      if (report.type !== "counters") return;
      for (const counters of report.perSession) this.#counters.set(counters.session, counters);
    });
  }

  static async start(bundlePath: string): Promise<ThreadInTest> {
    return new ThreadInTest(await BgpThread.start({ bundlePath }));
  }

  post(command: BgpCommand): void {
    this.#thread.post(command);
  }

  session(name: string): BgpSessionReport | undefined {
    return this.#sessions.get(name);
  }

  counters(name: string): BgpSessionCounters | undefined {
    return this.#counters.get(name);
  }

  isEstablished(name: string): boolean {
    return this.session(name)?.state === "Established";
  }

  async stop(): Promise<void> {
    await this.#thread.stop();
  }
}

/** A session with a scripted peer. */
export function specFor(
  name: string,
  address: string,
  peer: ScriptedPeer,
  configuration: Partial<SessionConfiguration> = {},
): BgpSessionSpec {
  return {
    name,
    target: { type: "address", address },
    port: peer.port,
    isMultihop: false,
    configuration: {
      localAs: SPEAKER_AS,
      expectedAs: { type: "exactly", as: PEER_AS },
      bgpIdentifier: 0x0a00_0001,
      holdTimeSeconds: 90,
      keepaliveSeconds: 30,
      families: ["ipv4-unicast", "ipv6-unicast"],
      offersExtendedNextHop: false,
      offersExtendedMessages: false,
      ...configuration,
    },
  };
}
