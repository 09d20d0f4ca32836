/**
 * Capabilities of OPEN (RFC 5492 §4): code, length, value. A code that is not spoken is kept as octets and never an error; a
 * malformed value of a spoken one is left out with a problem, but for multiprotocol and 4-octet AS, without which a session would
 * run on false assumptions: those end it with 2/0.
 *
 * | code | value |
 * |---|---|
 * | 1 multiprotocol (RFC 4760 §8) | AFI u16, reserved u8, SAFI u8 |
 * | 5 extended next hop (RFC 8950 §4) | { AFI u16, SAFI u16, next-hop AFI u16 }* |
 * | 64 graceful restart (RFC 4724 §3, RFC 8538 §2) | R, N, 2 reserved bits, time u12; { AFI u16, SAFI u8, F u1, 7 reserved bits }* |
 * | 65 4-octet AS (RFC 6793 §3) | AS u32 |
 * | 2, 6, 70 route refresh, extended message, enhanced route refresh | empty |
 */
import { assert, err, ok, type Result } from "../../net/result";
import { CapabilityCode, MAX_AS, OpenErrorSubcode } from "../constants";
import { MAX_RESTART_TIME_SECONDS } from "../limits";
import { ignoredCapability, openError, type BgpDecodeError, type Decoded } from "./decode-error";
import { OctetWriter } from "./octet-writer";

export interface NextHopEncoding {
  readonly afi: number;
  readonly safi: number;
  readonly nextHopAfi: number;
}

export interface GracefulRestartFamily {
  readonly afi: number;
  readonly safi: number;
  /** F bit: routes of the family kept being forwarded during the restart. */
  readonly isForwardingPreserved: boolean;
}

export interface GracefulRestartCapability {
  readonly type: "gracefulRestart";
  /** R bit: the sender has just restarted. */
  readonly isRestarting: boolean;
  /** N bit: a NOTIFICATION other than hard reset keeps routes too (RFC 8538). */
  readonly supportsNotification: boolean;
  /** 0 … 4095. */
  readonly restartTimeSeconds: number;
  readonly families: readonly GracefulRestartFamily[];
}

export type Capability =
  | { readonly type: "multiprotocol"; readonly afi: number; readonly safi: number }
  | { readonly type: "routeRefresh" }
  | { readonly type: "extendedNextHop"; readonly encodings: readonly NextHopEncoding[] }
  | { readonly type: "extendedMessage" }
  | GracefulRestartCapability
  | { readonly type: "fourOctetAs"; readonly as: number }
  | { readonly type: "enhancedRouteRefresh" }
  | { readonly type: "unknown"; readonly code: number; readonly value: Uint8Array };

const MAX_VALUE_OCTETS = 255;

/** Appends one capability: code, length, value of at most 255 octets. */
export function writeCapability(writer: OctetWriter, capability: Capability): void {
  const value = encodeValue(capability);
  assert(
    value.length <= MAX_VALUE_OCTETS,
    `capability ${capability.type} of ${value.length} octets`,
  );
  writer.u8(toCode(capability)).u8(value.length).octets(value);
}

/**
 * Decodes the capabilities of one optional parameter. Errors: 2/0 when a length runs over the parameter or when multiprotocol or
 * 4-octet AS has a wrong length. Values do not alias `octets`.
 */
export function decodeCapabilities(
  octets: Uint8Array,
): Result<Decoded<readonly Capability[]>, BgpDecodeError> {
  const capabilities: Capability[] = [];
  const problems: BgpDecodeError[] = [];
  let offset = 0;
  while (offset < octets.length) {
    const code = octets[offset] ?? 0;
    const end = offset + 2 + (octets[offset + 1] ?? MAX_VALUE_OCTETS);
    if (end > octets.length) return err(malformed("capability runs over its parameter"));
    const capability = decodeCapability(code, octets.subarray(offset + 2, end));
    if (capability.ok) capabilities.push(capability.value);
    else if (capability.error.reaction === "reset") return capability;
    else problems.push(capability.error);
    offset = end;
  }
  return ok({ message: capabilities, problems });
}

function toCode(capability: Capability): number {
  switch (capability.type) {
    case "multiprotocol":
      return CapabilityCode.multiprotocolExtensions;
    case "extendedNextHop":
      return CapabilityCode.extendedNextHopEncoding;
    case "fourOctetAs":
      return CapabilityCode.fourOctetAsNumber;
    case "unknown":
      return capability.code;
    default:
      return CapabilityCode[capability.type];
  }
}

