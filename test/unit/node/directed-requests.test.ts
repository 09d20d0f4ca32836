import { describe, expect, it } from "vitest";
import { decodeArpFrame } from "../../../lib/arp/message";
import { formatIpAddress } from "../../../lib/net/ip-address";
import { formatMacAddress } from "../../../lib/net/mac-address";
import { decodeNeighborFrame, toIpv6Key } from "../../../lib/ndp/message";
import { DirectedRequests, type DirectedTarget } from "../../../node/directed-requests";
import { ip, mac } from "../../support/frames";

const MAC = mac("02:00:00:00:00:01");
const VIP = { address: ip("192.0.2.10"), text: "192.0.2.10" };
const VIP6 = { address: ip("2001:db8::10"), text: "2001:db8::10" };
const GATEWAY: DirectedTarget = {
  address: ip("192.0.2.254"),
  mac: mac("02:00:00:00:00:fe"),
};

/** Every frame until the machine rests, with its time. */
function runOut(directed: DirectedRequests, untilMs = 10_000) {
  const sent: { atMs: number; frame: Uint8Array }[] = [];
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 1) {
    for (let due = directed.take(nowMs); due !== undefined; due = directed.take(nowMs)) {
      sent.push({ atMs: nowMs, frame: due.frame });
    }
  }
  return sent;
}

describe("a neighbor that is told by name", () => {
  it("is asked at its MAC address at 0 and 50 ms, then by broadcast at 150 and 400 ms", () => {
    const directed = new DirectedRequests(MAC);
    directed.start(VIP, [GATEWAY], 0);
    const sent = runOut(directed).map(({ atMs, frame }) => {
      const decoded = decodeArpFrame(frame);
      return decoded.ok ? { atMs, ...decoded.value } : undefined;
    });
    expect(sent.map(each => [each?.atMs, formatMacAddress(each?.destination ?? MAC)])).toEqual([
      [0, "02:00:00:00:00:fe"],
      [50, "02:00:00:00:00:fe"],
      [150, "ff:ff:ff:ff:ff:ff"],
      [400, "ff:ff:ff:ff:ff:ff"],
    ]);
    for (const each of sent) {
      expect(each?.operation).toBe(1);
      expect(each?.senderProtocolAddress).toEqual(VIP.address);
      expect(each?.targetProtocolAddress).toEqual(GATEWAY.address);
      expect(each?.senderHardwareAddress).toEqual(MAC);
    }
  });

  it("is solicited from the address itself in IPv6, with its link-layer address", () => {
    const directed = new DirectedRequests(MAC);
    const neighbor = ip("fe80::fe");
    directed.start(VIP6, [{ address: neighbor, mac: GATEWAY.mac }], 0);
    const frames = runOut(directed).map(({ frame }) => decodeNeighborFrame(frame));
    const values = frames.map(frame => (frame.ok ? frame.value : undefined));
    expect(values.map(value => formatIpAddress(value?.destination ?? neighbor))).toEqual([
      "fe80::fe",
      "fe80::fe",
      "ff02::1:ff00:fe",
      "ff02::1:ff00:fe",
    ]);
    for (const value of values) {
      expect(value).toMatchObject({
        type: "solicitation",
        source: VIP6.address,
        target: neighbor,
        linkLayerAddress: MAC,
      });
    }
  });

  it("is left alone once it has answered", () => {
    const directed = new DirectedRequests(MAC);
    directed.start(VIP, [GATEWAY], 0);
    directed.start(VIP6, [{ address: ip("fe80::fe"), mac: undefined }], 0);
    expect(runOut(directed, 0)).toHaveLength(2);
    expect(directed.confirm(VIP.text, 0xc00002fe)).toBe(true);
    expect(directed.confirm(VIP.text, 0xc00002fe)).toBe(false);
    expect(directed.confirm(VIP6.text, toIpv6Key(ip("fe80::1")))).toBe(false);
    expect(directed.confirm(VIP6.text, toIpv6Key(ip("fe80::fe")))).toBe(true);
    expect(runOut(directed)).toEqual([]);
    expect(directed.nextDeadlineMs()).toBeUndefined();
  });

  it("is left alone when the address belongs to another node again", () => {
    const directed = new DirectedRequests(MAC);
    directed.start(VIP, [GATEWAY], 0);
    directed.stop(VIP.text);
    expect(runOut(directed)).toEqual([]);
  });
});

it("tells the neighbors of a thousand addresses at no more than 1,000 frames a second", () => {
  const directed = new DirectedRequests(MAC);
  for (let index = 0; index < 1_000; index += 1) {
    const address = { family: "ipv4", value: 0xc6120000n + BigInt(index) } as const;
    directed.start({ address, text: formatIpAddress(address) }, [GATEWAY], 0);
  }
  const sent = runOut(directed);
  expect(sent).toHaveLength(4_000);
  for (let startMs = 0; startMs < 5_000; startMs += 500) {
    const inWindow = sent.filter(({ atMs }) => atMs >= startMs && atMs < startMs + 1_000);
    expect(inWindow.length).toBeLessThanOrEqual(1_000 + 2 * 100);
  }
});
