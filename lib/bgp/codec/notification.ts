/**
 * NOTIFICATION (RFC 4271 §4.5): code u8, subcode u8, data; with the shutdown communication (RFC 9003) and hard reset (RFC 8538)
 * that Cease carries in its data.
 */
import { CeaseSubcode, ErrorCode } from "../constants";
import { MAX_PEER_TEXT_CHARACTERS } from "../limits";
import type { OctetWriter } from "./octet-writer";

export interface NotificationMessage {
  readonly type: "notification";
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

const MAX_SHUTDOWN_OCTETS = 255;

export function writeNotification(writer: OctetWriter, message: NotificationMessage): void {
  writer.u8(message.code).u8(message.subcode).octets(message.data);
}

/** Decodes a body of at least two octets; the data does not alias it. */
export function decodeNotification(body: Uint8Array): NotificationMessage {
  return {
    type: "notification",
    code: body[0] ?? 0,
    subcode: body[1] ?? 0,
    data: body.slice(2),
  };
}

/** A NOTIFICATION without data, or with what the RFC asks for. */
export function makeNotification(
  code: number,
  subcode: number,
  data: Uint8Array = new Uint8Array(0),
): NotificationMessage {
  return { type: "notification", code, subcode, data };
}

/** A Cease with a shutdown communication: UTF-8 cut to 255 octets between characters; empty text sends no data (RFC 9003 §2). */
export function makeCease(subcode: number, text = ""): NotificationMessage {
  const utf8 = new TextEncoder().encode(text);
  let length = Math.min(utf8.length, MAX_SHUTDOWN_OCTETS);
  while (length < utf8.length && ((utf8[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  const data =
    length === 0 ? new Uint8Array(0) : new Uint8Array([length, ...utf8.subarray(0, length)]);
  return { type: "notification", code: ErrorCode.cease, subcode, data };
}

/** The NOTIFICATION inside Cease/9, which makes a graceful restart peer drop our routes at once (RFC 8538 §3.1). */
export function wrapInHardReset(inner: NotificationMessage): NotificationMessage {
  return {
    type: "notification",
    code: ErrorCode.cease,
    subcode: CeaseSubcode.hardReset,
    data: new Uint8Array([inner.code, inner.subcode, ...inner.data]),
  };
}

/** The NOTIFICATION that counts: the one inside a hard reset, else the message itself. */
export function unwrapHardReset(message: NotificationMessage): NotificationMessage {
  const isHardReset =
    message.code === ErrorCode.cease && message.subcode === CeaseSubcode.hardReset;
  return isHardReset && message.data.length >= 2 ? decodeNotification(message.data) : message;
}

/**
 * The shutdown communication of Cease/2 and Cease/4, a hard reset looked into: one line without control characters or characters
 * that change the writing direction, cut to 128 characters; invalid UTF-8 becomes U+FFFD. Undefined when there is none.
 */
export function readShutdownText(message: NotificationMessage): string | undefined {
  const { code, subcode, data } = unwrapHardReset(message);
  const mayCarryText =
    code === ErrorCode.cease &&
    (subcode === CeaseSubcode.administrativeShutdown ||
      subcode === CeaseSubcode.administrativeReset);
  const length = data[0] ?? 0;
  if (!mayCarryText || length === 0 || length > data.length - 1) return undefined;
  const text = new TextDecoder().decode(data.subarray(1, 1 + length));
  const printable = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return Array.from(printable).slice(0, MAX_PEER_TEXT_CHARACTERS).join("");
}
