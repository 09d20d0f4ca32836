/** Packets for tests of BFD: builders and generators. */
import { fc } from "@fast-check/vitest";
import { BFD_STATES } from "../../../../../lib/bfd/constants";
import type { BfdControlPacket } from "../../../../../lib/bfd/control-packet";

const anyU32 = fc.nat(0xffff_ffff);
const anyDiscriminator = fc.integer({ min: 1, max: 0xffff_ffff });

/** Any packet that may be sent, over the full ranges. */
export const anyControlPacket: fc.Arbitrary<BfdControlPacket> = fc
  .record({
    diagnostic: fc.nat(31),
    state: fc.constantFrom(...BFD_STATES),
    sequence: fc.constantFrom("none", "poll", "final"),
    isControlPlaneIndependent: fc.boolean(),
    isDemand: fc.boolean(),
    detectMultiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: anyDiscriminator,
    yourDiscriminator: anyDiscriminator,
    isStranger: fc.boolean(),
    desiredMinTxUs: anyU32,
    requiredMinRxUs: anyU32,
    requiredMinEchoRxUs: anyU32,
  })
  .map(({ sequence, isStranger, ...packet }) => {
    const needsYours = packet.state === "Init" || packet.state === "Up";
    return {
      ...packet,
      isPoll: sequence === "poll",
      isFinal: sequence === "final",
      yourDiscriminator: isStranger && !needsYours ? 0 : packet.yourDiscriminator,
    };
  });

/** A packet of a peer at 100 ms × 3 in the state. */
export function packet(more: Partial<BfdControlPacket> = {}): BfdControlPacket {
  return {
    diagnostic: 0,
    state: "Down",
    isPoll: false,
    isFinal: false,
    isControlPlaneIndependent: false,
    isDemand: false,
    detectMultiplier: 3,
    myDiscriminator: 77,
    yourDiscriminator: 11,
    desiredMinTxUs: 100_000,
    requiredMinRxUs: 100_000,
    requiredMinEchoRxUs: 0,
    ...more,
  };
}
