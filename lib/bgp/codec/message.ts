/**
 * Whole BGP messages (RFC 4271 §4.1): marker of 16 octets of ones, length u16, type u8, body. `stream-decoder.ts` cuts a TCP
 * stream into them.
 */
import { assert, err, ok, type Result } from "../../net/result";
import {
  ErrorCode,
  HEADER_LENGTH_OCTETS,
  HeaderErrorSubcode,
  MARKER_LENGTH_OCTETS,
  MAX_EXTENDED_MESSAGE_OCTETS,
  MAX_MESSAGE_OCTETS,
  MessageType,
  RouteRefreshErrorSubcode,
} from "../constants";
import type { UpdateContext } from "./attribute-rules";
import { headerError, type BgpDecodeError, type Decoded } from "./decode-error";
import { decodeNotification, writeNotification, type NotificationMessage } from "./notification";
import { OctetWriter } from "./octet-writer";
import { decodeOpen, writeOpen, type OpenMessage } from "./open";
import {
  decodeRouteRefresh,
  ROUTE_REFRESH_BODY_OCTETS,
  writeRouteRefresh,
  type RouteRefreshMessage,
} from "./route-refresh";
import { decodeUpdate, writeUpdate, type UpdateMessage } from "./update";

export interface KeepaliveMessage {
  readonly type: "keepalive";
}

export type BgpMessage =
  | OpenMessage
  | UpdateMessage
  | NotificationMessage
  | KeepaliveMessage
  | RouteRefreshMessage;

/** What the two OPENs agreed on, as far as it changes how messages are read or written. */
export interface CodecContext extends UpdateContext {
  /** 4096, or 65535 once both sides sent the extended message capability. */
  readonly maxMessageOctets: number;
  /** Both sides sent capability 70: a ROUTE-REFRESH of a wrong length is 7/1 (RFC 7313 §5). */
  readonly hasEnhancedRouteRefresh: boolean;
}

/** Before the OPENs: two octets of AS, IPv4 unicast, 4096 octets. */
export const INITIAL_CONTEXT: CodecContext = {
  isExternal: true,
  hasFourOctetAs: false,
  families: ["ipv4-unicast"],
  allowsIpv6NextHopForIpv4: false,
  maxMessageOctets: MAX_MESSAGE_OCTETS,
  hasEnhancedRouteRefresh: false,
};

/** The message in octets; one that is longer than the peer takes is a bug of ours. */
export function encodeMessage(
  message: BgpMessage,
  context: Pick<CodecContext, "hasFourOctetAs" | "maxMessageOctets"> = INITIAL_CONTEXT,
): Uint8Array {
  const writer = new OctetWriter();
  writer.octets(MARKER).u16(0).u8(MessageType[message.type]);
  writeBody(writer, message, context.hasFourOctetAs);
  const isAlwaysShort = message.type === "open" || message.type === "keepalive";
  const maxOctets = isAlwaysShort ? MAX_MESSAGE_OCTETS : context.maxMessageOctets;
  assert(writer.length <= maxOctets, `${message.type} of ${writer.length} octets`);
  return writer.patchU16(MARKER_LENGTH_OCTETS, writer.length).finish();
}

/**
 * Decodes exactly one message. Total: any input gives a value or an error, never a throw; nothing aliases `octets`. An error is
 * always a `reset`; milder ones are `problems`.
 */
export function decodeMessage(
  octets: Uint8Array,
  context: CodecContext = INITIAL_CONTEXT,
): Result<Decoded<BgpMessage>, BgpDecodeError> {
  const header = decodeHeader(octets, context.maxMessageOctets);
  if (!header.ok) return header;
  if (header.value === undefined || header.value.lengthOctets !== octets.length) {
    return err(badLength("message is cut", octets));
  }
  return decodeBody(header.value.type, octets, context);
}

export interface MessageHeader {
  /** 19 … the maximum, header included. */
  readonly lengthOctets: number;
  /** One of `MessageType`. */
  readonly type: number;
}

/**
 * Checks the header at the start of `octets`: undefined while there are fewer than 19. Errors: 1/1 marker, 1/2 length out of
 * bounds (data: the length), 1/3 type (data: the type). Order of the checks as RFC 4271 §6.1.
 */
