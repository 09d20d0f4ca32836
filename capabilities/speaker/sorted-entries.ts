/** Searching a desired set, which is sorted by the text of the address, by halving. */
import type { AnnouncementEntry } from "../../lib/announcement/plan-announcements";

/** The entry of the address; undefined when there is none. */
export function findEntry(
  entries: readonly AnnouncementEntry[],
  address: string,
): AnnouncementEntry | undefined {
  const found = entries[indexOfAddress(entries, address)];
  return found?.address === address ? found : undefined;
}

/** Where the address is in the sorted list, or would be. */
export function indexOfAddress(entries: readonly AnnouncementEntry[], address: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.address ?? "") < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
