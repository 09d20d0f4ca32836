import rows from "../../golden/bgp/conversations/malformed.json";

/**
 * Malformed messages and what must come of them. The octets follow the marker of 16 octets of ones (H1 brings its own); H4 is filled
 * with zeroes. O… stand in place of the peer's OPEN, all others come in Established.
 */
export interface MalformedMessage {
  readonly id: string;
  readonly what: string;
  readonly hex: string;
  /** What may come of it: the session stays (`KEEP`), ends in silence (`CLOSE`), or with one of these NOTIFICATIONs. */
  readonly outcomes: readonly string[];
}

export const MALFORMED_MESSAGES: readonly MalformedMessage[] = rows;
