/** Writes counters, holders and reservations of pools into their status: when they differ, and at most once a second for each pool. */
import type { AddressBook } from "../../lib/allocation/address-book";
import { countPool, type PoolCounters } from "../../lib/allocation/counters";
import {
  listHolders,
  listReservations,
  toReservationText,
  type Holder,
} from "../../lib/allocation/pool-usage";
import type { PoolUse } from "../../lib/allocation/pool-index";
import type { Reservation } from "../../lib/allocation/reservations";
import type { IPAddressPool } from "../../lib/config/generated/resources";
import { formatIpAddress } from "../../lib/net/ip-address";
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

/** What was written last. */
interface Written {
  readonly text: string;
  readonly atMs: number;
  /** What the server made of it: an older schema drops fields, and JSON numbers went through a double. */
  readonly kept: string | undefined;
}

/** What was compared last; as long as it is the same, the outcome is. */
interface Compared {
  readonly book: AddressBook;
  readonly changes: number;
  readonly stored: IPAddressPool;
  readonly text: string;
}

export class PoolStatusWriter {
  readonly #options: PoolStatusOptions;
  readonly #written = new Map<string, Written>();
  /** Pools found as they should be. */
  readonly #settled = new Map<string, Compared>();

  constructor(options: PoolStatusOptions) {
    this.#options = options;
  }

  /** Names of the pools whose status may not be what the book says. */
  different(book: AddressBook): readonly string[] {
    return book.pools.pools
      .map(use => use.pool.name)
      .filter(name => this.#options.pool(name) !== undefined && !this.#isSettled(name, book));
  }

  /** Writes one pool's status if it differs, or says when it may be written. Throws to be called again with back-off. */
  async reconcile(name: string, book: AddressBook): Promise<ReconcileResult> {
    const stored = this.#options.pool(name);
    const use = book.pools.named(name);
    if (stored === undefined) this.#forget(name);
    if (stored === undefined || use === undefined || this.#isSettled(name, book)) return {};
    const nowMs = this.#options.clock.nowMs();
    const waitMs = (this.#written.get(name)?.atMs ?? -Infinity) + MIN_INTERVAL_MS - nowMs;
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const changes = book.changesOf(name);
    const text = statusText(book, use);
    if (!this.#differs(stored, text)) {
      this.#settled.set(name, { book, changes, stored, text });
    } else if (this.#options.mayWrite()) {
      await this.#write(stored, { text, atMs: nowMs, kept: undefined });
    }
    return {};
  }

  #isSettled(name: string, book: AddressBook): boolean {
    const settled = this.#settled.get(name);
    return (
      settled?.book === book &&
      settled.changes === book.changesOf(name) &&
      settled.stored === this.#options.pool(name)
    );
  }

  #forget(name: string): void {
    this.#written.delete(name);
    this.#settled.delete(name);
  }

  async #write(stored: IPAddressPool, written: Written): Promise<void> {
    const name = stored.metadata.name ?? "";
    this.#written.set(name, written);
    try {
      const answer = await this.#put(stored, written.text);
      const kept = answer?.status === undefined ? undefined : canonical(answer.status);
      this.#written.set(name, { ...written, kept });
    } catch (error) {
      this.#written.delete(name);
      if (!isNotFound(error)) throw error;
    }
  }

  #differs(stored: IPAddressPool, text: string): boolean {
    const written = this.#written.get(stored.metadata.name ?? "");
    const has = canonical(stored.status);
    if (written?.text === text && written.kept !== undefined) return has !== written.kept;
    if (has !== canonical(JSON.parse(text) as object)) return true;
    // The stored numbers went through a double: beyond 2^53 only what was written last says whether they are right.
    return written === undefined ? hasLongNumber(text) : written.text !== text;
  }

  #put({ metadata }: IPAddressPool, status: string): Promise<IPAddressPool | undefined> {
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
    const body = `${head.slice(0, -1)},"status":${status}}`;
    return client.put<IPAddressPool | undefined>(`${path}/status`, body);
  }
}

/**
 * The status as JSON, names in alphabetical order as the server gives them back. A JavaScript number cannot hold 2^63-1, so the
 * digits are written by hand. Empty lists are left out.
 */
export function toStatusText(
  { ipv4, ipv6 }: PoolCounters,
  holders: readonly Holder[] = [],
  reservations: readonly Reservation[] = [],
): string {
  const fields: readonly (readonly [string, bigint])[] = [
    ["assignedIPv4", ipv4.assigned],
    ["assignedIPv6", ipv6.assigned],
    ["availableIPv4", ipv4.available],
    ["availableIPv6", ipv6.available],
  ];
  const numbers = fields.map(([name, value]) => `"${name}":${value}`);
  const held = holders.map(({ address, services }) => ({
    address: formatIpAddress(address),
    services,
  }));
  const lists = [
    ...(held.length === 0 ? [] : [`"holders":${JSON.stringify(held)}`]),
    ...(reservations.length === 0
      ? []
      : [`"reservations":${JSON.stringify(reservations.map(toReservationText))}`]),
  ];
  return `{${[...numbers, ...lists].join(",")}}`;
}

function statusText(book: AddressBook, use: PoolUse): string {
  return toStatusText(countPool(use), listHolders(book, use), listReservations(book, use));
}

function canonical(status: object | undefined): string {
  const fields = Object.entries(status ?? {});
  return JSON.stringify(
    Object.fromEntries(fields.sort(([left], [right]) => (left < right ? -1 : 1))),
  );
}

function hasLongNumber(text: string): boolean {
  return /[0-9]{16,}/.test(text);
}
