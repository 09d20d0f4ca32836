import { expect, it } from "vitest";
import { findNeighborMac, parseNeighborMac } from "../../../node/bfd-echo-link";
import { mac } from "../../support/frames";

const TABLE = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.2        0x1         0x2         02:00:5e:00:53:02     *        eth0
192.0.2.2        0x1         0x2         02:00:5e:00:53:07     *        eth1
192.0.2.3        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.4        0x1         0x6         02:00:5e:00:53:04     *        eth0
`;

it("finds who answered on the interface", () => {
  expect(parseNeighborMac(TABLE, "192.0.2.2", "eth0")).toEqual(mac("02:00:5e:00:53:02"));
  expect(parseNeighborMac(TABLE, "192.0.2.2", "eth1")).toEqual(mac("02:00:5e:00:53:07"));
  expect(parseNeighborMac(TABLE, "192.0.2.4", "eth0")).toEqual(mac("02:00:5e:00:53:04"));
});

it("finds nobody who did not answer, or in a table that is none", () => {
  expect(parseNeighborMac(TABLE, "192.0.2.3", "eth0")).toBeUndefined();
  expect(parseNeighborMac(TABLE, "192.0.2.9", "eth0")).toBeUndefined();
  expect(parseNeighborMac("", "192.0.2.2", "eth0")).toBeUndefined();
  expect(findNeighborMac("192.0.2.2", "eth0", "/nonexistent")).toBeUndefined();
});
