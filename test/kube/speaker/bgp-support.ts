/** In place of the BGP thread: what it was told, as sessions with the routes they have. */
import type { BgpThreadPort } from "../../../capabilities/speaker/bgp-speaker";
import type {
  BgpCommand,
  BgpReport,
  BgpSessionSpec,
  LeaveCommand,
} from "../../../node/bgp-protocol";

export class RecordingBgpThread implements BgpThreadPort {
  readonly commands: BgpCommand[] = [];
  readonly routes = new Map<string, Map<string, object>>();
  left: Omit<LeaveCommand, "type"> | undefined;
  #sessions: readonly BgpSessionSpec[] = [];
  readonly #listeners: ((report: BgpReport) => void)[] = [];

  post(command: BgpCommand): void {
    const sent = structuredClone(command);
    this.commands.push(sent);
    if (sent.type === "sessions") this.#setSessions(sent.sessions);
    if (sent.type !== "routes") return;
    for (const { session, withdrawn, announced } of sent.changes) {
      const routes = this.routes.get(session);
      for (const prefix of withdrawn) routes?.delete(prefix);
      for (const { attributes, prefixes } of announced) {
        for (const prefix of prefixes) routes?.set(prefix, sent.attributeSets[attributes] ?? {});
      }
    }
  }

  onReport(listener: (report: BgpReport) => void): void {
    this.#listeners.push(listener);
  }

  leave(command: Omit<LeaveCommand, "type">): Promise<void> {
    this.left = command;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  report(report: BgpReport): void {
    for (const listener of this.#listeners) listener(report);
  }

  get sessions(): readonly BgpSessionSpec[] {
    return this.#sessions;
  }

  prefixes(session: string): string[] {
    return [...(this.routes.get(session)?.keys() ?? [])].sort();
  }

  #setSessions(sessions: readonly BgpSessionSpec[]): void {
    this.#sessions = sessions;
    const names = new Set(sessions.map(({ name }) => name));
    for (const name of [...this.routes.keys()]) if (!names.has(name)) this.routes.delete(name);
    for (const name of names) {
      if (!this.routes.has(name)) this.routes.set(name, new Map());
    }
  }
}
