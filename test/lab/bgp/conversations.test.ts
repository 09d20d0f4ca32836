/** Conversations with peers that behave badly, over TCP on loopback: what becomes of the session, and of the one beside it. */
import { readdirSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeMessage } from "../../../lib/bgp/codec/message";
import { makeCease } from "../../../lib/bgp/codec/notification";
import { CeaseSubcode } from "../../../lib/bgp/constants";
import type { BgpSessionSpec } from "../../../node/bgp-protocol";
import { bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually } from "../../support/netns";
import { greet, KEEPALIVE, PEER_OPEN, ScriptedPeer, type PeerScript } from "./scripted-peer";
import { specFor, ThreadInTest } from "./thread-in-test";

const BESIDE = "beside";
const BAD = "bad";
const ADDRESS = "127.0.2.1";
const PREFIX = "203.0.113.10/32";
const EMPTY_SET = { communities: [], largeCommunities: [] };

let bundles: BgpBundles;
let thread: ThreadInTest;
let beside: ScriptedPeer;
let besideSpec: BgpSessionSpec;
const peers: ScriptedPeer[] = [];

beforeAll(async () => {
  bundles = await bundleBgpPrograms();
});

afterAll(() => bundles.remove());

beforeEach(async () => {
  thread = await ThreadInTest.start(bundles.thread);
  beside = await ScriptedPeer.listen("127.0.2.254");
  besideSpec = specFor(BESIDE, "127.0.2.254", beside, { holdTimeSeconds: 3, keepaliveSeconds: 1 });
});

afterEach(async () => {
  expect(thread.session(BESIDE)).toMatchObject({ state: "Established", flaps: 0 });
  await thread.stop();
  for (const peer of [beside, ...peers.splice(0)]) peer.close();
});

async function listen(script: PeerScript, address = ADDRESS): Promise<ScriptedPeer> {
  const peer = await ScriptedPeer.listen(address, script);
  peers.push(peer);
  return peer;
}

function configure(...specs: readonly BgpSessionSpec[]): void {
  thread.post({ type: "sessions", sessions: [besideSpec, ...specs] });
  thread.post({ type: "synced" });
}

function announce(session: string, prefixes: readonly string[]): void {
  const announced = [{ attributes: 0, prefixes }];
  const changes = [{ session, withdrawn: [], announced }];
  thread.post({ type: "routes", attributeSets: [EMPTY_SET], changes });
}

