/**
 * One node with any number of Services that have an IPv4 and an IPv6 address each, all written by hand: no controller, no webhook and
 * no kube-proxy takes part.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { PAUSE_IMAGE } from "../lab/images";
import type { Lab } from "../lab/lab";
import { REPOSITORY } from "../lab/paths";

export const NAMESPACE = "metallb-system";
/** The first Service's addresses; those of the others follow. */
export const FIRST_IPV4 = "10.50.0.0";
export const FIRST_IPV6 = "fd00:50::1";
export const KERNEL_IPV4 = "192.168.1.250";

export class ArpWorld {
  readonly #lab: Lab;
  #services = 0;

  private constructor(lab: Lab) {
    this.#lab = lab;
  }

  static async prepare(lab: Lab): Promise<ArpWorld> {
    const folder = join(REPOSITORY, "crds");
    const files = readdirSync(folder).filter(file => file.endsWith(".yaml"));
    const input = files.map(file => readFileSync(join(folder, file), "utf8")).join("\n---\n");
    await lab.kubectl(["apply", "--server-side", "-f", "-"], { input });
    await lab.kubectl(["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"]);
    await lab.kubectl(["create", "namespace", NAMESPACE]);
    await lab.apply([
      resource("IPAddressPool", { addresses: ["10.50.0.0/16", "fd00:50::/112"] }),
      resource("L2Advertisement", { ipAddressPools: ["bench"] }),
    ]);
    // MetalLB's speaker wants to see its own Pod.
    const image = [`--image=${PAUSE_IMAGE}`, "--image-pull-policy=IfNotPresent"];
    await lab.kubectl(["run", "speaker", "-n", NAMESPACE, ...image]);
    await lab.exec("n1", ["ip", "addr", "add", `${KERNEL_IPV4}/32`, "dev", "eth0"]);
    return new ArpWorld(lab);
  }

  /** Makes Services until there are that many; from inside the lab, where its API server is. */
  async grow(services: number): Promise<void> {
    const program = join(REPOSITORY, "bench", "arp-services.ts");
    const argv = [
      process.execPath,
      "--import",
      "tsx",
      program,
      String(this.#services),
      String(services),
    ];
    await this.#lab.exec("cp", argv, { cwd: REPOSITORY });
    this.#services = services;
  }
}

function resource(kind: string, spec: object): object {
  return {
    apiVersion: "metallb.io/v1beta1",
    kind,
    metadata: { name: "bench", namespace: NAMESPACE },
    spec,
  };
}
