/**
 * How long a session waits before it tries again. Each cause of a failure has its own growth; all start from the beginning once a
 * session has *stayed* Established, not merely when the peer answered. Against any peer: at most 10 attempts in the first minute.
 *
 * | cause | first wait | growth |
 * |---|---|---|
 * | transport: TCP refused, timeout, lost, hold timer expired | 1 s | × 2 to 30 s |
 * | lostWhenStable: the same after a stable session | 0.2 … 1 s | then as transport |
 * | refused: NOTIFICATION 2/x sent or received | 5 s | × 2 to 120 s |
 * | administrative: Cease by the peer's administrator, or for want of resources | 10 s | × 2 to 120 s |
 * | protocol: any other NOTIFICATION | 1 s | × 2 to 120 s |
 * | collision: Cease/7 | 0.5 … 2 s | × 2 to 30 s from the third on |
 * | bfd: BFD went down | 1 s | × 2 to 30 s |
 *
 * Waits are lengthened by up to a quarter, so that peers of one router do not come back together; never shortened.
 */
import { CeaseSubcode, ErrorCode } from "./constants";

export type FailureCause =
  | "transport"
  | "lostWhenStable"
  | "refused"
  | "administrative"
  | "protocol"
  | "collision"
  | "bfd";

interface Growth {
  readonly firstMs: number;
  readonly maxMs: number;
}

const GROWTHS: Readonly<Record<Exclude<FailureCause, "collision" | "lostWhenStable">, Growth>> = {
  transport: { firstMs: 1_000, maxMs: 30_000 },
  refused: { firstMs: 5_000, maxMs: 120_000 },
  administrative: { firstMs: 10_000, maxMs: 120_000 },
  protocol: { firstMs: 1_000, maxMs: 120_000 },
  bfd: { firstMs: 1_000, maxMs: 30_000 },
};

const COLLISION_MIN_MS = 500;
const COLLISION_MAX_MS = 2_000;
const MAX_COLLISION_WAIT_MS = 30_000;
/** Collisions that are answered without growth: two sides that start together need no more. */
const FREE_COLLISIONS = 2;
const STABLE_MIN_MS = 200;
const STABLE_MAX_MS = 1_000;
const JITTER = 0.25;
/** 2^20 is beyond every maximum. */
const MAX_STEP = 20;

const ADMINISTRATIVE_SUBCODES: readonly number[] = [
  CeaseSubcode.maximumNumberOfPrefixesReached,
  CeaseSubcode.administrativeShutdown,
  CeaseSubcode.peerDeconfigured,
  CeaseSubcode.connectionRejected,
  CeaseSubcode.outOfResources,
];

/** The cause a NOTIFICATION stands for, sent or received; of a hard reset ask with what it wraps. */
export function causeOfNotification(code: number, subcode: number): FailureCause {
  if (code === ErrorCode.openMessageError) return "refused";
  if (code === ErrorCode.holdTimerExpired || code === ErrorCode.sendHoldTimerExpired) {
    return "transport";
  }
  if (code !== ErrorCode.cease) return "protocol";
  if (subcode === CeaseSubcode.connectionCollisionResolution) return "collision";
  if (subcode === CeaseSubcode.bfdDown) return "bfd";
  return ADMINISTRATIVE_SUBCODES.includes(subcode) ? "administrative" : "protocol";
}

export class Backoff {
  #fixedRetryMs: number | undefined;
  readonly #random: () => number;
  readonly #steps = new Map<FailureCause, number>();

  /**
   * `random` gives numbers from 0 up to 1. With `connectRetrySeconds` (the peer's `connectTime`) transport failures wait exactly
   * that, refusals at least that.
   */
  constructor(random: () => number, connectRetrySeconds?: number) {
    this.#random = random;
    this.setConnectRetry(connectRetrySeconds);
  }

  /** Another `connectTime`, from the next wait on. */
  setConnectRetry(connectRetrySeconds: number | undefined): void {
    this.#fixedRetryMs =
      connectRetrySeconds === undefined ? undefined : connectRetrySeconds * 1_000;
  }

  /** The wait after the failure; it lengthens the next one of the same cause. */
  nextWaitMs(cause: FailureCause): number {
    const fixedMs = this.#fixedRetryMs;
    if (fixedMs === undefined) return this.#growingWaitMs(cause);
    const isTransport = cause === "transport" || cause === "lostWhenStable";
    return isTransport ? fixedMs : Math.max(fixedMs, this.#growingWaitMs(cause));
  }

  /** Every cause starts from its first wait again. */
  reset(): void {
    this.#steps.clear();
  }

  #growingWaitMs(cause: FailureCause): number {
    if (cause === "lostWhenStable") return this.#between(STABLE_MIN_MS, STABLE_MAX_MS);
    const step = this.#steps.get(cause) ?? 0;
    this.#steps.set(cause, Math.min(step + 1, MAX_STEP));
    if (cause === "collision") {
      const factor = 2 ** Math.max(0, step - FREE_COLLISIONS);
      const waitMs = this.#between(COLLISION_MIN_MS, COLLISION_MAX_MS) * factor;
      return Math.min(waitMs, MAX_COLLISION_WAIT_MS);
    }
    const { firstMs, maxMs } = GROWTHS[cause];
    const waitMs = Math.min(firstMs * 2 ** step, maxMs);
    return this.#between(waitMs, waitMs * (1 + JITTER));
  }

  #between(minMs: number, maxMs: number): number {
    return Math.round(minMs + this.#random() * (maxMs - minMs));
  }
}