const established = (name = BAD, withinMs = 5_000) =>
  eventually(`${name} is Established`, withinMs, () => thread.isEstablished(name));

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("a peer", () => {
  it("that sends one octet in each segment is understood", async () => {
    const octets = Buffer.concat([encodeMessage(PEER_OPEN), KEEPALIVE, KEEPALIVE]);
    const peer = await listen({
      answer: ({ socket }) => {
        socket.setNoDelay(true);
        const next = (index: number): void => {
          if (index >= octets.length) return;
          socket.write(octets.subarray(index, index + 1), () => setImmediate(next, index + 1));
        };
        next(0);
      },
    });
    configure(specFor(BAD, ADDRESS, peer));
    await established();
  });

  it("that sends 10,000 messages in one write is heard to the end", async () => {
    const update = Buffer.from(
      `${"ff".repeat(16)}002f02000000144001010040020602010000fdea400304c000020118c63364`,
      "hex",
    );
    const peer = await listen({
      answer: connection => {
        greet(connection);
        connection.say(
          Buffer.concat(Array.from({ length: 5_000 }, () => [KEEPALIVE, update]).flat()),
        );
      },
    });
    configure(specFor(BAD, ADDRESS, peer));
    await eventually("all are counted", 10_000, () => {
      const received = thread.counters(BAD)?.received;
      return received?.update === 5_000 && received.keepalive >= 5_001;
    });
    expect(thread.counters(BAD)?.announcedPrefixes).toBe(5_000);
  });

  it("that cuts the connection after each octet of the exchange in turn leaves nothing behind", async () => {
    const exchange = Buffer.concat([encodeMessage(PEER_OPEN), KEEPALIVE, KEEPALIVE]);
    const scripts = Array.from({ length: exchange.length }, (_, length) => length);
    const specs: BgpSessionSpec[] = [];
    for (const length of scripts) {
      const address = `127.0.3.${length + 1}`;
      const peer = await listen(
        {
          answer: connection => {
            if (peer.connections.length > 1) greet(connection);
            else {
              connection.socket.write(exchange.subarray(0, length), () => {
                connection.socket.resetAndDestroy();
              });
            }
          },
        },
        address,
      );
      specs.push(specFor(address, address, peer));
    }
    configure(...specs);
    for (const { name } of specs) {
      await eventually(`${name} is up`, 15_000, () => thread.isEstablished(name));
    }
    const open = descriptors();
    configure();
    await eventually("all are gone", 10_000, () => {
      const gone = thread.reports.filter(({ type }) => type === "sessionGone");
      return gone.length === specs.length;
    });
    // Two for each connection: both ends are in this process.
    await eventually("descriptors are given back", 5_000, () => {
      return descriptors() <= open - 2 * specs.length;
    });
  });

  it("that accepts TCP and never speaks harms nobody", async () => {
    const peer = await listen({ answer: () => undefined });
    configure(specFor(BAD, ADDRESS, peer));
    await established(BESIDE);
    await eventually("OPEN is sent", 3_000, () => thread.session(BAD)?.state === "OpenSent");
  });

  it("that falls silent in Established is left at the hold time with 4/0", async () => {
    const peer = await listen({});
    configure(specFor(BAD, ADDRESS, peer, { holdTimeSeconds: 3, keepaliveSeconds: 1 }));
    await established();
    peer.fallSilent();
    const fromMs = performance.now();
    await eventually("down", 5_000, () => thread.session(BAD)?.flaps === 1);
    expect(performance.now() - fromMs).toBeLessThan(4_500);
    expect(peer.connections[0]?.notification).toMatchObject({ code: 4, subcode: 0 });
  });

  it("that refuses every OPEN with Cease is asked seldom, and its words are told", async () => {
    const peer = await listen({
      answer: connection => {
        connection.say(makeCease(CeaseSubcode.administrativeShutdown, "maintenance"));
        connection.socket.end();
      },
    });
    configure(specFor(BAD, ADDRESS, peer));
    await eventually("told", 3_000, () =>
      thread.session(BAD)?.words.includes('administrative shutdown (6/2), saying "maintenance"'),
    );
    await new Promise(resolve => setTimeout(resolve, 3_000));
    expect(peer.connections).toHaveLength(1);
  });

  it("that asks for its routes 100 times in a second gets them at most twice", async () => {
    const refresh = encodeMessage({ type: "routeRefresh", afi: 1, safi: 1, subtype: 0 });
    const peer = await listen({});
    configure(specFor(BAD, ADDRESS, peer));
    announce(BAD, [PREFIX]);
    await established();
    const { connection } = peer;
    await eventually("the table is there", 3_000, () => (connection?.count("update") ?? 0) >= 3);
    for (let count = 0; count < 100; count += 1) connection?.say(refresh);
    await eventually("asked", 3_000, () => thread.counters(BAD)?.received.routeRefresh === 100);
    await new Promise(resolve => setTimeout(resolve, 1_500));
    expect(connection?.count("update")).toBeLessThanOrEqual(5);
    expect(connection?.count("update")).toBeGreaterThanOrEqual(4);
  });

  it("that comes back with another AS is refused with 2/2", async () => {
    const peer = await listen({
      answer: connection => {
        const isFirst = peer.connections.length === 1;
        const capabilities = PEER_OPEN.capabilities.filter(({ type }) => type !== "fourOctetAs");
        connection.say(isFirst ? PEER_OPEN : { ...PEER_OPEN, myAs: 65_099, capabilities });
        connection.say(KEEPALIVE);
      },
    });
    configure(specFor(BAD, ADDRESS, peer));
    await established();
    peer.connection?.socket.resetAndDestroy();
    await eventually("refused", 5_000, () => thread.session(BAD)?.lastSent);
    expect(thread.session(BAD)?.lastSent).toMatchObject({ code: 2, subcode: 2 });
  });

  it("whose last words hold quotes, escapes and broken UTF-8 is quoted on one clean line", async () => {
    const peer = await listen({});
    configure(specFor(BAD, ADDRESS, peer));
    await established();
    const text = Buffer.from([0x22, 0x0a, 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0xc3, 0x28, 0x00]);
    const body = Buffer.concat([Buffer.from([6, 2, text.length]), text]);
    const header = Buffer.from(`${"ff".repeat(16)}00${(19 + body.length).toString(16)}03`, "hex");
    peer.connection?.say(Buffer.concat([header, body]));
    const words = await eventually("told", 3_000, () => thread.session(BAD)?.lastReceived?.words);
    expect(words).toMatch(/^cease: administrative shutdown \(6\/2\), saying ".*"$/);
    expect(words).not.toMatch(/\p{Cc}/u);
  });

  it("that stops reading is not written to without bound", async () => {
    const peer = await listen({});
    configure(specFor(BAD, ADDRESS, peer, { holdTimeSeconds: 0, keepaliveSeconds: 0 }));
    await established();
    peer.connection?.socket.pause();
    const sets = Array.from({ length: 400 }, (_, index) => ({
      communities: Array.from({ length: 60 }, (__, community) => index * 65_536 + community),
      largeCommunities: [],
    }));
    // Sixty communities for each route, changed again and again: more than any kernel buffers.
    const prefixes = Array.from(
      { length: 400 },
      (_, index) => `10.1.${index >> 8}.${index & 255}/32`,
    );
    let round = 0;
    let nextRoundMs = 0;
    await eventually("what is not read waits as state", 40_000, () => {
      const isWaiting = (thread.counters(BAD)?.pendingPrefixes ?? 0) > 0;
      // No faster than the thread carries out: what it has not read yet is not what is tested.
      if (isWaiting || performance.now() < nextRoundMs) return isWaiting;
      nextRoundMs = performance.now() + 100;
      round += 1;
      const announced = prefixes.map((prefix, index) => ({
        attributes: (index + round) % sets.length,
        prefixes: [prefix],
      }));
      const changes = [{ session: BAD, withdrawn: [], announced }];
      thread.post({ type: "routes", attributeSets: sets, changes });
      return false;
    });
    peer.connection?.socket.resume();
    await eventually("all is sent when it reads again", 20_000, () => {
      return thread.counters(BAD)?.pendingPrefixes === 0;
    });
    expect(thread.session(BAD)?.flaps).toBe(0);
  });
});

