/**
 * The control packet (RFC 5880 §4.1): bytes ↔ values. Without authentication section:
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 * |Vers | Diag    |Sta|P|F|C|A|D|M| Detect Mult   | Length        |
 * +-----+---------+---+-+-+-+-+-+-+---------------+---------------+
 * | My Discriminator                                              |
 * | Your Discriminator                                            |
 * | Desired Min TX Interval (µs)                                  |
 * | Required Min RX Interval (µs)                                 |
 * | Required Min Echo RX Interval (µs)                            |
 * +---------------------------------------------------------------+
 * ```
 */
import { viewOf } from "../net/ethernet";
import { assert, err, ok, type Result } from "../net/result";
import { BFD_STATES, BFD_VERSION, CONTROL_PACKET_OCTETS, type BfdState } from "./constants";

export interface BfdControlPacket {
  /** `BfdDiagnostic`; unassigned numbers up to 31 are kept. */
  readonly diagnostic: number;
  readonly state: BfdState;
  readonly isPoll: boolean;
  readonly isFinal: boolean;
  /** The sender's BFD outlives its control plane. */
  readonly isControlPlaneIndependent: boolean;
  readonly isDemand: boolean;
  /** 1 … 255. */
  readonly detectMultiplier: number;
  /** Not 0. */
  readonly myDiscriminator: number;
  /** 0: the sender has not heard us yet. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  /** 0: the sender wants no periodic packets. */
  readonly requiredMinRxUs: number;
  /** 0: the sender returns no echoes. */
  readonly requiredMinEchoRxUs: number;
}

/** Why octets are no control packet that counts: the checks of RFC 5880 §6.8.6 up to the discriminators, in its order. */
export type ControlPacketProblem =
  /** Fewer than 24 octets. */
  | "truncated"
  | "version"
  /** The length field is below 24 (26 with authentication), or beyond the datagram. */
  | "length"
  | "zeroMultiplier"
  | "multipoint"
  | "zeroMyDiscriminator"
  /** Your Discriminator is 0 in a state that needs one. */
  | "zeroYourDiscriminator"
  /** It carries authentication, and none is configured. */
  | "authentication";

const Flag = {
  poll: 0x20,
  final: 0x10,
  independent: 0x08,
  authentication: 0x04,
  demand: 0x02,
  multipoint: 0x01,
} as const;
const AUTHENTICATION_HEADER_OCTETS = 2;
const MAX_U32 = 0xffff_ffff;

/** Decodes one datagram; octets beyond its length field are padding. Total; the value does not alias `bytes`. */
export function decodeControlPacket(
  bytes: Uint8Array,
): Result<BfdControlPacket, ControlPacketProblem> {
  if (bytes.length < CONTROL_PACKET_OCTETS) return err("truncated");
  const view = viewOf(bytes);
  const problem = findProblem(view);
  if (problem !== undefined) return err(problem);
  const flags = view.getUint8(1);
  return ok({
    diagnostic: view.getUint8(0) & 0x1f,
    state: stateOf(view),
    isPoll: (flags & Flag.poll) !== 0,
    isFinal: (flags & Flag.final) !== 0,
    isControlPlaneIndependent: (flags & Flag.independent) !== 0,
    isDemand: (flags & Flag.demand) !== 0,
    detectMultiplier: view.getUint8(2),
    myDiscriminator: view.getUint32(4),
    yourDiscriminator: view.getUint32(8),
    desiredMinTxUs: view.getUint32(12),
    requiredMinRxUs: view.getUint32(16),
    requiredMinEchoRxUs: view.getUint32(20),
  });
}

/** The packet's 24 octets. A value that the decoder would refuse is a bug. */
export function encodeControlPacket(packet: BfdControlPacket): Uint8Array {
  const { detectMultiplier, myDiscriminator, yourDiscriminator } = packet;
  assert(packet.diagnostic >= 0 && packet.diagnostic <= 0x1f, "diagnostic of 5 bits");
  assert(detectMultiplier >= 1 && detectMultiplier <= 0xff, "detect multiplier 1 … 255");
  assert(myDiscriminator >= 1 && myDiscriminator <= MAX_U32, "discriminator of 32 bits, not 0");
  const bytes = new Uint8Array(CONTROL_PACKET_OCTETS);
  const view = viewOf(bytes);
  view.setUint8(0, (BFD_VERSION << 5) | packet.diagnostic);
  view.setUint8(1, (BFD_STATES.indexOf(packet.state) << 6) | toFlags(packet));
  view.setUint8(2, detectMultiplier);
  view.setUint8(3, CONTROL_PACKET_OCTETS);
  view.setUint32(4, myDiscriminator);
  view.setUint32(8, yourDiscriminator);
  view.setUint32(12, packet.desiredMinTxUs);
  view.setUint32(16, packet.requiredMinRxUs);
  view.setUint32(20, packet.requiredMinEchoRxUs);
  return bytes;
}

function findProblem(view: DataView): ControlPacketProblem | undefined {
  return findFramingProblem(view) ?? findFieldProblem(view);
}

function findFramingProblem(view: DataView): ControlPacketProblem | undefined {
  if (view.getUint8(0) >> 5 !== BFD_VERSION) return "version";
  const length = view.getUint8(3);
  const authenticationOctets = hasAuthentication(view) ? AUTHENTICATION_HEADER_OCTETS : 0;
  const isWithin = length >= CONTROL_PACKET_OCTETS + authenticationOctets;
  return isWithin && length <= view.byteLength ? undefined : "length";
}

function findFieldProblem(view: DataView): ControlPacketProblem | undefined {
  if (view.getUint8(2) === 0) return "zeroMultiplier";
  if ((view.getUint8(1) & Flag.multipoint) !== 0) return "multipoint";
  if (view.getUint32(4) === 0) return "zeroMyDiscriminator";
  const state = stateOf(view);
  const needsYours = state === "Init" || state === "Up";
  if (needsYours && view.getUint32(8) === 0) return "zeroYourDiscriminator";
  return hasAuthentication(view) ? "authentication" : undefined;
}

function hasAuthentication(view: DataView): boolean {
  return (view.getUint8(1) & Flag.authentication) !== 0;
}

function stateOf(view: DataView): BfdState {
  const state = BFD_STATES[view.getUint8(1) >> 6];
  assert(state !== undefined, "two bits name a state");
  return state;
}

function toFlags(packet: BfdControlPacket): number {
  assert(!(packet.isPoll && packet.isFinal), "never Poll and Final together");
  return (
    (packet.isPoll ? Flag.poll : 0) |
    (packet.isFinal ? Flag.final : 0) |
    (packet.isControlPlaneIndependent ? Flag.independent : 0) |
    (packet.isDemand ? Flag.demand : 0)
  );
}
