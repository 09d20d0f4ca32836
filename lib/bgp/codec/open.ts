/**
 * OPEN (RFC 4271 §4.2), with the extended optional parameters of RFC 9072:
 *
 *      0                   1                   2                   3
 *      +---------------+
 *      |    version    |
 *      +-------------------------------+-------------------------------+
 *      |     my autonomous system      |           hold time           |
 *      +-------------------------------+-------------------------------+
 *      |                        BGP Identifier                         |
 *      +---------------+-----------------------------------------------+
 *      | opt. par. len | optional parameters: { type, length, value }*
 *      +---------------+
 */
import { assert, err, ok, type Result } from "../../net/result";
import { BGP_VERSION, OpenErrorSubcode, OptionalParameterType } from "../constants";
import { decodeCapabilities, writeCapability, type Capability } from "./capability";
import { openError, type BgpDecodeError, type Decoded } from "./decode-error";
import { OctetWriter } from "./octet-writer";

export interface OpenMessage {
  readonly type: "open";
  /** The two-octet field: AS_TRANS when the AS is above 65535. */
  readonly myAs: number;
  /** 0, or 3 … 65535. */
  readonly holdTimeSeconds: number;
  /** Unsigned 32 bits, not 0. */
  readonly bgpIdentifier: number;
  /** In order, of all parameters together. */
  readonly capabilities: readonly Capability[];
}

const FIXED_OCTETS = 10;
const MAX_CLASSIC_OCTETS = 255;

/** The AS the sender speaks for: the value of the 4-octet AS capability, else the two-octet field (RFC 6793 §4.1). */
export function toOpenAs(message: OpenMessage): number {
  for (const capability of message.capabilities) {
    if (capability.type === "fourOctetAs") return capability.as;
  }
  return message.myAs;
}

/** Appends the body after the header: all capabilities in one parameter, in the extended form only when they need it. */
export function writeOpen(writer: OctetWriter, message: OpenMessage): void {
  const capabilities = new OctetWriter();
  for (const capability of message.capabilities) writeCapability(capabilities, capability);
  assert(message.bgpIdentifier !== 0, "BGP Identifier 0");
  writer.u8(BGP_VERSION).u16(message.myAs).u16(message.holdTimeSeconds).u32(message.bgpIdentifier);
  const { length } = capabilities;
  if (length === 0) {
    writer.u8(0);
  } else if (length + 2 <= MAX_CLASSIC_OCTETS) {
    writer
      .u8(length + 2)
      .u8(OptionalParameterType.capabilities)
      .u8(length);
  } else {
    const { extendedLength } = OptionalParameterType;
    writer
      .u8(MAX_CLASSIC_OCTETS)
      .u8(extendedLength)
      .u16(length + 3);
    writer.u8(OptionalParameterType.capabilities).u16(length);
  }
  writer.octets(capabilities.finish());
}

/**
 * Decodes the body of an OPEN. Errors, all `reset`: 2/1 version (data: 4), 2/2 AS 0,
 * 2/3 identifier 0, 2/4 unknown parameter, 2/6 hold time of 1 or 2 s, 2/0 lengths that do not fit. Problems: capabilities left out.
 */
export function decodeOpen(body: Uint8Array): Result<Decoded<OpenMessage>, BgpDecodeError> {
  if (body.length < FIXED_OCTETS) return err(inconsistent("OPEN is cut"));
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (view.getUint8(0) !== BGP_VERSION) {
    const data = new Uint8Array([0, BGP_VERSION]);
    return err(openError(OpenErrorSubcode.unsupportedVersionNumber, "unsupported version", data));
  }
  const parameters = locateParameters(body);
  if (!parameters.ok) return parameters;
  const decoded = decodeParameters(parameters.value);
  if (!decoded.ok) return decoded;
  const message: OpenMessage = {
    type: "open",
    myAs: view.getUint16(1),
    holdTimeSeconds: view.getUint16(3),
    bgpIdentifier: view.getUint32(5),
    capabilities: decoded.value.message,
  };
  const defect = checkFields(message);
  return defect === undefined ? ok({ message, problems: decoded.value.problems }) : err(defect);
}

function checkFields(message: OpenMessage): BgpDecodeError | undefined {
  const as = toOpenAs(message);
  if (message.myAs === 0 || as === 0) return openError(OpenErrorSubcode.badPeerAs, "AS 0");
  if (message.bgpIdentifier === 0) {
    return openError(OpenErrorSubcode.badBgpIdentifier, "BGP Identifier 0");
  }
  if (message.holdTimeSeconds === 1 || message.holdTimeSeconds === 2) {
    return openError(OpenErrorSubcode.unacceptableHoldTime, "hold time below 3 s");
  }
  return undefined;
}

interface Parameters {
  readonly octets: Uint8Array;
  /** Octets of a parameter's length field: 1, or 2 in the extended form. */
  readonly lengthOctets: number;
}

function locateParameters(body: Uint8Array): Result<Parameters, BgpDecodeError> {
  const classicLength = body[FIXED_OCTETS - 1] ?? 0;
  const rest = body.subarray(FIXED_OCTETS);
  // RFC 9072 §2: the type 255 decides, any other non-zero length is tolerated.
  if (classicLength !== 0 && rest[0] === OptionalParameterType.extendedLength) {
    const length = ((rest[1] ?? 0) << 8) | (rest[2] ?? 0);
    if (rest.length < 3 || length !== rest.length - 3) {
      return err(inconsistent("extended parameter length does not fit"));
    }
    return ok({ octets: rest.subarray(3), lengthOctets: 2 });
  }
  if (classicLength !== rest.length) return err(inconsistent("parameter length does not fit"));
  return ok({ octets: rest, lengthOctets: 1 });
}

function decodeParameters(
  parameters: Parameters,
): Result<Decoded<readonly Capability[]>, BgpDecodeError> {
  const { octets, lengthOctets } = parameters;
  const capabilities: Capability[] = [];
  const problems: BgpDecodeError[] = [];
  let offset = 0;
  while (offset < octets.length) {
    const valueAt = offset + 1 + lengthOctets;
    if (valueAt > octets.length) return err(inconsistent("parameter header is cut"));
    const end = valueAt + readLength(octets, offset + 1, lengthOctets);
    if (end > octets.length) return err(inconsistent("parameter runs over OPEN"));
    if (octets[offset] !== OptionalParameterType.capabilities) {
      return err(openError(OpenErrorSubcode.unsupportedOptionalParameter, "unknown parameter"));
    }
    const decoded = decodeCapabilities(octets.subarray(valueAt, end));
    if (!decoded.ok) return decoded;
    capabilities.push(...decoded.value.message);
    problems.push(...decoded.value.problems);
    offset = end;
  }
  return ok({ message: capabilities, problems });
}

function readLength(octets: Uint8Array, offset: number, lengthOctets: number): number {
  const first = octets[offset] ?? 0;
  return lengthOctets === 1 ? first : (first << 8) | (octets[offset + 1] ?? 0);
}

function inconsistent(reason: string): BgpDecodeError {
  return openError(OpenErrorSubcode.unspecific, reason);
}
