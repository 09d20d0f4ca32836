import { expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import type { ApiClient } from "../../../../capabilities/cluster/api-client";
import { PoolStatusWriter, toStatusText } from "../../../../capabilities/controller/pool-status";
import { AddressBook } from "../../../../lib/allocation/address-book";
import { countPools } from "../../../../lib/allocation/counters";
import { claimOf } from "../../../../lib/allocation/service";
import type { IPAddressPool } from "../../../../lib/config/generated/resources";
import { ipAddressPool } from "../../../support/resources";
import { pool, service } from "../../../support/services";

/** An API server with one pool, which keeps what is written as a client would read it. */
class OnePool {
  stored: IPAddressPool = ipAddressPool("p", ["10.0.0.0/30", "2001:db8::/48"]);
  readonly bodies: string[] = [];
  failure: ApiError | undefined;
  dropsLists = false;
  nowMs = 5_000;
  readonly book = new AddressBook();
  readonly writer: PoolStatusWriter;

  constructor() {
    this.book.setPools([pool("p", ["10.0.0.0/30", "2001:db8::/48"])], new Map());
    this.writer = new PoolStatusWriter({
      client: { put: (_path: string, body: string) => this.put(body) } as unknown as ApiClient,
      namespace: "metallb-system",
      clock: { nowMs: () => this.nowMs, schedule: () => () => undefined },
      pool: name => (name === "p" ? this.stored : undefined),
      mayWrite: () => true,
    });
  }

  hold(name: string, value: bigint): void {
    this.book.book({ claim: claimOf(service(name)), addresses: [{ family: "ipv4", value }] });
  }

  private put(body: string): Promise<IPAddressPool> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    this.bodies.push(body);
    const { holders, reservations, ...numbers } = (JSON.parse(body) as IPAddressPool).status!;
    const lists = {
      ...(holders === undefined ? {} : { holders }),
      ...(reservations === undefined ? {} : { reservations }),
    };
    this.stored = { ...this.stored, status: { ...numbers, ...(this.dropsLists ? {} : lists) } };
    return Promise.resolve(this.stored);
  }
}

const FIRST = 0x0a000000n;

it("writes digits that a number cannot hold", () => {
  const { book } = new OnePool();
  expect(toStatusText(countPools(book)[0]!)).toBe(
    '{"assignedIPv4":0,"assignedIPv6":0,"availableIPv4":4,"availableIPv6":9223372036854775807}',
  );
});

it("writes once, and then only what differs, at most once a second", async () => {
  const api = new OnePool();
  expect(api.writer.different(api.book)).toEqual(["p"]);
  expect(await api.writer.reconcile("p", api.book)).toEqual({});
  expect(api.bodies).toHaveLength(1);
  expect(api.bodies[0]).toContain('"availableIPv6":9223372036854775807');
  api.nowMs += 1_000;
  expect(await api.writer.reconcile("p", api.book)).toEqual({});
  expect(api.writer.different(api.book)).toEqual([]);
  api.hold("s", FIRST);
  await api.writer.reconcile("p", api.book);
  expect(api.bodies).toHaveLength(2);
  api.hold("t", FIRST + 1n);
  api.nowMs += 400;
  expect(await api.writer.reconcile("p", api.book)).toEqual({ requeueAfterMs: 600 });
  expect(api.bodies).toHaveLength(2);
  api.nowMs += 600;
  await api.writer.reconcile("p", api.book);
  await api.writer.reconcile("p", api.book);
  expect(api.bodies).toHaveLength(3);
  expect(api.stored.status).toMatchObject({
    assignedIPv4: 2,
    availableIPv4: 2,
    holders: [
      { address: "10.0.0.0", services: ["ns1/s"] },
      { address: "10.0.0.1", services: ["ns1/t"] },
    ],
  });
});

it("puts right what was edited by hand", async () => {
  const api = new OnePool();
  await api.writer.reconcile("p", api.book);
  api.stored = { ...api.stored, status: { ...api.stored.status!, assignedIPv4: 9 } };
  api.nowMs += 2_000;
  expect(api.writer.different(api.book)).toEqual(["p"]);
  await api.writer.reconcile("p", api.book);
  expect(api.stored.status?.assignedIPv4).toBe(0);
});

it("a refused write is tried again; a pool that is gone is let go", async () => {
  const api = new OnePool();
  api.failure = new ApiError("busy", { code: "status", status: 503 });
  await expect(api.writer.reconcile("p", api.book)).rejects.toThrow("busy");
  api.failure = new ApiError("gone", { code: "status", status: 404 });
  expect(await api.writer.reconcile("p", api.book)).toEqual({});
  api.failure = undefined;
  await api.writer.reconcile("p", api.book);
  expect(api.bodies).toHaveLength(1);
  expect(await api.writer.reconcile("unknown", api.book)).toEqual({});
});

it("an older schema that drops the lists is not written again and again", async () => {
  const api = new OnePool();
  api.dropsLists = true;
  api.hold("s", FIRST);
  await api.writer.reconcile("p", api.book);
  api.nowMs += 1_000;
  await api.writer.reconcile("p", api.book);
  expect(api.writer.different(api.book)).toEqual([]);
  expect(api.bodies).toHaveLength(1);
  expect(api.stored.status).not.toHaveProperty("holders");
});

it("shows what is kept, and 256 holders at most", async () => {
  const api = new OnePool();
  api.book.setPools([pool("p", ["10.0.0.0/16"])], new Map());
  for (let index = 299; index >= 0; index -= 1) api.hold(`s${index}`, FIRST + BigInt(index));
  const addresses = [{ family: "ipv4", value: FIRST + 300n }] as const;
  api.book.reserve({ key: "ns1/gone", addresses, untilMs: Date.UTC(2026, 0, 1) });
  await api.writer.reconcile("p", api.book);
  const { holders = [], reservations } = api.stored.status!;
  expect(holders).toHaveLength(256);
  expect(holders.map(({ services }) => services[0])).toEqual(
    Array.from({ length: 256 }, (_, index) => `ns1/s${index}`),
  );
  expect(reservations).toEqual([
    { addresses: ["10.0.1.44"], service: "ns1/gone", until: "2026-01-01T00:00:00Z" },
  ]);
  expect(api.bodies[0]!.length).toBeLessThan(20_000);
});
