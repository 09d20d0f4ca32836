import { describe, expect, it } from "vitest";
import { encodeControlPacket, type BfdControlPacket } from "../../../../lib/bfd/control-packet";
import { MAX_SESSIONS } from "../../../../lib/bfd/limits";
import {
  BfdSessionTable,
  type BfdArrival,
  type BfdSessionConfiguration,
  type BfdTableAction,
} from "../../../../lib/bfd/session-table";
import { ip } from "../../../support/frames";
import { packet } from "./support/packets";

const HERE = ip("192.0.2.1");
const PEER = ip("192.0.2.2");

function configuration(more: Partial<BfdSessionConfiguration> = {}): BfdSessionConfiguration {
  return {
    key: "peer",
    peer: PEER,
    vrf: "",
    isMultiHop: false,
    minimumTtl: 254,
    parameters: {
      desiredMinTxUs: 50_000,
      requiredMinRxUs: 50_000,
      detectMultiplier: 3,
      isPassive: false,
    },
    ...more,
  };
}

function arrival(more: Partial<BfdArrival> = {}): BfdArrival {
  return {
    source: PEER,
    destination: HERE,
    interfaceName: "eth0",
    vrf: "",
    isMultiHop: false,
    ttl: 255,
    ...more,
  };
}

/** Discriminators are 2^31, 2^30 …: one number after another. */
function newTable(...configurations: readonly BfdSessionConfiguration[]): BfdSessionTable {
  let number = 1;
  const table = new BfdSessionTable(() => (number /= 2));
  table.configure(configurations, 0);
  return table;
}

function discriminatorOf(table: BfdSessionTable, key = "peer"): number {
  const found = table.sessions.find(each => each.configuration.key === key);
  if (found === undefined) throw new Error(`no session ${key}`);
  return found.session.discriminator;
}

function receive(
  table: BfdSessionTable,
  more: Partial<BfdControlPacket>,
  how: Partial<BfdArrival> = {},
) {
  return table.receive(encodeControlPacket(packet(more)), arrival(how), 0);
}

function up(table: BfdSessionTable, how: Partial<BfdArrival> = {}): void {
  const yourDiscriminator = discriminatorOf(table);
  receive(table, { state: "Init", yourDiscriminator }, how);
  expect(table.sessions[0]?.session.state).toBe("Up");
}

function keysOf(actions: readonly BfdTableAction[]): readonly string[] {
  return [...new Set(actions.map(({ of }) => of.configuration.key))];
}

describe("which session a packet belongs to", () => {
  it("is found by its addresses while the peer knows no discriminator (RFC 5881 §3)", () => {
    const table = newTable(configuration());
    const result = receive(table, { yourDiscriminator: 0 });
    expect(result.ok && keysOf(result.value)).toEqual(["peer"]);
    expect(table.sessions[0]?.session.state).toBe("Init");
  });

  it("is told by its discriminator from then on, even between the same two hosts", () => {
    const table = newTable(
      configuration({ key: "single" }),
      configuration({ key: "multi", isMultiHop: true }),
    );
    const yourDiscriminator = discriminatorOf(table, "multi");
    const result = receive(table, { yourDiscriminator }, { isMultiHop: true, ttl: 254 });
    expect(result.ok && keysOf(result.value)).toEqual(["multi"]);
  });

  it.each([
    ["another source", { source: ip("192.0.2.3") }],
    ["another address of this node", { destination: ip("192.0.2.9") }],
    ["another interface", { interfaceName: "eth1" }],
    ["another VRF", { vrf: "red" }],
    ["another number of hops", { isMultiHop: true }],
  ] as const)("is none for packets of %s", (_, how) => {
    const table = newTable(configuration({ local: HERE, interfaceName: "eth0" }));
    const yourDiscriminator = discriminatorOf(table);
    expect(receive(table, { yourDiscriminator }, how)).toEqual({
      ok: false,
      error: "wrongAddress",
    });
    expect(receive(table, { yourDiscriminator: 0 }, how)).toEqual({
      ok: false,
      error: "noSession",
    });
    expect(table.dropped).toEqual({ wrongAddress: 1, noSession: 1 });
    expect(table.sessions[0]?.session.state).toBe("Down");
  });
});

describe("what is dropped and counted while the session stays Up", () => {
  const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  const base = "204003180000000100000000 0000c350 0000c350 00000000".replaceAll(" ", "");

  it.each([
    ["D1", "version", hex(`00${base.slice(2)}`), {}],
    ["D2", "length", hex(`20400317${base.slice(8)}`), {}],
    ["D2", "truncated", hex(base.slice(0, 46)), {}],
    ["D3", "zeroMultiplier", hex(`204000${base.slice(6)}`), {}],
    ["D4", "zeroMyDiscriminator", hex(`2040031800000000${base.slice(16)}`), {}],
    ["D5", "zeroYourDiscriminator", hex(`20c0${base.slice(4)}`), {}],
    ["D6", "unknownDiscriminator", hex(`${base.slice(0, 16)}0badcafe${base.slice(24)}`), {}],
    ["D7", "multipoint", hex(`2041${base.slice(4)}`), {}],
    ["D8", "authentication", hex(`2044031a${base.slice(8)}0000`), {}],
    ["D9", "ttl", hex(base), { ttl: 254 }],
  ] as const)("%s: %s", (_, reason, octets, how) => {
    const table = newTable(configuration());
    up(table);
    const result = table.receive(octets, arrival(how), 1);
    expect(result).toEqual({ ok: false, error: reason });
    expect(table.dropped).toEqual({ [reason]: 1 });
    expect(table.sessions[0]?.session.state).toBe("Up");
  });

  it("D10: the right discriminators from the wrong address", () => {
    const table = newTable(configuration());
    up(table);
    const yourDiscriminator = discriminatorOf(table);
    const result = receive(
      table,
      { state: "Down", yourDiscriminator },
      { source: ip("192.0.2.66") },
    );
    expect(result).toEqual({ ok: false, error: "wrongAddress" });
    expect(table.sessions[0]?.session.state).toBe("Up");
  });
});

