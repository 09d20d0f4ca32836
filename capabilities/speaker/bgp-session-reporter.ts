/** Says what becomes of a session: log lines, and events on its BGPPeer that name the node and the reason in words. */
import type { Logger } from "pino";
import type { BGPPeer } from "../../lib/config/generated/resources";
import type { BgpSessionReport } from "../../node/bgp-protocol";
import type { EventContent, EventRecorder } from "../cluster/events";
import type { BgpView } from "./bgp-cluster";

export interface BgpSessionReporterOptions {
  readonly nodeName: string;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly events: Pick<EventRecorder, "record">;
  readonly view: Pick<BgpView, "bgpPeers">;
  readonly log: Logger;
}

interface Reported {
  readonly isUp: boolean;
  /** It has been on its way once: before that, being down is no trouble. */
  readonly wasTried: boolean;
  /** The last trouble that was told, until the session is up. */
  readonly trouble: string;
  readonly warnings: readonly string[];
}

const NOTHING: Reported = { isUp: false, wasTried: false, trouble: "", warnings: [] };

export class BgpSessionReporter {
  readonly #options: BgpSessionReporterOptions;
  readonly #sessions = new Map<string, Reported>();

  constructor(options: BgpSessionReporterOptions) {
    this.#options = options;
  }

  /** A session is in another state, or says something new. An attempt in between does not make old trouble news. */
  note(report: BgpSessionReport): void {
    const name = report.session;
    const before = this.#sessions.get(name) ?? NOTHING;
    const now = follow(before, report);
    this.#sessions.set(name, now);
    if (now.isUp && !before.isUp) this.#reportUp(report);
    if (!now.isUp && before.isUp) this.#reportDown(name, report.words);
    else if (now.trouble !== "" && now.trouble !== before.trouble) {
      this.#reportTrouble(name, now.trouble);
    }
    for (const warning of now.warnings) {
      if (!before.warnings.includes(warning)) this.#reportWarning(name, warning);
    }
  }

  /** The session is no longer configured. */
  forget(name: string): void {
    const before = this.#sessions.get(name);
    this.#sessions.delete(name);
    if (before?.isUp === true) this.#reportDown(name, "it is not configured any more");
  }

  noteMissingPassword(peer: string, secretName: string): void {
    const { nodeName, namespace, log } = this.#options;
    const message =
      `no BGP session from node "${nodeName}" yet: the namespace ${namespace} has no Secret ${secretName} of type ` +
      `kubernetes.io/basic-auth with a key password`;
    log.warn({ event: "sessionWaits", peer, secret: secretName }, message);
    this.#record(peer, { type: "Warning", reason: "passwordMissing", message });
  }

  #reportUp({ session, negotiated, remoteAddress }: BgpSessionReport): void {
    const { nodeName, log } = this.#options;
    const who = negotiated === undefined ? "" : ` with AS ${negotiated.remoteAs}`;
    const message = `BGP session from node "${nodeName}"${who} is up`;
    log.info({ event: "sessionUp", peer: session, address: remoteAddress, negotiated }, message);
    this.#record(session, { type: "Normal", reason: "sessionUp", message });
  }

  #reportDown(name: string, words: string): void {
    const message = `BGP session from node "${this.#options.nodeName}" is down: ${words}`;
    this.#options.log.warn({ event: "sessionDown", peer: name, reason: words }, message);
    this.#record(name, { type: "Warning", reason: "sessionDown", message });
  }

  #reportTrouble(name: string, words: string): void {
    const message = `BGP session from node "${this.#options.nodeName}" does not come up: ${words}`;
    this.#options.log.warn({ event: "sessionFailed", peer: name, reason: words }, message);
    this.#record(name, { type: "Warning", reason: "sessionFailed", message });
  }

  #reportWarning(name: string, words: string): void {
    const message = `BGP session from node "${this.#options.nodeName}": ${words}`;
    this.#options.log.warn({ event: "sessionWarning", peer: name }, message);
    this.#record(name, { type: "Warning", reason: "sessionWarning", message });
  }

  #record(name: string, content: EventContent): void {
    const { namespace, view, events } = this.#options;
    const isNamed = ({ metadata }: BGPPeer): boolean => metadata.name === name;
    const uid = view.bgpPeers().find(isNamed)?.metadata.uid;
    const peer = { apiVersion: "metallb.io/v1beta2", kind: "BGPPeer", namespace, name };
    events.record({ ...peer, ...(uid !== undefined && { uid }) }, content);
  }
}

function follow(before: Reported, { state, words, warnings }: BgpSessionReport): Reported {
  // Between two attempts; the words then say what became of the last one.
  const isWaiting = state === "Idle" || state === "Active";
  const isUp = state === "Established";
  const trouble = isWaiting && before.wasTried ? words : before.trouble;
  return {
    isUp,
    wasTried: before.wasTried || !isWaiting,
    trouble: isUp ? "" : trouble,
    warnings,
  };
}
