/** The Debian packages of the routers that tests and benches talk to; the lab itself does without them. */
import { existsSync } from "node:fs";
import { findCommand, installPackages } from "../packages";

/** A router's package and the programs that show that it is there. */
const ROUTERS = {
  bird: { package: "bird2", programs: ["/usr/sbin/bird", "/usr/sbin/birdc"] },
  frr: { package: "frr", programs: ["/usr/lib/frr/zebra", "/usr/lib/frr/bfdd", "/usr/bin/vtysh"] },
  gobgp: { package: "gobgpd", programs: ["gobgpd", "gobgp"] },
  exabgp: { package: "exabgp", programs: ["exabgp"] },
} as const;

export type RouterName = keyof typeof ROUTERS;

/** Guarantees that the routers are installed; needs root on Debian if one is not. */
export async function ensureRouters(names: readonly RouterName[]): Promise<void> {
  const missing = names
    .map(name => ROUTERS[name])
    .filter(({ programs }) => !programs.every(isThere));
  if (missing.length > 0) await installPackages(missing.map(each => each.package));
}

function isThere(program: string): boolean {
  return program.startsWith("/") ? existsSync(program) : findCommand(program) !== undefined;
}
