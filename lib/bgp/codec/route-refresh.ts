/** ROUTE-REFRESH (RFC 2918 §3, RFC 7313 §3.2): AFI u16, subtype u8, SAFI u8. */
import type { OctetWriter } from "./octet-writer";

export interface RouteRefreshMessage {
  readonly type: "routeRefresh";
  readonly afi: number;
  readonly safi: number;
  /** 0 request, 1 beginning, 2 end; others are ignored by the receiver. */
  readonly subtype: number;
}

export const ROUTE_REFRESH_BODY_OCTETS = 4;

export function writeRouteRefresh(writer: OctetWriter, message: RouteRefreshMessage): void {
  writer.u16(message.afi).u8(message.subtype).u8(message.safi);
}

/** Decodes a body of exactly four octets. */
export function decodeRouteRefresh(body: Uint8Array): RouteRefreshMessage {
  return {
    type: "routeRefresh",
    afi: ((body[0] ?? 0) << 8) | (body[1] ?? 0),
    safi: body[3] ?? 0,
    subtype: body[2] ?? 0,
  };
}
