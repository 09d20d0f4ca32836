import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { HeartbeatKeyring, deriveHeartbeatKey } from "../../../../lib/liveness/keyring";
import {
  decodeHeartbeatHeader,
  encodeHeartbeat,
  openHeartbeat,
  toInterfaceNameHash,
  toNodeId,
  type HeartbeatBody,
  type HeartbeatHeader,
} from "../../../../lib/liveness/message";
import { ok } from "../../../../lib/net/result";
import { anyMac, anyMutations, mac, mutate } from "../../../support/frames";
import { fromHex, loadGolden, toHex, type GoldenCase } from "../../../support/golden";

interface HeartbeatText {
  readonly nodeName: string;
  readonly keyNumber: number;
  readonly bootId: string;
  readonly counter: string;
  readonly startTimeMs: number;
  readonly intervalMs: number;
  readonly multiplier: number;
  readonly isEligible: boolean;
  readonly isLeaving: boolean;
  readonly isRestartHold: boolean;
  readonly isSilentListCut: boolean;
  readonly isUplinkLost: boolean;
  readonly silentPeers: readonly { nodeName: string; silentMs: number }[];
  readonly interfaces: readonly {
    name: string;
    mac: string;
    isUp: boolean;
    hasCarrier: boolean;
    isProven: boolean;
  }[];
}

interface HeartbeatCase extends GoldenCase<HeartbeatText> {
  readonly namespace: string;
  readonly secret: string | null;
}

function fromText(text: HeartbeatText): { header: HeartbeatHeader; body: HeartbeatBody } {
  const { nodeName, keyNumber, bootId, counter, silentPeers, interfaces, ...rest } = text;
  return {
    header: {
      keyNumber,
      nodeId: toNodeId(nodeName),
      bootId: BigInt(bootId),
      counter: BigInt(counter),
    },
    body: {
      ...rest,
      silentPeers: silentPeers.map(peer => ({
        nodeId: toNodeId(peer.nodeName),
        silentMs: peer.silentMs,
      })),
      interfaces: interfaces.map(({ name, mac: text, ...state }) => ({
        nameHash: toInterfaceNameHash(name),
        mac: mac(text),
        ...state,
      })),
    },
  };
}

const anyId = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const anyHeader: fc.Arbitrary<HeartbeatHeader> = fc.record({
  keyNumber: fc.nat(255),
  nodeId: anyId,
  bootId: anyId,
  counter: anyId,
});
const anyBody: fc.Arbitrary<HeartbeatBody> = fc.record({
  startTimeMs: fc.nat(Number.MAX_SAFE_INTEGER),
  intervalMs: fc.nat(65535),
  multiplier: fc.nat(255),
  isEligible: fc.boolean(),
  isLeaving: fc.boolean(),
  isRestartHold: fc.boolean(),
  isSilentListCut: fc.boolean(),
  isUplinkLost: fc.boolean(),
  silentPeers: fc
    .array(fc.record({ nodeId: anyId, silentMs: fc.nat(65535) }), { maxLength: 40 })
    .map(peers => peers.sort((left, right) => left.silentMs - right.silentMs)),
  interfaces: fc.array(
    fc.record({
      nameHash: fc.nat(0xffffffff),
      mac: anyMac,
      isUp: fc.boolean(),
      hasCarrier: fc.boolean(),
      isProven: fc.boolean(),
    }),
    { maxLength: 8 },
  ),
});
const anyKey = fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined });

describe("golden heartbeats", () => {
  for (const golden of loadGolden<HeartbeatText>("liveness") as readonly HeartbeatCase[]) {
    it(`${golden.name} (${golden.source})`, () => {
      const { header, body } = fromText(golden.decoded);
      const bytes = fromHex(golden.hex);
      const secrets = golden.secret === null ? [] : [Buffer.from(golden.secret)];
      const keyring = new HeartbeatKeyring(secrets, golden.namespace);
      const sealing = keyring.sealingKey(header.nodeId, header.bootId);
      expect(sealing.keyNumber).toBe(header.keyNumber);
      expect(toHex(encodeHeartbeat(header, body, sealing.key))).toBe(toHex(bytes));
      expect(decodeHeartbeatHeader(bytes)).toEqual(ok(header));
      expect(keyring.open(bytes, header)).toEqual(ok(body));
    });
  }
});