describe("many peers", () => {
  it("of which half are not there: the other half is up within ten seconds", async () => {
    const specs: BgpSessionSpec[] = [];
    for (let index = 1; index <= 100; index += 1) {
      const address = `127.0.4.${index}`;
      const peer = await listen({}, address);
      specs.push(specFor(`good-${index}`, address, peer));
      const absent = { ...specFor(`absent-${index}`, `127.0.5.${index}`, peer), port: 1 };
      specs.push(absent);
    }
    configure(...specs);
    for (let index = 1; index <= 100; index += 1) await established(`good-${index}`, 10_000);
    expect(thread.session("absent-1")?.words).toContain("ECONNREFUSED");
  });
});

describe("a changed specification", () => {
  it("leaves an equal session alone, adjusts what it can, and resets for the rest with Cease/6", async () => {
    const peer = await listen({});
    const spec = specFor(BAD, ADDRESS, peer);
    configure(spec);
    announce(BAD, [PREFIX]);
    await established();
    configure({ ...spec });
    const slower = { ...spec.configuration, connectRetrySeconds: 7 };
    configure({ ...spec, configuration: slower, isMultihop: true });
    configure({ ...spec, configuration: { ...slower, keepaliveSeconds: 10 } });
    await eventually(
      "again",
      5_000,
      () => peer.connections.length === 2 && thread.isEstablished(BAD),
    );
    expect(peer.connections[0]?.notification).toMatchObject({ code: 6, subcode: 6 });
    // The route survived the reset without being given again.
    await eventually("its route", 3_000, () => (peer.connection?.count("update") ?? 0) >= 3);
    expect(thread.session(BAD)?.flaps).toBe(1);
  });

  it("with another address leaves the old peer as one that was removed, and takes the routes along", async () => {
    const before = await listen({});
    configure(specFor(BAD, ADDRESS, before));
    announce(BAD, [PREFIX]);
    await established();
    await eventually("its route", 3_000, () => (before.connection?.count("update") ?? 0) >= 3);
    const after = await listen({}, "127.0.2.2");
    configure(specFor(BAD, "127.0.2.2", after));
    await eventually("the new peer's route", 5_000, () => {
      return (after.connection?.count("update") ?? 0) >= 3;
    });
    await eventually("goodbye", 3_000, () => before.connection?.notification);
    expect(before.connection?.notification).toMatchObject({ code: 6, subcode: 3 });
    expect(
      before.connection?.heard.some(m => m.type === "update" && m.withdrawn.length === 1),
    ).toBe(true);
  });

  it("that is gone withdraws first, then ends with Cease/3", async () => {
    const peer = await listen({});
    configure(specFor(BAD, ADDRESS, peer));
    announce(BAD, [PREFIX]);
    await established();
    await eventually("its route", 3_000, () => (peer.connection?.count("update") ?? 0) >= 3);
    configure();
    await eventually("goodbye", 3_000, () => peer.connection?.notification);
    expect(peer.connection?.notification).toMatchObject({ code: 6, subcode: 3 });
    const types = peer.connection?.heard.slice(-2).map(({ type }) => type);
    expect(types).toEqual(["update", "notification"]);
    await eventually("told", 3_000, () =>
      thread.reports.some(report => report.type === "sessionGone" && report.session === BAD),
    );
  });
});

describe("a source address that this node does not have", () => {
  it("is left to the kernel, with a warning", async () => {
    const peer = await listen({});
    configure({ ...specFor(BAD, ADDRESS, peer), sourceAddress: "192.0.2.77" });
    await established();
    expect(thread.session(BAD)?.warnings).toEqual([
      "this node does not have the source address 192.0.2.77: the kernel chose one",
    ]);
  });
});
