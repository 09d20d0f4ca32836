import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { HeartbeatKeyring } from "../../../../lib/liveness/keyring";
import { encodeHeartbeat, toNodeId } from "../../../../lib/liveness/message";
import { HeartbeatReceiver } from "../../../../lib/liveness/receiver";
import { ReplayWindow } from "../../../../lib/liveness/replay-window";

const KEYRING = new HeartbeatKeyring([Buffer.from("secret")], "metallb-system");
const NODE_B = "192.0.2.2";

interface Sent {
  nodeName?: string;
  bootId?: bigint;
  startTimeMs?: number;
  counter?: bigint;
  keyring?: HeartbeatKeyring;
}

function heartbeat(sent: Sent = {}): Uint8Array {
  const nodeId = toNodeId(sent.nodeName ?? "node-b");
  const bootId = sent.bootId ?? 7n;
  const { keyNumber, key } = (sent.keyring ?? KEYRING).sealingKey(nodeId, bootId);
  return encodeHeartbeat(
    { keyNumber, nodeId, bootId, counter: sent.counter ?? 1n },
    {
      startTimeMs: sent.startTimeMs ?? 1000,
      intervalMs: 100,
      multiplier: 5,
      isEligible: true,
      isLeaving: false,
      isRestartHold: false,
      isSilentListCut: false,
      isUplinkLost: false,
      silentPeers: [],
      interfaces: [],
    },
    key,
  );
}

function receiver(keyring = KEYRING): HeartbeatReceiver {
  const made = new HeartbeatReceiver("node-a", keyring);
  made.configure(
    [
      { nodeName: "node-b", addresses: [NODE_B, "2001:db8::2"] },
      { nodeName: "node-c", addresses: ["192.0.2.3"] },
    ],
    keyring,
  );
  return made;
}

function outcome(target: HeartbeatReceiver, bytes: Uint8Array, source = NODE_B, nowMs = 0): string {
  const received = target.receive(bytes, source, nowMs);
  return received.ok ? received.value.nodeName : received.error;
}