describe("a heartbeat", () => {
  test.prop([anyHeader, anyBody, anyKey])("comes back as it was encoded", (header, body, key) => {
    const bytes = encodeHeartbeat(header, body, key);
    expect(bytes.length).toBeLessThanOrEqual(1200);
    expect(decodeHeartbeatHeader(bytes)).toEqual(ok(header));
    expect(openHeartbeat(bytes, key)).toEqual(ok(body));
  });

  test.prop([anyHeader, anyBody, anyMutations], { numRuns: 500 })(
    "that was altered is not opened (G2)",
    (header, body, mutations) => {
      const key = new Uint8Array(32).fill(7);
      const bytes = encodeHeartbeat(header, body, key);
      const altered = mutate(bytes, mutations);
      fc.pre(toHex(altered) !== toHex(bytes));
      expect(openHeartbeat(altered, key).ok).toBe(false);
    },
  );

  test.prop([anyHeader, anyBody, anyMutations], { numRuns: 1000 })(
    "in the clear that was altered never throws",
    (header, body, mutations) => {
      const altered = mutate(encodeHeartbeat(header, body, undefined), mutations);
      const decoded = decodeHeartbeatHeader(altered);
      const opened = decoded.ok ? openHeartbeat(altered, undefined) : decoded;
      expect(opened.ok || typeof opened.error === "string").toBe(true);
    },
  );

  test.prop([fc.uint8Array({ maxLength: 80 })])("is not found in random octets (G1)", bytes => {
    expect(decodeHeartbeatHeader(bytes).ok).toBe(bytes[0] === 0xb5 && bytes[1] === 1);
  });

  const header: HeartbeatHeader = { keyNumber: 0, nodeId: 1n, bootId: 2n, counter: 3n };
  const body: HeartbeatBody = {
    startTimeMs: 1,
    intervalMs: 100,
    multiplier: 5,
    isEligible: true,
    isLeaving: false,
    isRestartHold: false,
    isSilentListCut: false,
    isUplinkLost: false,
    silentPeers: [],
    interfaces: [],
  };

  it("cut short is truncated at every length", () => {
    const key = new Uint8Array(32).fill(1);
    const bytes = encodeHeartbeat(header, body, key);
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeHeartbeatHeader(bytes.subarray(0, length))).toEqual({
        ok: false,
        error: "truncated",
      });
    }
  });

  it("of 65,507 octets is refused unread (G4)", () => {
    const bytes = new Uint8Array(65_507);
    bytes.set(encodeHeartbeat(header, body, undefined));
    expect(decodeHeartbeatHeader(bytes)).toEqual({ ok: false, error: "oversized" });
  });

  it.each([
    ["another magic (memberlist's first octets)", 0, 244],
    ["another version", 1, 2],
    ["another type", 2, 2],
  ])("with %s is unsupported", (_name, offset, value) => {
    const bytes = encodeHeartbeat(header, body, undefined);
    bytes[offset] = value;
    expect(decodeHeartbeatHeader(bytes)).toEqual({ ok: false, error: "unsupported" });
  });

  it.each([
    ["silent peers", 28 + 12],
    ["interfaces", 28 + 14],
  ])("that counts more %s than it holds is malformed (G3)", (_name, offset) => {
    const bytes = encodeHeartbeat(header, body, undefined);
    bytes[offset] = 0xff;
    bytes[offset + 1] = 0xff;
    expect(openHeartbeat(bytes, undefined)).toEqual({ ok: false, error: "malformed" });
  });

  it("with a start time that no clock shows is malformed", () => {
    const bytes = encodeHeartbeat(header, body, undefined);
    bytes.fill(0xff, 28, 36);
    expect(openHeartbeat(bytes, undefined)).toEqual({ ok: false, error: "malformed" });
  });

  it("keeps the shortest silences when not all fit, and says so", () => {
    const silentPeers = Array.from({ length: 300 }, (_, index) => ({
      nodeId: BigInt(index),
      silentMs: 300 - index,
    }));
    const bytes = encodeHeartbeat(header, { ...body, silentPeers }, undefined);
    expect(bytes.length).toBeLessThanOrEqual(1200);
    const opened = openHeartbeat(bytes, undefined);
    expect(opened.ok && opened.value.isSilentListCut).toBe(true);
    expect(opened.ok && opened.value.silentPeers[0]).toEqual({ nodeId: 299n, silentMs: 1 });
  });
});

describe("HeartbeatKeyring", () => {
  const node = toNodeId("node-a");
  const oldSecret = Buffer.from("old secret");
  const newSecret = Buffer.from("new secret");
  const body = fromText(
    (loadGolden<HeartbeatText>("liveness") as readonly HeartbeatCase[])[0]!.decoded,
  ).body;

  function sealedWith(keyring: HeartbeatKeyring): { bytes: Uint8Array; header: HeartbeatHeader } {
    const { keyNumber, key } = keyring.sealingKey(node, 5n);
    const header: HeartbeatHeader = { keyNumber, nodeId: node, bootId: 5n, counter: 1n };
    return { bytes: encodeHeartbeat(header, body, key), header };
  }

  it("derives another key for each node, boot, namespace and secret", () => {
    const keys = [
      deriveHeartbeatKey(oldSecret, "a", 1n, 1n),
      deriveHeartbeatKey(oldSecret, "a", 1n, 2n),
      deriveHeartbeatKey(oldSecret, "a", 2n, 1n),
      deriveHeartbeatKey(oldSecret, "b", 1n, 1n),
      deriveHeartbeatKey(newSecret, "a", 1n, 1n),
    ].map(toHex);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("accepts old and new secret while they change over (G14)", () => {
    const changing = new HeartbeatKeyring([newSecret, oldSecret], "ns");
    for (const secret of [oldSecret, newSecret]) {
      const { bytes, header } = sealedWith(new HeartbeatKeyring([secret], "ns"));
      expect(changing.open(bytes, header)).toEqual(ok(body));
    }
  });

  it.each([
    ["another secret", new HeartbeatKeyring([oldSecret], "ns")],
    ["another namespace", new HeartbeatKeyring([newSecret], "other")],
    ["no secret at all", new HeartbeatKeyring([], "ns")],
  ])("refuses what was sealed with %s (G2)", (_name, sender) => {
    const { bytes, header } = sealedWith(sender);
    expect(new HeartbeatKeyring([newSecret], "ns").open(bytes, header)).toEqual({
      ok: false,
      error: "unauthenticated",
    });
  });

  it("refuses sealed heartbeats when it has no secret itself", () => {
    const { bytes, header } = sealedWith(new HeartbeatKeyring([newSecret], "ns"));
    expect(new HeartbeatKeyring([], "ns").open(bytes, header)).toEqual({
      ok: false,
      error: "unauthenticated",
    });
  });
});
