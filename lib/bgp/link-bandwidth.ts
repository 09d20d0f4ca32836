/** The link bandwidth extended community, by which routers share traffic unequally (draft-ietf-idr-link-bandwidth §2). */
import { AS_TRANS } from "./constants";

const NON_TRANSITIVE_TWO_OCTET_AS = 0x40;
const LINK_BANDWIDTH = 0x04;

/**
 * The eight octets of the community as an unsigned number: type 0x40, subtype 0x04, AS u16, octets per second as a float32. An AS
 * that needs four octets becomes AS_TRANS; receivers do not look at it.
 */
export function linkBandwidth(as: number, octetsPerSecond: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint8(0, NON_TRANSITIVE_TWO_OCTET_AS);
  view.setUint8(1, LINK_BANDWIDTH);
  view.setUint16(2, as > 0xffff ? AS_TRANS : as);
  view.setFloat32(4, octetsPerSecond);
  return view.getBigUint64(0);
}