describe("HeartbeatReceiver", () => {
  it("accepts a peer's heartbeat from each of its addresses", () => {
    const target = receiver();
    expect(outcome(target, heartbeat())).toBe("node-b");
    expect(outcome(target, heartbeat({ counter: 2n }), "2001:db8::2")).toBe("node-b");
  });

  it.each<[string, Uint8Array, string, string]>([
    ["a node that is no peer", heartbeat({ nodeName: "node-x" }), NODE_B, "unknownNode"],
    ["this node itself", heartbeat({ nodeName: "node-a" }), NODE_B, "ownNode"],
    [
      "a peer without the secret (G2)",
      heartbeat({ keyring: new HeartbeatKeyring([], "metallb-system") }),
      NODE_B,
      "unauthenticated",
    ],
    ["counter zero", heartbeat({ counter: 0n }), NODE_B, "replayed"],
    ["nobody: no octets at all (G1)", new Uint8Array(), NODE_B, "truncated"],
  ])("refuses %s", (_name, bytes, source, refusal) => {
    expect(outcome(receiver(), bytes, source)).toBe(refusal);
  });

  it("in the clear believes a peer only at its own addresses (G7)", () => {
    const keyring = new HeartbeatKeyring([], "metallb-system");
    const target = receiver(keyring);
    expect(outcome(target, heartbeat({ keyring }), "192.0.2.3")).toBe("wrongAddress");
    expect(outcome(target, heartbeat({ keyring }))).toBe("node-b");
  });

  it("with the secret hears a peer at an address that the cluster does not know, and marks it", () => {
    const target = receiver();
    const received = target.receive(heartbeat(), "192.0.2.200", 0);
    expect(received.ok && received.value.isListedSource).toBe(false);
    const restarted = heartbeat({ bootId: 8n, startTimeMs: 2000 });
    expect(outcome(target, restarted, "192.0.2.200")).toBe("node-b");
  });

  it("lets nobody at another address displace a peer that was heard at its own (G7)", () => {
    const target = receiver();
    expect(outcome(target, heartbeat())).toBe("node-b");
    const forged = heartbeat({ bootId: 8n, startTimeMs: 2000 });
    expect(outcome(target, forged, "192.0.2.3")).toBe("wrongAddress");
    expect(outcome(target, heartbeat({ counter: 2n }))).toBe("node-b");
  });

  it("takes each datagram once, whichever way it comes (G8)", () => {
    const target = receiver();
    expect(outcome(target, heartbeat())).toBe("node-b");
    expect(outcome(target, heartbeat(), "2001:db8::2")).toBe("replayed");
  });

  it("marks a heartbeat that was overtaken", () => {
    const target = receiver();
    const isNewest = (counter: bigint): boolean | undefined => {
      const received = target.receive(heartbeat({ counter }), NODE_B, 0);
      return received.ok ? received.value.isNewest : undefined;
    };
    expect([isNewest(1n), isNewest(3n), isNewest(2n), isNewest(4n)]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it("follows a restart, and plays nothing of the boot before it back (G8)", () => {
    const target = receiver();
    expect(outcome(target, heartbeat({ counter: 1000n }))).toBe("node-b");
    expect(outcome(target, heartbeat({ bootId: 8n, startTimeMs: 2000 }))).toBe("node-b");
    expect(outcome(target, heartbeat({ counter: 1001n }))).toBe("staleBoot");
    expect(outcome(target, heartbeat({ bootId: 9n, startTimeMs: 2000 }))).toBe("staleBoot");
  });

  it("believes a start that seems earlier when the one before it is silent: the clock was set back", () => {
    const target = receiver();
    const earlier = (counter: bigint): Uint8Array =>
      heartbeat({ bootId: 8n, startTimeMs: 1, counter });
    expect(outcome(target, heartbeat(), NODE_B, 0)).toBe("node-b");
    expect(outcome(target, earlier(1n), NODE_B, 999)).toBe("staleBoot");
    expect(outcome(target, earlier(2n), NODE_B, 1_000)).toBe("node-b");
    // Recorded traffic of the boot before stays dead, however silent the new one is (G8).
    expect(outcome(target, heartbeat({ counter: 2n }), NODE_B, 60_000)).toBe("staleBoot");
  });

  it("keeps what it knows of peers that stay, and forgets the others", () => {
    const target = receiver();
    expect(outcome(target, heartbeat())).toBe("node-b");
    target.configure([{ nodeName: "node-b", addresses: ["192.0.2.22"] }], KEYRING);
    expect(outcome(target, heartbeat(), "192.0.2.22")).toBe("replayed");
    expect(outcome(target, heartbeat({ counter: 2n }), "192.0.2.22")).toBe("node-b");
    expect(outcome(target, heartbeat({ nodeName: "node-c" }), "192.0.2.3")).toBe("unknownNode");
  });

  it("does not let a forged new boot without the secret end the real one", () => {
    const target = receiver();
    const forger = new HeartbeatKeyring([Buffer.from("guess")], "metallb-system");
    expect(outcome(target, heartbeat())).toBe("node-b");
    const forged = heartbeat({ bootId: 9n, startTimeMs: 9000, keyring: forger });
    expect(outcome(target, forged)).toBe("unauthenticated");
    expect(outcome(target, heartbeat({ counter: 2n }))).toBe("node-b");
  });

  test.prop([fc.uint8Array({ maxLength: 1300 })])("never throws on random octets", bytes => {
    expect(["truncated", "unsupported", "oversized", "unknownNode"]).toContain(
      outcome(receiver(), bytes),
    );
  });
});

describe("ReplayWindow", () => {
  test.prop([fc.array(fc.bigInt({ min: 0n, max: 300n }), { maxLength: 300 })])(
    "accepts a counter at most once, and always one above all before",
    counters => {
      const window = new ReplayWindow();
      const seen = new Set<bigint>();
      let highest = 0n;
      for (const counter of counters) {
        const isAccepted = window.accept(counter);
        if (isAccepted) expect(seen.has(counter)).toBe(false);
        if (counter > highest) expect(isAccepted).toBe(true);
        // Not seen and less than 64 behind: the oracle says it is new.
        if (!seen.has(counter) && counter > 0n && highest - counter < 64n) {
          expect(isAccepted).toBe(true);
        }
        if (isAccepted) seen.add(counter);
        if (counter > highest) highest = counter;
      }
      expect(window.highest).toBe(highest);
    },
  );
});
