/** Writes the counters of pools into their status: when they differ, and at most once a second for each pool. */
import { countPool, type PoolCounters } from "../../lib/allocation/counters";
import type { AddressBook } from "../../lib/allocation/address-book";
import type { IPAddressPool } from "../../lib/config/generated/resources";
import type { ApiClient } from "../cluster/api-client";
import { isNotFound } from "../cluster/api-error";
import type { Clock } from "../cluster/clock";
import type { ReconcileResult } from "../cluster/key-queue";

const MIN_INTERVAL_MS = 1_000;

export interface PoolStatusOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly clock: Clock;
  /** The pool as the API server has it. */
  readonly pool: (name: string) => IPAddressPool | undefined;
  readonly mayWrite: () => boolean;
}

interface Written {
  readonly text: string;
  readonly atMs: number;
}

export class PoolStatusWriter {
  readonly #options: PoolStatusOptions;
  readonly #written = new Map<string, Written>();

  constructor(options: PoolStatusOptions) {
    this.#options = options;
  }

  /** Names of the pools whose status is not what the book says. */
  different(book: AddressBook): readonly string[] {
    return book.pools.pools
      .map(use => use.pool.name)
      .filter(name => this.#differs(name, statusText(book, name)));
  }

  /** Writes one pool's status if it differs, or says when it may be written. Throws to be called again with back-off. */
  async reconcile(name: string, book: AddressBook): Promise<ReconcileResult> {
    const text = statusText(book, name);
    const stored = this.#options.pool(name);
    if (stored === undefined) this.#written.delete(name);
    if (stored === undefined || text === undefined || !this.#differs(name, text)) return {};
    const nowMs = this.#options.clock.nowMs();
    const waitMs = (this.#written.get(name)?.atMs ?? -Infinity) + MIN_INTERVAL_MS - nowMs;
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    if (this.#options.mayWrite()) await this.#write(stored, { text, atMs: nowMs });
    return {};
  }

  async #write(stored: IPAddressPool, written: Written): Promise<void> {
    const name = stored.metadata.name ?? "";
    this.#written.set(name, written);
    try {
      await this.#put(stored, written.text);
    } catch (error) {
      this.#written.delete(name);
      if (!isNotFound(error)) throw error;
    }
  }

  /** The stored numbers went through a double: beyond 2^53 only what was written last says whether they are right. */
  #differs(name: string, text: string | undefined): boolean {
    const stored = this.#options.pool(name);
    if (text === undefined || stored === undefined) return false;
    if (JSON.stringify(sorted(stored.status)) !== JSON.stringify(JSON.parse(text))) return true;
    const written = this.#written.get(name)?.text;
    return written === undefined ? hasLongNumber(text) : written !== text;
  }

  async #put({ metadata }: IPAddressPool, status: string): Promise<void> {
    const { client, namespace } = this.#options;
    const { name, resourceVersion } = metadata;
    const path = `/apis/metallb.io/v1beta1/namespaces/${namespace}/ipaddresspools/${name ?? ""}`;
    const head = JSON.stringify({
      apiVersion: "metallb.io/v1beta1",
      kind: "IPAddressPool",
      metadata: { name, namespace, resourceVersion },
      // The server ignores the spec here but wants one.
      spec: { addresses: [] },
    });
    await client.put(`${path}/status`, `${head.slice(0, -1)},"status":${status}}`);
  }
}

/** The status as JSON. A JavaScript number cannot hold 2^63-1, so the digits are written by hand. */
export function toStatusText({ ipv4, ipv6 }: PoolCounters): string {
  const fields: readonly (readonly [string, bigint])[] = [
    ["assignedIPv4", ipv4.assigned],
    ["assignedIPv6", ipv6.assigned],
    ["availableIPv4", ipv4.available],
    ["availableIPv6", ipv6.available],
  ];
  return `{${fields.map(([name, value]) => `"${name}":${value}`).join(",")}}`;
}

function statusText(book: AddressBook, name: string): string | undefined {
  const use = book.pools.named(name);
  return use === undefined ? undefined : toStatusText(countPool(book, use));
}

function sorted(status: object | undefined): unknown {
  return Object.fromEntries(
    Object.entries(status ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)),
  );
}

function hasLongNumber(text: string): boolean {
  return /[0-9]{16,}/.test(text);
}