export function decodeHeader(
  octets: Uint8Array,
  maxMessageOctets: number,
): Result<MessageHeader | undefined, BgpDecodeError> {
  if (octets.length < HEADER_LENGTH_OCTETS) return ok(undefined);
  for (let index = 0; index < MARKER_LENGTH_OCTETS; index += 1) {
    if (octets[index] === 0xff) continue;
    const subcode = HeaderErrorSubcode.connectionNotSynchronized;
    return err(headerError(subcode, "marker is not all ones"));
  }
  const view = new DataView(octets.buffer, octets.byteOffset, HEADER_LENGTH_OCTETS);
  const lengthOctets = view.getUint16(MARKER_LENGTH_OCTETS);
  const type = view.getUint8(MARKER_LENGTH_OCTETS + 2);
  if (lengthOctets < HEADER_LENGTH_OCTETS || lengthOctets > maxMessageOctets) {
    return err(badLength("length out of bounds", octets));
  }
  const bounds = LENGTH_BOUNDS.get(type);
  if (bounds === undefined) {
    const data = new Uint8Array([type]);
    return err(headerError(HeaderErrorSubcode.badMessageType, "unknown message type", data));
  }
  if (lengthOctets < bounds.min || lengthOctets > bounds.max) {
    return err(badLength("length does not fit the type", octets));
  }
  return ok({ lengthOctets, type });
}

/** The body of a whole message. */
export function bodyOf(octets: Uint8Array): Uint8Array {
  return octets.subarray(HEADER_LENGTH_OCTETS);
}

/** Defect of a ROUTE-REFRESH whose length is wrong; undefined when it is right. */
export function checkRouteRefreshLength(
  octets: Uint8Array,
  context: CodecContext,
): BgpDecodeError | undefined {
  if (octets.length === HEADER_LENGTH_OCTETS + ROUTE_REFRESH_BODY_OCTETS) return undefined;
  const reason = "ROUTE-REFRESH of a wrong length";
  if (!context.hasEnhancedRouteRefresh) return badLength(reason, octets);
  return {
    code: ErrorCode.routeRefreshMessageError,
    subcode: RouteRefreshErrorSubcode.invalidMessageLength,
    // RFC 7313 §5 wants the whole message back; a NOTIFICATION has two octets less room than it.
    data: octets.slice(0, context.maxMessageOctets - HEADER_LENGTH_OCTETS - 2),
    reaction: "reset",
    reason,
  };
}

const MARKER = new Uint8Array(MARKER_LENGTH_OCTETS).fill(0xff);

const LENGTH_BOUNDS: ReadonlyMap<number, { readonly min: number; readonly max: number }> = new Map([
  [MessageType.open, { min: 29, max: MAX_MESSAGE_OCTETS }],
  [MessageType.update, { min: 23, max: MAX_EXTENDED_MESSAGE_OCTETS }],
  [MessageType.notification, { min: 21, max: MAX_EXTENDED_MESSAGE_OCTETS }],
  [MessageType.keepalive, { min: HEADER_LENGTH_OCTETS, max: HEADER_LENGTH_OCTETS }],
  [MessageType.routeRefresh, { min: HEADER_LENGTH_OCTETS, max: MAX_EXTENDED_MESSAGE_OCTETS }],
]);

function badLength(reason: string, octets: Uint8Array): BgpDecodeError {
  const data = octets.subarray(MARKER_LENGTH_OCTETS, MARKER_LENGTH_OCTETS + 2);
  return headerError(HeaderErrorSubcode.badMessageLength, reason, data);
}

function writeBody(writer: OctetWriter, message: BgpMessage, hasFourOctetAs: boolean): void {
  switch (message.type) {
    case "open":
      writeOpen(writer, message);
      return;
    case "update":
      writeUpdate(writer, message, hasFourOctetAs);
      return;
    case "notification":
      writeNotification(writer, message);
      return;
    case "routeRefresh":
      writeRouteRefresh(writer, message);
      return;
    case "keepalive":
      return;
  }
}

function decodeBody(
  type: number,
  octets: Uint8Array,
  context: CodecContext,
): Result<Decoded<BgpMessage>, BgpDecodeError> {
  const body = bodyOf(octets);
  switch (type) {
    case MessageType.open:
      return decodeOpen(body);
    case MessageType.update:
      return decodeUpdate(body, context);
    case MessageType.notification:
      return ok({ message: decodeNotification(body), problems: [] });
    case MessageType.routeRefresh: {
      const defect = checkRouteRefreshLength(octets, context);
      if (defect !== undefined) return err(defect);
      return ok({ message: decodeRouteRefresh(body), problems: [] });
    }
    default:
      return ok({ message: { type: "keepalive" }, problems: [] });
  }
}
