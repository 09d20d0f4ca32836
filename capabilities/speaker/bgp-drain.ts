/** The order of taking a node out of load balancing while its program goes on: ask peers to prefer other paths, wait, withdraw. */
import type { BgpContext } from "../../lib/announcement/bgp-context";

/** `ask`: peers are to prefer other paths now; `restore`: the node is back before it was gone; `carryOn`: plan as ever. */
export type DrainStep = "ask" | "restore" | "carryOn";

export class Drain {
  #phase: "none" | "asking" | "drained" = "none";

  /** What to do now. The step after `ask` is taken when the peers have had their time. */
  next(isLeaving: boolean): DrainStep {
    const before = this.#phase;
    if (!isLeaving) {
      this.#phase = "none";
      return before === "asking" ? "restore" : "carryOn";
    }
    this.#phase = before === "none" ? "asking" : "drained";
    return before === "none" ? "ask" : "carryOn";
  }
}

/** Whether a node leaves for good, as opposed to one whose network is gone already. */
export function isLeaving(unavailability: BgpContext["unavailability"]): boolean {
  const reason = unavailability?.reason;
  return reason === "nodeLabeledExcludeBalancers" || reason === "nodeShuttingDown";
}
