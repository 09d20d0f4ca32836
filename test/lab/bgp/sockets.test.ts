/** What sessions ask of TCP, and what a thread does that stood still: with real sockets on loopback. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transportsOver } from "../../../node/bgp-socket";
import { loadLibc } from "../../../node/ffi";
import { Sockets } from "../../../node/sockets";
import { BgpNode, bundleBgpPrograms, type BgpBundles } from "../../support/bgp-node";
import { eventually, Host } from "../../support/netns";
import { ScriptedPeer } from "./scripted-peer";
import { specFor, ThreadInTest } from "./thread-in-test";

const ADDRESS = "127.0.3.1";
const NAME = "router";

let bundles: BgpBundles;

beforeAll(async () => {
  bundles = await bundleBgpPrograms();
});

afterAll(() => bundles.remove());

describe("a session bound to a device", () => {
  it("has its connection bound to it", async () => {
    const thread = await ThreadInTest.start(bundles.thread);
    const peer = await ScriptedPeer.listen(ADDRESS);
    try {
      const spec = { ...specFor(NAME, ADDRESS, peer), vrf: "lo" };
      thread.post({ type: "sessions", sessions: [spec] });
      await eventually("Established", 5_000, () => thread.isEstablished(NAME));
      const sockets = execFileSync("ss", ["-Htn", "dst", `${ADDRESS}:${peer.port}`]).toString();
      expect(sockets).toMatch(/127\.0\.0\.1%lo:/);
    } finally {
      await thread.stop();
      peer.close();
    }
  });

  it("says which device it lacks", async () => {
    const thread = await ThreadInTest.start(bundles.thread);
    const peer = await ScriptedPeer.listen(ADDRESS);
    try {
      const specs = ["no-such-vrf", "a-name-that-is-too-long"].map(vrf => ({
        ...specFor(vrf, ADDRESS, peer),
        vrf,
      }));
      thread.post({ type: "sessions", sessions: specs });
      for (const { name } of specs) {
        await eventually("its reason", 5_000, () =>
          thread.session(name)?.words.includes(`this node has no device ${name}`),
        );
      }
      expect(peer.connections).toHaveLength(0);
    } finally {
      await thread.stop();
      peer.close();
    }
  });
});

describe("a connection that is aborted", () => {
  it("ends by RST, as the send hold timer wants it (RFC 9687 §4.4), and not by FIN", async () => {
    const errors: (string | undefined)[] = [];
    const peer = await ScriptedPeer.listen(ADDRESS, {
      onConnection: ({ socket }) =>
        socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code)),
    });
    try {
      const said: string[] = [];
      const transport = transportsOver(new Sockets(loadLibc()))(
        {
          address: { family: "ipv4", value: 0x7f00_0301n },
          port: peer.port,
          scopeId: undefined,
          device: undefined,
          sourceAddress: undefined,
          password: undefined,
          minimumTtl: undefined,
          userTimeoutMs: 3_000,
        },
        {
          connected: () => said.push("connected"),
          octets: () => said.push("octets"),
          progress: () => undefined,
          failed: () => said.push("failed"),
          gone: () => said.push("gone"),
        },
      );
      await eventually("connected", 5_000, () => said.includes("connected"));
      await eventually("accepted", 5_000, () => peer.connection !== undefined);
      transport.close(true);
      await eventually("reset", 5_000, () => errors.includes("ECONNRESET"));
      await eventually("gone", 5_000, () => said.includes("gone"));
      expect(said).toEqual(["connected", "gone"]);
    } finally {
      peer.close();
    }
  });
});

describe("a thread that stood still for longer than the hold time", () => {
  const NAMESPACE = "herald-bgp-stall";

  it("reads what came meanwhile before it judges its timers: the session stays", async () => {
    const peer = await ScriptedPeer.listen(ADDRESS);
    // The node's process runs beside the test, on the same loopback.
    execFileSync("ip", ["netns", "attach", NAMESPACE, `${process.pid}`]);
    let node: BgpNode | undefined;
    try {
      node = await BgpNode.start(new Host("node", NAMESPACE, ""), bundles);
      const hold = { holdTimeSeconds: 3, keepaliveSeconds: 1 };
      node.post({ type: "sessions", sessions: [specFor(NAME, ADDRESS, peer, hold)] });
      node.post({ type: "synced" });
      await node.established(NAME);
      node.signal("SIGSTOP");
      // The time itself is what is tested: one and a half hold times.
      await new Promise(resolve => setTimeout(resolve, 4_500));
      node.signal("SIGCONT");
      const heard = node.counters(NAME)?.received.keepalive ?? 0;
      await eventually("KEEPALIVEs are read", 5_000, () => {
        return (node?.counters(NAME)?.received.keepalive ?? 0) >= heard + 4;
      });
      expect(node.session(NAME)).toMatchObject({ state: "Established", flaps: 0 });
    } finally {
      await node?.kill();
      execFileSync("ip", ["netns", "delete", NAMESPACE]);
      peer.close();
    }
  });
});

describe("a thread that is told to stop", () => {
  it("does so though routes it was given wait", async () => {
    const thread = await ThreadInTest.start(bundles.thread);
    const peer = await ScriptedPeer.listen(ADDRESS);
    thread.post({ type: "sessions", sessions: [specFor(NAME, ADDRESS, peer)] });
    const prefixes = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.1/32`);
    for (let round = 0; round < 50; round += 1) {
      thread.post({
        type: "routes",
        attributeSets: [{ communities: [round], largeCommunities: [] }],
        changes: [{ session: NAME, withdrawn: [], announced: [{ attributes: 0, prefixes }] }],
      });
    }
    // Rejects when it takes two seconds.
    await expect(thread.stop()).resolves.toBeUndefined();
    peer.close();
  });
});
