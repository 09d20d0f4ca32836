/** MAC addresses (EUI-48): six octets, as text only in logs, events and captures. */
import { assert, err, ok, type Result } from "./result";

export const MAC_LENGTH_OCTETS = 6;

/** Six octets. Treated as immutable: nobody writes into one. */
export type MacAddress = Uint8Array;

export const BROADCAST_MAC: MacAddress = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
export const ZERO_MAC: MacAddress = new Uint8Array(MAC_LENGTH_OCTETS);

/** Lower-case text with colons: `02:00:5e:10:00:01`. */
export function formatMacAddress(mac: MacAddress): string {
  assert(mac.length === MAC_LENGTH_OCTETS, `MAC address of ${mac.length} octets`);
  return Array.from(mac, octet => octet.toString(16).padStart(2, "0")).join(":");
}

/** Parses six hexadecimal octets separated by colons, upper or lower case. */
export function parseMacAddress(text: string): Result<MacAddress, { readonly text: string }> {
  if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text)) return err({ text });
  return ok(Uint8Array.from(text.split(":"), octet => Number.parseInt(octet, 16)));
}

export function isSameMac(left: MacAddress, right: MacAddress): boolean {
  for (let index = 0; index < MAC_LENGTH_OCTETS; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** The Ethernet group address of an IPv6 multicast address: 33:33 and its last four octets (RFC 2464 §7). */
export function toMulticastMac(groupBytes: Uint8Array): MacAddress {
  assert(groupBytes.length === 16, "IPv6 group address of 16 octets");
  return new Uint8Array([0x33, 0x33, ...groupBytes.subarray(12)]);
}
