/** Follows links and addresses of this node by netlink, judges which interfaces may carry announcements, and reports them. */
import { InterfaceTable, toPatterns, type JudgedInterface } from "./interface-table";
import { NetlinkMonitor } from "./netlink";
import type { InterfaceReport } from "./packet-protocol";
import type { PollEngine } from "./poll-loop";
import type { ReportQueue } from "./report-queue";
import type { Sockets } from "./sockets";

export interface InterfaceEngineOptions {
  readonly sockets: Sockets;
  readonly reports: ReportQueue;
  /** Called with all interfaces, whenever something about one may have changed. */
  readonly onInterfaces: (judged: readonly JudgedInterface[]) => void;
  /** The node has an address more. */
  readonly onAddress: () => void;
}

export class InterfaceEngine implements PollEngine {
  readonly #options: InterfaceEngineOptions;
  readonly #table = new InterfaceTable();
  readonly #netlink: NetlinkMonitor;
  #lastReport = "";

  constructor(options: InterfaceEngineOptions) {
    this.#options = options;
    this.#netlink = new NetlinkMonitor(options.sockets);
  }

  get fds(): readonly number[] {
    return [this.#netlink.fd];
  }

  /** Regular expressions, unanchored; text that is none is logged and excludes nothing. Judge anew afterwards. */
  exclude(texts: readonly string[]): void {
    const { patterns, bad } = toPatterns(texts);
    for (const pattern of bad) {
      const msg = "not a regular expression, no interface is excluded by it";
      this.#options.reports.log("error", msg, { pattern });
    }
    this.#table.exclude(patterns);
  }

  /** Asks the kernel for everything anew. */
  describe(): void {
    this.#table.clear();
    for (const event of this.#netlink.describe()) this.#table.apply(event);
    this.judge();
  }

  /** Hands on every interface as it is now. */
  judge(): void {
    this.#options.onInterfaces(this.#table.judge());
  }

  /** Whether an interface of this node, at work or not, has the MAC address, given as lower-case text. */
  isOwnMac(macText: string): boolean {
    return this.#table.hasMac(macText);
  }

  onReadable(): void {
    const { events, isLossy } = this.#netlink.drain();
    if (isLossy) {
      this.describe();
      return;
    }
    for (const event of events) this.#table.apply(event);
    this.judge();
    if (events.some(({ type }) => type === "address")) this.#options.onAddress();
  }

  onTurn(): void {
    // All its work comes from the kernel.
  }

  nextDeadlineMs(): undefined {
    return undefined;
  }

  /** Tells main about the interfaces, unless it knows. */
  report(judged: readonly JudgedInterface[]): void {
    const interfaces = judged.map(toReport);
    const text = JSON.stringify(interfaces);
    if (text === this.#lastReport) return;
    this.#lastReport = text;
    this.#options.reports.add({ type: "interfaces", interfaces });
  }

  close(): void {
    this.#netlink.close();
  }
}

function toReport({ name, index, macText, refusal }: JudgedInterface): InterfaceReport {
  return {
    name,
    index,
    mac: macText,
    isUsable: refusal === undefined,
    ...(refusal === undefined ? {} : { reason: refusal }),
  };
}
