/**
 * The right to be the one writer: a coordination.k8s.io/v1 Lease. Safe against our own stillness: `isHeld` counts from the moment at
 * which the last successful renewal was *begun*, on the monotonic clock, so that a process that was stopped, or whose answer came late,
 * does not believe that it still holds the Lease. Safe against foreign clocks: a holder is replaced only after *we* have watched it not
 * renew for the whole duration that it announced.
 */
import type { Logger } from "pino";
import type { ApiClient } from "./api-client";
import { isConflict, isNotFound } from "./api-error";
import { pause, systemClock, type Cancel, type Clock } from "./clock";

export interface LeaseOptions {
  readonly client: Pick<ApiClient, "get" | "post" | "put">;
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone: two processes with one identity still exclude each other, but nobody can tell them apart. */
  readonly identity: string;
  /** How long the Lease counts as held after a renewal was begun. */
  readonly durationMs?: number;
  /** Between two renewals, and between two looks at a foreign holder. */
  readonly renewMs?: number;
  /**
   * What others wait beyond `durationMs`: a write begun while the Lease was held has so long to reach the server before another may
   * write.
   */
  readonly graceMs?: number;
  readonly log: Logger;
  readonly onChange?: (isHeld: boolean) => void;
  readonly clock?: Clock;
  /** In [0, 1). */
  readonly random?: () => number;
  /** The wall clock, for what people read in the Lease; decides nothing. */
  readonly now?: () => Date;
}

interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number | null;
  readonly acquireTime?: string | null;
  readonly renewTime?: string | null;
  readonly leaseTransitions?: number | null;
}

interface LeaseObject {
  readonly metadata: { readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/** A foreign holder as we saw it, and since when it has not moved. */
interface Observation {
  readonly record: string;
  readonly sinceMs: number;
  /** How long it has to stay so before the holder counts as gone. */
  readonly quietMs: number;
}

export class Lease {
  readonly #options: LeaseOptions;
  readonly #clock: Clock;
  readonly #durationMs: number;
  readonly #renewMs: number;
  readonly #path: string;
  readonly #stopping = new AbortController();
  #heldUntilMs = -Infinity;
  #toldHeld = false;
  #cancelExpiry: Cancel | undefined;
  /** The Lease as we last wrote it; undefined when we never did or somebody else wrote since. */
  #own: LeaseObject | undefined;
  /** The claim that we last tried to write, whether or not an answer came. */
  #claimed = "";
  #observation: Observation | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#durationMs = options.durationMs ?? 8_000;
    this.#renewMs = options.renewMs ?? 2_000;
    this.#path = `/apis/coordination.k8s.io/v1/namespaces/${options.namespace}/leases`;
  }

  /** Begins to acquire the Lease and then to renew it, until `stop`. A second call does nothing. */
  start(): void {
    if (this.#stopping.signal.aborted) return;
    this.#loop ??= this.#run();
  }

  /** Whether we may write at this very moment. */
  isHeld(): boolean {
    return this.#clock.nowMs() < this.#heldUntilMs;
  }

  /** Stops holding at once, then gives the Lease back so that another need not wait; resolves when that is done or failed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#setHeldUntil(-Infinity);
    await this.#loop;
    const own = this.#own;
    this.#own = undefined;
    if (own === undefined) return;
    try {
      await this.#put(own, { ...own.spec, holderIdentity: "", renewTime: this.#timestamp() });
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        "the Lease could not be given back and has to run out",
      );
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { random = Math.random, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#acquireOrRenew();
      } catch (error) {
        log.warn({ err: error, isHeld: this.isHeld() }, "the Lease could not be read or renewed");
      }
      await pause(this.#clock, this.#renewMs * (1 - random() / 10), signal);
    }
  }

  async #acquireOrRenew(): Promise<void> {
    const startedMs = this.#clock.nowMs();
    // After a stop of the whole process this may be the first to run: whatever was lost meanwhile is told before it is regained.
    this.#tell();
    // An error leaves this function before it changes anything: what we hold, we hold until it runs out.
    this.#own = (await this.#renewOwn()) ?? (await this.#tryToTake());
    if (this.#own === undefined) {
      this.#setHeldUntil(-Infinity);
      return;
    }
    this.#observation = undefined;
    if (!this.#stopping.signal.aborted) this.#setHeldUntil(startedMs + this.#durationMs);
  }

  /** Our Lease renewed; undefined if there is none, or somebody wrote to it since. */
  async #renewOwn(): Promise<LeaseObject | undefined> {
    const own = this.#own;
    if (own === undefined) return undefined;
    return unlessBeaten(() => this.#put(own, { ...own.spec, renewTime: this.#timestamp() }));
  }

  /** The Lease with us as holder; undefined if it is, or may be, another one's. */
  async #tryToTake(): Promise<LeaseObject | undefined> {
    const found = await unlessBeaten(() => this.#read());
    if (found === undefined) {
      return this.#isStill("deleted", 0) ? unlessBeaten(() => this.#create()) : undefined;
    }
    const spec = found.spec ?? {};
    const holder = spec.holderIdentity ?? "";
    if (toClaim(spec) === this.#claimed) {
      // Our own write whose answer was lost, or somebody changed no more than a label.
      return unlessBeaten(() => this.#put(found, { ...spec, renewTime: this.#timestamp() }));
    }
    const record = JSON.stringify([toClaim(spec), spec.renewTime]);
    const isFree = holder === "" || this.#isStill(record, (spec.leaseDurationSeconds ?? 0) * 1_000);
    return isFree ? unlessBeaten(() => this.#take(found)) : undefined;
  }

  #read(): Promise<LeaseObject> {
    const path = `${this.#path}/${this.#options.name}`;
    return this.#options.client.get<LeaseObject>(path, { timeoutMs: this.#timeoutMs() });
  }

  /**
   * Whether we have watched the Lease stay like this for as long as its holder may be silent. A Lease that was deleted under a holder that
   * we knew is no exception; one that was never there is free.
   */
  #isStill(record: string, announcedMs: number): boolean {
    const nowMs = this.#clock.nowMs();
    const known = this.#observation;
    if (known === undefined && record === "deleted") return true;
    if (known?.record !== record) {
      const quietMs = record === "deleted" ? (known?.quietMs ?? 0) : announcedMs;
      this.#observation = { record, sinceMs: nowMs, quietMs: Math.max(quietMs, this.#durationMs) };
      return false;
    }
    return nowMs - known.sinceMs >= known.quietMs;
  }

  #create(): Promise<LeaseObject> {
    const { namespace, name, client } = this.#options;
    const spec = this.#newSpec(0);
    this.#claimed = toClaim(spec);
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace, name },
      spec,
    };
    return client.post<LeaseObject>(this.#path, body, { timeoutMs: this.#timeoutMs() });
  }

