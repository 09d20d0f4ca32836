import { describe, expect, it } from "vitest";
import { ARP_ANNOUNCEMENT_ROUNDS, encodeArpAnnouncement } from "../../../../lib/arp/announcement";
import { ip, mac } from "../../../support/frames";
import { fromHex, toHex } from "../../../support/golden";

const MAC = mac("02:00:00:00:00:0a");

describe("encodeArpAnnouncement", () => {
  it("writes the announcement of RFC 5227 §2.3: a request with target hardware address zero", () => {
    const expected =
      "ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c000020a 000000000000 c000020a";
    expect(toHex(encodeArpAnnouncement("announcement", MAC, ip("192.0.2.10")))).toBe(
      toHex(fromHex(expected)),
    );
  });

  it("writes the gratuitous reply with the sender's own MAC as target (Linux wants it so)", () => {
    const expected =
      "ffffffffffff 02000000000a 0806 0001 0800 06 04 0002 02000000000a c000020a 02000000000a c000020a";
    expect(toHex(encodeArpAnnouncement("gratuitousReply", MAC, ip("192.0.2.10")))).toBe(
      toHex(fromHex(expected)),
    );
  });

  it("has rounds over more than three seconds, the first at once, the reply form after 50 ms", () => {
    expect(ARP_ANNOUNCEMENT_ROUNDS[0]).toEqual({ afterMs: 0, form: "announcement" });
    expect(ARP_ANNOUNCEMENT_ROUNDS[1]).toEqual({ afterMs: 50, form: "gratuitousReply" });
    expect(ARP_ANNOUNCEMENT_ROUNDS.at(-1)?.afterMs).toBeGreaterThan(3000);
    expect(ARP_ANNOUNCEMENT_ROUNDS.length).toBeLessThanOrEqual(10);
  });
});