function encodeValue(capability: Capability): Uint8Array {
  const writer = new OctetWriter();
  switch (capability.type) {
    case "multiprotocol":
      writer.u16(capability.afi).u8(0).u8(capability.safi);
      break;
    case "extendedNextHop":
      for (const { afi, safi, nextHopAfi } of capability.encodings) {
        writer.u16(afi).u16(safi).u16(nextHopAfi);
      }
      break;
    case "gracefulRestart":
      writeGracefulRestart(writer, capability);
      break;
    case "fourOctetAs":
      assert(capability.as <= MAX_AS, `AS ${capability.as}`);
      writer.u32(capability.as);
      break;
    case "unknown":
      writer.octets(capability.value);
      break;
    case "routeRefresh":
    case "extendedMessage":
    case "enhancedRouteRefresh":
      break;
  }
  return writer.finish();
}

const RESTARTING_BIT = 0x8000;
const NOTIFICATION_BIT = 0x4000;
const FORWARDING_BIT = 0x80;

function writeGracefulRestart(writer: OctetWriter, capability: GracefulRestartCapability): void {
  const { restartTimeSeconds } = capability;
  assert(restartTimeSeconds <= MAX_RESTART_TIME_SECONDS, `restart time ${restartTimeSeconds}`);
  const flags =
    (capability.isRestarting ? RESTARTING_BIT : 0) |
    (capability.supportsNotification ? NOTIFICATION_BIT : 0);
  writer.u16(flags | restartTimeSeconds);
  for (const { afi, safi, isForwardingPreserved } of capability.families) {
    writer
      .u16(afi)
      .u8(safi)
      .u8(isForwardingPreserved ? FORWARDING_BIT : 0);
  }
}

function decodeCapability(code: number, value: Uint8Array): Result<Capability, BgpDecodeError> {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  switch (code) {
    case CapabilityCode.multiprotocolExtensions:
      if (value.length !== 4) return err(malformed("multiprotocol capability is not 4 octets"));
      return ok({ type: "multiprotocol", afi: view.getUint16(0), safi: view.getUint8(3) });
    case CapabilityCode.fourOctetAsNumber:
      if (value.length !== 4) return err(malformed("4-octet AS capability is not 4 octets"));
      return ok({ type: "fourOctetAs", as: view.getUint32(0) });
    case CapabilityCode.extendedNextHopEncoding:
      return decodeExtendedNextHop(view);
    case CapabilityCode.gracefulRestart:
      return decodeGracefulRestart(view);
    case CapabilityCode.routeRefresh:
      return decodeEmpty({ type: "routeRefresh" }, value);
    case CapabilityCode.extendedMessage:
      return decodeEmpty({ type: "extendedMessage" }, value);
    case CapabilityCode.enhancedRouteRefresh:
      return decodeEmpty({ type: "enhancedRouteRefresh" }, value);
    default:
      return ok({ type: "unknown", code, value: value.slice() });
  }
}

function decodeEmpty(
  capability: Capability,
  value: Uint8Array,
): Result<Capability, BgpDecodeError> {
  if (value.length === 0) return ok(capability);
  return err(ignoredCapability(`${capability.type} capability is not empty`));
}

function decodeExtendedNextHop(view: DataView): Result<Capability, BgpDecodeError> {
  if (view.byteLength % 6 !== 0) {
    return err(ignoredCapability("extended next hop capability is not a multiple of 6 octets"));
  }
  const encodings: NextHopEncoding[] = [];
  for (let offset = 0; offset < view.byteLength; offset += 6) {
    encodings.push({
      afi: view.getUint16(offset),
      safi: view.getUint16(offset + 2),
      nextHopAfi: view.getUint16(offset + 4),
    });
  }
  return ok({ type: "extendedNextHop", encodings });
}

function decodeGracefulRestart(view: DataView): Result<Capability, BgpDecodeError> {
  if (view.byteLength < 2 || view.byteLength % 4 !== 2) {
    return err(ignoredCapability("graceful restart capability has a wrong length"));
  }
  const first = view.getUint16(0);
  const families: GracefulRestartFamily[] = [];
  for (let offset = 2; offset < view.byteLength; offset += 4) {
    families.push({
      afi: view.getUint16(offset),
      safi: view.getUint8(offset + 2),
      isForwardingPreserved: (view.getUint8(offset + 3) & FORWARDING_BIT) !== 0,
    });
  }
  return ok({
    type: "gracefulRestart",
    isRestarting: (first & RESTARTING_BIT) !== 0,
    supportsNotification: (first & NOTIFICATION_BIT) !== 0,
    restartTimeSeconds: first & MAX_RESTART_TIME_SECONDS,
    families,
  });
}

function malformed(reason: string): BgpDecodeError {
  return openError(OpenErrorSubcode.unspecific, reason);
}
