/** A list of what a speaker told its packet thread, in the thread's place. */
import type { PacketThreadPort } from "../../../capabilities/speaker/speaker";
import type { PacketCommand, PacketReport } from "../../../node/packet-protocol";

type AnnounceCommand = Extract<PacketCommand, { type: "announce" }>;
type ConfigureCommand = Extract<PacketCommand, { type: "configure" }>;

/** Remembers commands and lets the test speak for the thread. */
export class RecordingThread implements PacketThreadPort {
  readonly commands: PacketCommand[] = [];
  readonly #listeners: ((report: PacketReport) => void)[] = [];
  isStopped = false;

  post(command: PacketCommand): void {
    this.commands.push(structuredClone(command));
  }

  onReport(listener: (report: PacketReport) => void): void {
    this.#listeners.push(listener);
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }

  report(report: PacketReport): void {
    for (const listener of this.#listeners) listener(report);
  }

  own(address: string, interfaces = ["eth0"]): void {
    this.report({ type: "ownership", address, isOwner: true, interfaces });
  }

  lose(address: string, owner: string): void {
    this.report({ type: "ownership", address, isOwner: false, interfaces: [], owner });
  }

  get configured(): ConfigureCommand | undefined {
    return this.commands.filter(command => command.type === "configure").at(-1);
  }

  get announced(): AnnounceCommand | undefined {
    return this.commands.filter(command => command.type === "announce").at(-1);
  }

  get addresses(): string[] {
    return (this.announced?.entries ?? []).map(entry => entry.address);
  }
}
