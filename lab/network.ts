/**
 * The lab's network: one namespace with a bridge (the switch), one per host with a veth as its cable.
 *
 *   a-lan: br0 ── v-gw │ v-cp │ v-n1 … │ v-r1 │ v-r2 │ v-client          other end: eth0 in a-gw, a-cp, a-n1 …
 *
 * Everything is in namespaces of the lab, so nothing here can meet another lab or the machine's network.
 */
import { existsSync } from "node:fs";
import { run, settleAll } from "./run";
import type { Host } from "./topology";
import { LAN, namespaceName, POD_RANGES } from "./topology";

/** The file that names a network namespace. */
export function namespacePath(namespace: string): string {
  return `/run/netns/${namespace}`;
}

/** The end of a host's cable in the switch. */
function cableName(hostName: string): string {
  return `v-${hostName}`;
}

/** The script that makes a switch of the namespace it runs in. */
export function switchScript(): string {
  return `set -e
${sysctl("net/bridge/bridge-nf-call-iptables", 0)}
${sysctl("net/bridge/bridge-nf-call-ip6tables", 0)}
${sysctl("net/ipv6/conf/default/disable_ipv6", 1)}
ip -batch - <<.
link set lo up
link add br0 type bridge mcast_snooping 0
link set br0 up
.
`;
}

/** The script that gives a host its addresses and routes, run in its namespace when its cable is there. */
export function hostScript(host: Host, all: readonly Host[]): string {
  const gateway = all.find(other => other.role === "gateway");
  const isGateway = host.role === "gateway";
  const forwards = host.role !== "client";
  const routes = isGateway || gateway === undefined ? [] : defaultRoutes(gateway);
  return `set -e
${["all", "default", "eth0"].map(name => sysctl(`net/ipv6/conf/${name}/disable_ipv6`, 0)).join("\n")}
${["all", "default", "eth0"].map(name => sysctl(`net/ipv6/conf/${name}/accept_dad`, 0)).join("\n")}
${["all", "default", "eth0"].map(name => sysctl(`net/ipv6/conf/${name}/accept_ra`, 0)).join("\n")}
${["all", "default", "eth0"].map(name => sysctl(`net/ipv4/conf/${name}/send_redirects`, 0)).join("\n")}
${sysctl("net/ipv4/ip_forward", forwards ? 1 : 0)}
${sysctl("net/ipv6/conf/all/forwarding", forwards ? 1 : 0)}
ip -batch - <<.
link set lo up
addr add ${host.ipv4}/${LAN.ipv4Bits} brd + dev eth0
addr add ${host.ipv6}/${LAN.ipv6Bits} dev eth0 nodad
link set eth0 up
${[...routes, ...podRoutes(host, all)].join("\n")}
.
${host.role === "node" ? masquerade() : ""}`;
}

function sysctl(path: string, value: number): string {
  return `[ ! -e /proc/sys/${path} ] || echo ${value} >/proc/sys/${path}`;
}

function defaultRoutes(gateway: Host): string[] {
  return [
    `route add default via ${gateway.ipv4} dev eth0`,
    `route add default via ${gateway.ipv6} dev eth0`,
  ];
}

/** The gateway, the control plane and the nodes know where Pods are; clients and routers do not. */
function podRoutes(host: Host, all: readonly Host[]): string[] {
  if (host.role === "client" || host.role === "router") return [];
  return all.flatMap(other =>
    other.pods === undefined || other.name === host.name
      ? []
      : [
          `route add ${other.pods.ipv4} via ${other.ipv4} dev eth0`,
          `route add ${other.pods.ipv6} via ${other.ipv6} dev eth0`,
        ],
  );
}

function masquerade(): string {
  const rule = (command: string, range: string) =>
    `${command} -w -t nat -A POSTROUTING -s ${range} ! -d ${range} -j MASQUERADE`;
  return `${rule("iptables", POD_RANGES.ipv4)}\n${rule("ip6tables", POD_RANGES.ipv6)}\n`;
}

/** Builds the switch and all hosts of a lab. The namespaces must not exist. */
export async function buildNetwork(lab: string, hosts: readonly Host[]): Promise<void> {
  const lan = namespaceName(lab, "lan");
  const names = [lan, ...hosts.map(host => namespaceName(lab, host.name))];
  await run(["ip", "-batch", "-"], { input: names.map(name => `netns add ${name}\n`).join("") });
  await runIn(lan, switchScript());
  await run(["ip", "-n", lan, "-batch", "-"], {
    input: hosts.map(host => plugLines(lab, host)).join(""),
  });
  await settleAll(hosts.map(host => runIn(namespaceName(lab, host.name), hostScript(host, hosts))));
}

/** Builds one host that was removed, with the same addresses and the same MAC. */
export async function buildHost(lab: string, host: Host, hosts: readonly Host[]): Promise<void> {
  const namespace = namespaceName(lab, host.name);
  await run(["ip", "netns", "add", namespace]);
  await run(["ip", "-n", namespaceName(lab, "lan"), "-batch", "-"], {
    input: plugLines(lab, host),
  });
  await runIn(namespace, hostScript(host, hosts));
}

/** Takes the cable of a host out of the switch for good: both ends vanish at once. */
export async function removeCable(lab: string, hostName: string): Promise<void> {
  const lan = namespaceName(lab, "lan");
  await run(["ip", "-n", lan, "link", "del", cableName(hostName)], { check: false });
}

/** Sets the switch's end of a host's cable up or down: the host loses or gets carrier. */
export async function setCable(lab: string, hostName: string, state: "up" | "down"): Promise<void> {
  await run(["ip", "-n", namespaceName(lab, "lan"), "link", "set", cableName(hostName), state]);
}

/** Removes namespaces; those that are not there are passed over. */
export async function removeNamespaces(namespaces: readonly string[]): Promise<void> {
  const present = namespaces.filter(name => existsSync(namespacePath(name)));
  if (present.length === 0) return;
  await run(["ip", "-force", "-batch", "-"], {
    input: present.map(name => `netns del ${name}\n`).join(""),
    check: false,
  });
}

function plugLines(lab: string, host: Host): string {
  const cable = cableName(host.name);
  const peer = `peer name eth0 address ${host.mac} netns ${namespaceName(lab, host.name)}`;
  return `link add ${cable} type veth ${peer}\nlink set ${cable} master br0 up\n`;
}

async function runIn(namespace: string, script: string): Promise<void> {
  await run(["nsenter", `--net=${namespacePath(namespace)}`, "sh"], { input: script });
}
