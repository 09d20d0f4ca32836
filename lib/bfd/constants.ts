/** Numbers of BFD (RFC 5880, 5881, 5883), under IANA's names. */

/** UDP destination ports. */
export const BfdPort = { singleHopControl: 3784, echo: 3785, multihopControl: 4784 } as const;

/** Source ports of control packets (RFC 5881 §4), both ends included. */
export const BFD_SOURCE_PORTS = { first: 49_152, last: 65_535 } as const;

export const BFD_VERSION = 1;

/** Octets of a control packet without authentication section. */
export const CONTROL_PACKET_OCTETS = 24;

/** What packets leave with, and what a packet over a single hop must still have (RFC 5881 §5). */
export const BFD_TTL = 255;

/** Session states in the order of their numbers on the wire. */
export const BFD_STATES = ["AdminDown", "Down", "Init", "Up"] as const;

export type BfdState = (typeof BFD_STATES)[number];

/** Why a session is not Up (RFC 5880 §4.1); the field has room for 0 … 31. */
export const BfdDiagnostic = {
  none: 0,
  controlDetectionTimeExpired: 1,
  echoFunctionFailed: 2,
  neighborSignaledSessionDown: 3,
  forwardingPlaneReset: 4,
  pathDown: 5,
  concatenatedPathDown: 6,
  administrativelyDown: 7,
  reverseConcatenatedPathDown: 8,
} as const;

const DIAGNOSTIC_WORDS = [
  "no diagnostic",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
] as const;

/** The diagnostic in IANA's words, `diagnostic N` for a number without. */
export function describeDiagnostic(diagnostic: number): string {
  return DIAGNOSTIC_WORDS[diagnostic] ?? `diagnostic ${diagnostic}`;
}
