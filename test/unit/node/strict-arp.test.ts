import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findLaxInterfaces } from "../../../node/strict-arp";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "herald-strict-arp-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As /proc/sys/net/ipv4/conf: arp_ignore of each name. */
function lax(arpIgnore: Readonly<Record<string, number>>): readonly string[] {
  for (const [name, value] of Object.entries(arpIgnore)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "arp_ignore"), `${value}\n`);
  }
  return findLaxInterfaces(folder);
}

const IPVS = { all: 0, default: 0, lo: 0, "kube-ipvs0": 0 };

it("names the interfaces on which the kernel answers for kube-ipvs0", () => {
  expect(lax({ ...IPVS, eth1: 0, eth0: 0 })).toEqual(["eth0", "eth1"]);
});

it("names none with strictARP, which is arp_ignore of all", () => {
  expect(lax({ ...IPVS, all: 1, eth0: 0 })).toEqual([]);
});

it("leaves out an interface that is strict by itself", () => {
  expect(lax({ ...IPVS, eth0: 1, eth1: 0 })).toEqual(["eth1"]);
});

it("names none where kube-proxy is in another mode", () => {
  expect(lax({ all: 0, default: 0, lo: 0, eth0: 0 })).toEqual([]);
});

it("knows nothing where /proc is hidden", () => {
  expect(findLaxInterfaces(join(folder, "nothing"))).toEqual([]);
});