  #take(found: LeaseObject): Promise<LeaseObject> {
    const from = found.spec?.holderIdentity ?? "";
    this.#options.log.info({ from }, "taking over the Lease");
    return this.#put(found, this.#newSpec((found.spec?.leaseTransitions ?? 0) + 1));
  }

  #put(lease: LeaseObject, spec: LeaseSpec): Promise<LeaseObject> {
    this.#claimed = toClaim(spec);
    const path = `${this.#path}/${this.#options.name}`;
    return this.#options.client.put(path, { ...lease, spec }, { timeoutMs: this.#timeoutMs() });
  }

  #newSpec(leaseTransitions: number): LeaseSpec {
    const graceMs = this.#options.graceMs ?? 2_000;
    const time = this.#timestamp();
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil((this.#durationMs + graceMs) / 1_000),
      acquireTime: time,
      renewTime: time,
      leaseTransitions,
    };
  }

  /** A request that takes longer than this could not renew in time anyway. */
  #timeoutMs(): number {
    return Math.max(this.#renewMs, this.#durationMs / 2);
  }

  /** Kubernetes' MicroTime. */
  #timestamp(): string {
    const now = this.#options.now?.() ?? new Date();
    return now.toISOString().replace("Z", "000Z");
  }

  #setHeldUntil(heldUntilMs: number): void {
    this.#heldUntilMs = heldUntilMs;
    this.#cancelExpiry?.();
    const remainingMs = heldUntilMs - this.#clock.nowMs();
    // A timer may fire a little early: it looks again.
    if (remainingMs > 0) {
      const look = (): void => this.#setHeldUntil(this.#heldUntilMs);
      this.#cancelExpiry = this.#clock.schedule(remainingMs, look);
    }
    this.#tell();
  }

  #tell(): void {
    const isHeld = this.isHeld();
    if (isHeld === this.#toldHeld) return;
    this.#toldHeld = isHeld;
    const { log, identity, onChange } = this.#options;
    log.info({ identity, isHeld }, isHeld ? "the Lease is ours" : "the Lease is not ours any more");
    onChange?.(isHeld);
  }
}

/** Who holds the Lease since when: what changes when it changes hands, and not when it is renewed. */
function toClaim(spec: LeaseSpec): string {
  const { holderIdentity, acquireTime, leaseTransitions } = spec;
  return JSON.stringify([holderIdentity, acquireTime, leaseTransitions]);
}

/** What `request` brings; undefined when the object is gone or somebody else wrote first. */
async function unlessBeaten<Answer>(request: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await request();
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return undefined;
    throw error;
  }
}
