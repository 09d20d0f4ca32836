/** What a person wants to know about a running lab. */
import { PARTS } from "./cluster-parts";
import type { Lab } from "./lab";
import { nodeStates } from "./readiness";
import { processesIn, programOf } from "./teardown";
import type { Host } from "./topology";

/** A few lines about the lab: its hosts, what runs, how to get in. */
export async function describeLab(lab: Lab): Promise<string> {
  const ready = new Map((await nodeStates(lab)).map(state => [state.name, state.isReady]));
  const rows = lab.hosts.map(host => [
    host.name,
    host.ipv4,
    host.ipv6,
    lab.netns(host.name),
    describeHost(lab, host, ready.get(host.name)),
  ]);
  const rest = [
    `kubeconfig: ${lab.kubeconfig} (reachable from the hosts)`,
    `logs: ${lab.directory}/logs`,
    `Look around: npm run lab -- --name ${lab.name} kubectl get pods -A`,
    `             npm run lab -- shell client --name ${lab.name}`,
  ];
  return `Lab ${lab.name}\n${table([["HOST", "IPV4", "IPV6", "NETNS", "STATE"], ...rows])}${rest.join("\n")}\n`;
}

function describeHost(lab: Lab, host: Host, isReady: boolean | undefined): string {
  if (host.role === "node") {
    if (!lab.isPowered(host.name)) return "node, powered off";
    return isReady === true ? "node, Ready" : "node, not Ready";
  }
  if (host.role !== "control-plane") return host.role;
  const running = new Set(processesIn([lab.netns(host.name)]).map(id => programOf(id.pid)));
  const dead = PARTS.filter(part => !running.has(part));
  return dead.length === 0 ? "control plane" : `control plane, not running: ${dead.join(", ")}`;
}

/** Rows in columns, two blanks between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map(row => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return rows.map(row => `${line(row)}\n`).join("");
}
