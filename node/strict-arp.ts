/**
 * Where the kernel answers ARP for addresses of Services itself: kube-proxy in IPVS mode gives each of them to the interface
 * kube-ipvs0 of every node, and without strictARP the kernel answers for them on all others. IPv6 knows no such answers.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SETTINGS = "/proc/sys/net/ipv4/conf";
const IPVS_INTERFACE = "kube-ipvs0";

/** No interfaces that a request comes in by. */
const OTHERS = new Set(["all", "default", "lo", IPVS_INTERFACE]);

/**
 * Names of the interfaces on which the kernel answers for kube-ipvs0, sorted: those where arp_ignore is 0, for the interface and for
 * all (the greater one counts). None without kube-ipvs0.
 */
export function findLaxInterfaces(settings = SETTINGS): readonly string[] {
  const names = readNames(settings);
  if (!names.includes(IPVS_INTERFACE) || arpIgnore(settings, "all") !== 0) return [];
  return names.filter(name => !OTHERS.has(name) && arpIgnore(settings, name) === 0).sort();
}

function readNames(settings: string): readonly string[] {
  try {
    return readdirSync(settings);
  } catch {
    // Where /proc is hidden nothing is known, and nothing is said.
    return [];
  }
}

/** Undefined when the interface is gone meanwhile. */
function arpIgnore(settings: string, name: string): number | undefined {
  try {
    return Number(readFileSync(join(settings, name, "arp_ignore"), "utf8"));
  } catch {
    return undefined;
  }
}
