/** The interfaces at work: follows the interface table, one responder for each usable interface. */
import type { JudgedInterface } from "./interface-table";
import { LinkResponder, type ResponderFilters, type ResponderSurroundings } from "./link-responder";
import type { ReportQueue } from "./report-queue";
import { SystemError, type Sockets } from "./sockets";

export class LinkSet {
  readonly #sockets: Sockets;
  readonly #surroundings: ResponderSurroundings;
  readonly #reports: ReportQueue;
  readonly #links = new Map<number, LinkResponder>();
  #filters: ResponderFilters;
  #hasFailed = false;

  constructor(
    sockets: Sockets,
    surroundings: ResponderSurroundings,
    reports: ReportQueue,
    filters: ResponderFilters,
  ) {
    this.#sockets = sockets;
    this.#surroundings = surroundings;
    this.#reports = reports;
    this.#filters = filters;
  }

  /** Whether a usable interface could not be opened: worth another `reconcile` later. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  values(): readonly LinkResponder[] {
    return [...this.#links.values()];
  }

  /** Closes what is no longer usable or has changed, opens what has become usable. */
  reconcile(judged: readonly JudgedInterface[]): {
    readonly opened: number;
    readonly closed: number;
  } {
    const usable = new Map(
      judged.filter(link => link.refusal === undefined).map(link => [link.index, link]),
    );
    let closed = 0;
    for (const [index, responder] of this.#links) {
      const now = usable.get(index);
      responder.linkLocal = now?.linkLocal;
      if (isSameLink(responder.link, now)) continue;
      responder.close();
      this.#links.delete(index);
      closed += 1;
    }
    this.#hasFailed = false;
    let opened = 0;
    for (const link of usable.values()) {
      if (!this.#links.has(link.index) && this.#open(link)) opened += 1;
    }
    return { opened, closed };
  }

  setFilters(filters: ResponderFilters): void {
    this.#filters = filters;
    for (const responder of this.#links.values()) {
      try {
        responder.setFilters(filters);
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.#reports.log("error", "cannot set a socket filter", {
          interface: responder.link.name,
          code: error.code,
        });
      }
    }
  }

  close(): void {
    for (const responder of this.#links.values()) responder.close();
    this.#links.clear();
  }

  #open(link: JudgedInterface): boolean {
    try {
      const responder = new LinkResponder(this.#sockets, link, this.#filters, this.#surroundings);
      this.#links.set(link.index, responder);
      return true;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#hasFailed = true;
      const fields = { interface: link.name, code: error.code, call: error.call };
      this.#reports.log("warn", "cannot open an interface, trying again", fields);
      return false;
    }
  }
}

/** A renamed interface, or one with another MAC address, is another one. */
function isSameLink(open: JudgedInterface, now: JudgedInterface | undefined): boolean {
  return now?.name === open.name && now.macText === open.macText;
}