it("minds the TTL that a multihop session asks for", () => {
  const table = newTable(configuration({ isMultiHop: true, minimumTtl: 250 }));
  const far = { isMultiHop: true, ttl: 249 };
  expect(receive(table, { yourDiscriminator: 0 }, far)).toEqual({ ok: false, error: "ttl" });
  expect(receive(table, { yourDiscriminator: 0 }, { ...far, ttl: 250 }).ok).toBe(true);
});

describe("the set of sessions", () => {
  it("keeps one that is Up when its profile changes, and when its local address becomes known", () => {
    const table = newTable(configuration());
    up(table);
    const discriminator = discriminatorOf(table);
    const { parameters } = configuration();
    const slower = { ...parameters, requiredMinRxUs: 300_000, desiredMinTxUs: 300_000 };
    table.configure([configuration({ local: HERE, parameters: slower })], 1);
    expect(discriminatorOf(table)).toBe(discriminator);
    expect(table.sessions[0]?.session.state).toBe("Up");
    expect(table.sessions[0]?.configuration.local).toEqual(HERE);
  });

  it("begins anew between other ends, and the old session says that it goes", () => {
    const table = newTable(configuration());
    up(table);
    const before = discriminatorOf(table);
    const { actions } = table.configure([configuration({ peer: ip("192.0.2.7") })], 1);
    expect(actions.map(({ type }) => type)).toEqual(["stateChanged", "send"]);
    expect(discriminatorOf(table)).not.toBe(before);
    expect(table.isLeaving).toBe(true);
    table.expire(51);
    expect(table.expire(101).map(({ type }) => type)).toContain("ended");
    expect(table.isLeaving).toBe(false);
  });

  it("refuses a second session between the same ends, and one too many", () => {
    const table = new BfdSessionTable(() => 0.5);
    const twice = table.configure([configuration(), configuration({ key: "again" })], 0);
    expect(twice.refused).toEqual([{ key: "again", reason: "duplicate" }]);
    const many = Array.from({ length: MAX_SESSIONS + 1 }, (_, index) =>
      configuration({ key: `k${index}`, peer: { family: "ipv4", value: BigInt(index + 1) } }),
    );
    expect(table.configure(many, 0).refused).toEqual([
      { key: `k${MAX_SESSIONS}`, reason: "tooMany" },
    ]);
    const discriminators = new Set(table.sessions.map(({ session }) => session.discriminator));
    expect(discriminators.size).toBe(MAX_SESSIONS);
    expect(discriminators.has(0)).toBe(false);
  });

  it("has its next deadline where the first of its sessions has it", () => {
    const table = newTable(configuration(), configuration({ key: "b", peer: ip("192.0.2.3") }));
    expect(new BfdSessionTable(() => 0).nextDeadlineMs()).toBe(Infinity);
    expect(table.nextDeadlineMs()).toBe(0);
    expect(keysOf(table.expire(0))).toEqual(["peer", "b"]);
    expect(table.nextDeadlineMs()).toBeGreaterThanOrEqual(750);
  });

  it("judges no peer by the time in which this end stood still", () => {
    const table = newTable(configuration());
    up(table);
    table.noteStall(2_000, 2_000);
    table.expire(2_149);
    expect(table.sessions[0]?.session.state).toBe("Up");
    table.expire(2_150);
    expect(table.sessions[0]?.session.state).toBe("Down");
  });
});

describe("echoes that come in", () => {
  const parameters = { ...configuration().parameters, echoIntervalUs: 50_000 };

  function echoing(): BfdSessionTable {
    const table = newTable(configuration({ parameters }));
    const yourDiscriminator = discriminatorOf(table);
    receive(table, { state: "Init", yourDiscriminator, requiredMinEchoRxUs: 50_000 });
    return table;
  }
  const echo = (table: BfdSessionTable, more: object = {}) => ({
    address: HERE,
    myDiscriminator: discriminatorOf(table),
    sentMs: 10,
    ...more,
  });

  it("count for the session that sent them", () => {
    const table = echoing();
    expect(table.receiveEcho(echo(table), "eth0", 12).ok).toBe(true);
    expect(table.sessions[0]?.session.counters.echoReceived).toBe(1);
  });

  it("are dropped when they are somebody else's, or repeated by somebody", () => {
    const table = echoing();
    const drops = [
      table.receiveEcho(echo(table, { myDiscriminator: 5 }), "eth0", 12),
      table.receiveEcho(echo(table), "eth1", 12),
      table.receiveEcho(echo(table, { address: PEER }), "eth0", 12),
      table.receiveEcho(echo(table), "eth0", 161),
      table.receiveEcho(echo(table), "eth0", 9),
    ];
    expect(drops.every(({ ok }) => !ok)).toBe(true);
    expect(table.dropped).toEqual({ echoUnknown: 3, echoStale: 2 });
  });
});
