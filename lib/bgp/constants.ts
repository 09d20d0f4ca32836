/** Numbers of the BGP registries (IANA "Border Gateway Protocol (BGP) Parameters"), named as the registry names them. */

export const BGP_VERSION = 4;
export const HEADER_LENGTH_OCTETS = 19;
export const MARKER_LENGTH_OCTETS = 16;
/** RFC 4271 §4.1. */
export const MAX_MESSAGE_OCTETS = 4096;
/** RFC 8654: UPDATE, NOTIFICATION and ROUTE-REFRESH once both sides sent the capability. */
export const MAX_EXTENDED_MESSAGE_OCTETS = 65_535;
/** Stands for an AS number above 65535 where only two octets fit (RFC 6793 §9). */
export const AS_TRANS = 23_456;
export const MAX_AS = 0xffff_ffff;

export const MessageType = {
  open: 1,
  update: 2,
  notification: 3,
  keepalive: 4,
  routeRefresh: 5,
} as const;

export const Afi = { ipv4: 1, ipv6: 2 } as const;
export const Safi = { unicast: 1 } as const;

export const OptionalParameterType = {
  authentication: 1,
  capabilities: 2,
  extendedLength: 255,
} as const;

export const CapabilityCode = {
  multiprotocolExtensions: 1,
  routeRefresh: 2,
  extendedNextHopEncoding: 5,
  extendedMessage: 6,
  role: 9,
  gracefulRestart: 64,
  fourOctetAsNumber: 65,
  addPath: 69,
  enhancedRouteRefresh: 70,
  longLivedGracefulRestart: 71,
  fqdn: 73,
  softwareVersion: 75,
  linkLocalNextHop: 77,
  prestandardRouteRefresh: 128,
} as const;

export const PathAttributeType = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  multiExitDisc: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8,
  originatorId: 9,
  clusterList: 10,
  mpReachNlri: 14,
  mpUnreachNlri: 15,
  extendedCommunities: 16,
  as4Path: 17,
  as4Aggregator: 18,
  tunnelEncapsulation: 23,
  bgpLs: 29,
  largeCommunities: 32,
  onlyToCustomer: 35,
  prefixSid: 40,
} as const;

/** Bits of the attribute flags octet (RFC 4271 §4.3). */
export const AttributeFlag = {
  optional: 0x80,
  transitive: 0x40,
  partial: 0x20,
  extendedLength: 0x10,
} as const;

export const Origin = { igp: 0, egp: 1, incomplete: 2 } as const;

export const AsPathSegmentType = {
  asSet: 1,
  asSequence: 2,
  asConfedSequence: 3,
  asConfedSet: 4,
} as const;

/** Subtypes of ROUTE-REFRESH (RFC 7313 §3.2). */
export const RouteRefreshSubtype = { request: 0, beginning: 1, end: 2 } as const;

/** Well-known communities (RFC 1997, RFC 8326, RFC 9494). */
export const WellKnownCommunity = {
  gracefulShutdown: 0xffff_0000,
  noExport: 0xffff_ff01,
  noAdvertise: 0xffff_ff02,
  noExportSubconfed: 0xffff_ff03,
} as const;

export const ErrorCode = {
  messageHeaderError: 1,
  openMessageError: 2,
  updateMessageError: 3,
  holdTimerExpired: 4,
  finiteStateMachineError: 5,
  cease: 6,
  routeRefreshMessageError: 7,
  sendHoldTimerExpired: 8,
} as const;

export const HeaderErrorSubcode = {
  connectionNotSynchronized: 1,
  badMessageLength: 2,
  badMessageType: 3,
} as const;

export const OpenErrorSubcode = {
  unspecific: 0,
  unsupportedVersionNumber: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  unsupportedCapability: 7,
  roleMismatch: 11,
} as const;

export const UpdateErrorSubcode = {
  malformedAttributeList: 1,
  unrecognizedWellKnownAttribute: 2,
  missingWellKnownAttribute: 3,
  attributeFlagsError: 4,
  attributeLengthError: 5,
  invalidOriginAttribute: 6,
  invalidNextHopAttribute: 8,
  optionalAttributeError: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

export const FsmErrorSubcode = {
  receiveUnexpectedMessageInOpenSent: 1,
  receiveUnexpectedMessageInOpenConfirm: 2,
  receiveUnexpectedMessageInEstablished: 3,
} as const;

export const CeaseSubcode = {
  maximumNumberOfPrefixesReached: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

export const RouteRefreshErrorSubcode = { invalidMessageLength: 1 } as const;
