/**
 * Addresses kept for Services that were deleted and may come back under their name. A reservation is a preference, not a right:
 * the address is given away when nothing else is left.
 */
import { formatIpAddress, type IpAddress } from "../net/ip-address";
import { RESERVATIONS_MAX } from "./limits";

export interface Reservation {
  /** `namespace/name` of the Service that had the addresses. */
  readonly key: string;
  readonly addresses: readonly IpAddress[];
  /** On the driver's clock. */
  readonly untilMs: number;
}

/** Told when the first reservation of an address begins and when the last one ends. */
export interface ReservationListener {
  readonly onReserved: (address: IpAddress) => void;
  readonly onUnreserved: (address: IpAddress) => void;
}

export class Reservations {
  /** In the order in which they were made. */
  private readonly byKey = new Map<string, Reservation>();
  /** How many reservations an address has: Services that shared it may be gone together. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly listener: ReservationListener) {}

  get(key: string): Reservation | undefined {
    return this.byKey.get(key);
  }

  has(address: IpAddress): boolean {
    return this.counts.size > 0 && this.counts.has(formatIpAddress(address));
  }

  values(): Iterable<Reservation> {
    return this.byKey.values();
  }

  /** Keeps the addresses for the Service instead of what was kept for it. */
  add(reservation: Reservation): void {
    this.remove(reservation.key);
    this.byKey.set(reservation.key, reservation);
    for (const address of reservation.addresses) this.count(address, 1);
    const [oldest] = this.byKey.keys();
    if (this.byKey.size > RESERVATIONS_MAX && oldest !== undefined) this.remove(oldest);
  }

  /** Returns whether anything was kept for the Service. */
  remove(key: string): boolean {
    const reservation = this.byKey.get(key);
    if (reservation === undefined) return false;
    this.byKey.delete(key);
    for (const address of reservation.addresses) this.count(address, -1);
    return true;
  }

  /** Ends what has run out; made in order of time, so it looks no further than the first that has not. */
  expire(nowMs: number): readonly Reservation[] {
    const ended: Reservation[] = [];
    for (const reservation of this.byKey.values()) {
      if (reservation.untilMs > nowMs) break;
      ended.push(reservation);
    }
    for (const { key } of ended) this.remove(key);
    return ended;
  }

  /** When the first one runs out. */
  nextEndMs(): number | undefined {
    const [first] = this.byKey.values();
    return first?.untilMs;
  }

  private count(address: IpAddress, change: 1 | -1): void {
    const text = formatIpAddress(address);
    const before = this.counts.get(text) ?? 0;
    const now = before + change;
    if (now > 0) this.counts.set(text, now);
    else this.counts.delete(text);
    if (before === 0) this.listener.onReserved(address);
    if (now === 0) this.listener.onUnreserved(address);
  }
}
