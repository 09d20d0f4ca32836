/** What is wrong with a message, together with what the protocol does about it. */
import { ErrorCode, OpenErrorSubcode } from "../constants";

/**
 * RFC 7606 §2, strongest first. `attributeDiscard` also stands for a capability that is left out (bgp.md §3.3): the session and
 * the rest of the message are unharmed.
 */
export type Reaction = "reset" | "treatAsWithdraw" | "attributeDiscard";

/** A defect; `code`, `subcode` and `data` are those of the NOTIFICATION that a `reset` sends. `data` does not alias the input. */
export interface BgpDecodeError {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  readonly reaction: Reaction;
  /** Fixed words of ours, never octets of the peer: fit for a log line and a metric label. */
  readonly reason: string;
}

/** A decoded message and what had to be left out of it; `problems` never holds a `reset`. */
export interface Decoded<Message> {
  readonly message: Message;
  readonly problems: readonly BgpDecodeError[];
}

const NO_DATA = new Uint8Array(0);

export function headerError(subcode: number, reason: string, data?: Uint8Array): BgpDecodeError {
  return makeError(ErrorCode.messageHeaderError, subcode, reason, data);
}

export function openError(subcode: number, reason: string, data?: Uint8Array): BgpDecodeError {
  return makeError(ErrorCode.openMessageError, subcode, reason, data);
}

export function updateError(subcode: number, reason: string, data?: Uint8Array): BgpDecodeError {
  return makeError(ErrorCode.updateMessageError, subcode, reason, data);
}

/** A capability that is ignored because its value is malformed. */
export function ignoredCapability(reason: string): BgpDecodeError {
  return { ...openError(OpenErrorSubcode.unspecific, reason), reaction: "attributeDiscard" };
}

/** The same defect with a milder reaction. */
export function withReaction(error: BgpDecodeError, reaction: Reaction): BgpDecodeError {
  return { ...error, reaction };
}

function makeError(
  code: number,
  subcode: number,
  reason: string,
  data: Uint8Array = NO_DATA,
): BgpDecodeError {
  return { code, subcode, data: data.slice(), reaction: "reset", reason };
}
