import { describe, expect, it } from "vitest";
import { formatIpAddress } from "../../../lib/net/ip-address";
import { formatMacAddress } from "../../../lib/net/mac-address";
import { viewOf } from "../../../lib/net/ethernet";
import { Askers } from "../../../node/askers";
import { ASKER_AGE_MS, ASKERS_PER_ADDRESS, MAX_ASKERS } from "../../../node/limits";
import { ip, mac } from "../../support/frames";

const VIP = "192.0.2.10";
const ETH0 = 2;

function ask(
  askers: Askers,
  asker: string,
  given: { asked?: string; mac?: string; interfaceIndex?: number; nowMs?: number } = {},
): void {
  const address = ip(asker);
  askers.note(
    {
      asked: given.asked ?? VIP,
      interfaceIndex: given.interfaceIndex ?? ETH0,
      key: Number(address.value),
      toAddress: () => address,
      frame: viewOf(mac(given.mac ?? "02:00:00:00:00:99")),
      macOffset: 0,
    },
    given.nowMs ?? 0,
  );
}

function known(askers: Askers, nowMs = 0, interfaceIndex = ETH0): readonly string[] {
  return askers
    .of(VIP, interfaceIndex, nowMs)
    .map(asker => `${formatIpAddress(asker.address)} ${formatMacAddress(asker.mac)}`);
}

describe("who asked for an address", () => {
  it("is known by the latest MAC address, the latest asker first", () => {
    const askers = new Askers();
    ask(askers, "192.0.2.97", { nowMs: 1 });
    ask(askers, "192.0.2.98", { nowMs: 2 });
    ask(askers, "192.0.2.97", { nowMs: 3, mac: "02:00:00:00:00:97" });
    expect(known(askers)).toEqual(["192.0.2.97 02:00:00:00:00:97", "192.0.2.98 02:00:00:00:00:99"]);
  });

  it("is known for the interface it was heard on, and for five minutes", () => {
    const askers = new Askers();
    ask(askers, "192.0.2.97");
    expect(known(askers, 0, ETH0 + 1)).toEqual([]);
    expect(known(askers, ASKER_AGE_MS - 1)).toHaveLength(1);
    expect(known(askers, ASKER_AGE_MS)).toEqual([]);
  });

  it("is forgotten with the address", () => {
    const askers = new Askers();
    ask(askers, "192.0.2.97");
    askers.forget(VIP);
    expect(known(askers)).toEqual([]);
  });

  it("is one of 32 for an address: the oldest goes", () => {
    const askers = new Askers();
    for (let index = 0; index < 1_000; index += 1) {
      ask(askers, formatIpAddress({ family: "ipv4", value: BigInt(index) }), { nowMs: index });
    }
    expect(known(askers, 1_000)).toHaveLength(ASKERS_PER_ADDRESS);
    expect(known(askers, 1_000)[0]).toMatch(/^0\.0\.3\.231 /);
  });

  it("is one of a bounded number in all, and there is room again when addresses go", () => {
    const askers = new Askers();
    const addresses = MAX_ASKERS / ASKERS_PER_ADDRESS;
    for (let index = 0; index < addresses; index += 1) {
      for (let asker = 0; asker < ASKERS_PER_ADDRESS; asker += 1) {
        ask(askers, `198.51.100.${asker}`, { asked: `address ${index}` });
      }
    }
    ask(askers, "192.0.2.97");
    expect(known(askers)).toEqual([]);
    askers.forget("address 0");
    ask(askers, "192.0.2.97");
    expect(known(askers)).toHaveLength(1);
  });
});
