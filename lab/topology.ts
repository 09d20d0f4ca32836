/** Who is in a lab and under which addresses; pure, the same for every lab since labs do not see each other. */
import { LabError } from "./run";

/** What a host is there for. */
export type HostRole = "gateway" | "control-plane" | "node" | "router" | "client";

/** One host: a network namespace with an interface `eth0` on the lab's bridge. */
export interface Host {
  readonly name: string;
  readonly role: HostRole;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: string;
  /** Ranges of the Pods; nodes only. */
  readonly pods?: { readonly ipv4: string; readonly ipv6: string };
}

/** 192.168.1.240–254 stays free for the addresses of Services. */
export const LAN = { ipv4Prefix: "192.168.1.", ipv4Bits: 24, ipv6Prefix: "fd00:1::", ipv6Bits: 64 };
export const POD_RANGES = { ipv4: "10.244.0.0/16", ipv6: "fd00:244::/32" } as const;

const MAX_NODES = 9;

function host(name: string, role: HostRole, last: number): Host {
  return {
    name,
    role,
    ipv4: `${LAN.ipv4Prefix}${last}`,
    // The same digits as in the IPv4 address: a person compares them, nothing else does.
    ipv6: `${LAN.ipv6Prefix}${last}`,
    mac: `02:00:c0:a8:01:${last.toString(16).padStart(2, "0")}`,
  };
}

function node(number: number): Host {
  return {
    ...host(`n${number}`, "node", 10 + number),
    pods: { ipv4: `10.244.${number}.0/24`, ipv6: `fd00:244:${number}::/64` },
  };
}

/** All hosts of a lab with that many nodes (1 to 9), the gateway first. */
export function hostsOf(nodes: number): readonly Host[] {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_NODES) {
    throw new LabError("bad-nodes", `A lab has 1 to ${MAX_NODES} nodes, not ${nodes}.`);
  }
  return [
    host("gw", "gateway", 1),
    host("cp", "control-plane", 2),
    ...Array.from({ length: nodes }, (_, index) => node(index + 1)),
    host("r1", "router", 21),
    host("r2", "router", 22),
    host("client", "client", 100),
  ];
}

/**
 * Returns the name if it can name a lab: it becomes part of the names of namespaces, cgroups and folders. Throws
 * LabError otherwise.
 */
export function checkLabName(name: string): string {
  if (/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) return name;
  throw new LabError(
    "bad-name",
    `"${name}" cannot name a lab: use 1 to 20 lower-case letters, digits and dashes, beginning with a letter.`,
  );
}

/** The network namespace of a host; `lan` is the one with the bridge. */
export function namespaceName(lab: string, hostName: string): string {
  return `${lab}-${hostName}`;
}
