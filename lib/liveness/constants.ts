/** Numbers and offsets of the heartbeat between speakers. The port is MetalLB's, so that firewalls stay valid. */

/** Never the first octet of a memberlist message: both may meet on the port while a cluster migrates. */
export const HEARTBEAT_MAGIC = 0xb5;
export const HEARTBEAT_VERSION = 1;
export const HeartbeatType = { heartbeat: 1 } as const;

/** Key number of heartbeats that are not encrypted. */
export const PLAINTEXT_KEY_NUMBER = 0;

export const HeartbeatFlag = {
  /** The sender may own addresses. */
  eligible: 1,
  /** The sender goes: others take over at once. */
  leaving: 2,
  /** The sender restarts: its addresses are kept for it. */
  restartHold: 4,
  /** The list of silent peers did not fit: a peer that is missing in it says nothing. */
  silentListCut: 8,
  /** The sender's default gateway does not answer any more. */
  uplinkLost: 16,
} as const;

export const InterfaceState = { up: 1, carrier: 2, proven: 4 } as const;

/** The part that is authenticated but not encrypted. */
export const HeaderOffset = {
  magic: 0,
  version: 1,
  type: 2,
  keyNumber: 3,
  nodeId: 4,
  bootId: 12,
  counter: 20,
  body: 28,
} as const;

export const BodyOffset = {
  startTimeMs: 0,
  intervalMs: 8,
  multiplier: 10,
  flags: 11,
  silentCount: 12,
  interfaceCount: 14,
  lists: 16,
} as const;

export const SILENT_PEER_OCTETS = 10;
export const INTERFACE_RECORD_OCTETS = 12;
export const TAG_OCTETS = 16;

/** "Longer than can be said, or never heard since the sender started." */
export const SILENT_FOR_EVER_MS = 65_535;
