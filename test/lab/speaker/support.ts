/** A lab with speakers and nothing else of Herald: Services get their addresses by hand, so that only announcing is tested. */
import { join } from "node:path";
import type { LabProcess } from "../../../lab/host-process";
import type { Lab } from "../../../lab/lab";
import { REPOSITORY } from "../../../lab/paths";
import { poll } from "../../../lab/run";
import { rankCandidates } from "../../../lib/announcement/election";
import {
  assignAddress,
  LabSpeakers,
  metallb,
  NAMESPACE,
  preparedLab,
} from "../../support/lab-speakers";

export class SpeakerLab {
  readonly #speakers: LabSpeakers;

  private constructor(readonly lab: Lab) {
    this.#speakers = new LabSpeakers(lab);
  }

  /** Three Ready nodes with a speaker each, one pool of both families and one advertisement of everything. */
  static async up(name: string): Promise<SpeakerLab> {
    return preparedLab(name, async lab => {
      const world = new SpeakerLab(lab);
      await world.#prepare();
      return world;
    });
  }

  async #prepare(): Promise<void> {
    await this.lab.kubectl(["apply", "-f", join(REPOSITORY, "crds")]);
    await this.lab.kubectl([
      ...["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"],
    ]);
    await this.lab.kubectl(["create", "namespace", NAMESPACE]);
    await this.lab.apply([
      metallb("IPAddressPool", "lan", {
        addresses: ["192.168.1.240/28", "fd00:1::f0-fd00:1::ff"],
      }),
      metallb("L2Advertisement", "lan", {}),
    ]);
    await this.#speakers.startAll();
  }

  /** The speaker started last on each node, by node. */
  get speakers(): ReadonlyMap<string, LabProcess> {
    return this.#speakers.processes;
  }

  start(node: string): LabProcess {
    return this.#speakers.start(node);
  }

  async whenReady(): Promise<void> {
    await this.#speakers.whenReady();
  }

  /** A Service without Pods: its endpoints are on the nodes named, its address is given by hand. */
  async createService(name: string, given: ServiceSettings): Promise<void> {
    const isIpv6 = given.address.includes(":");
    await this.lab.apply([
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "default" },
        spec: {
          type: "LoadBalancer",
          externalTrafficPolicy: given.policy ?? "Cluster",
          ipFamilies: [isIpv6 ? "IPv6" : "IPv4"],
          ipFamilyPolicy: "SingleStack",
          ports: [{ port: 80 }],
        },
      },
      this.#slice(name, given.endpointsOn, isIpv6),
    ]);
    await assignAddress(this.lab, name, given.address);
  }

  #slice(name: string, nodes: readonly string[], isIpv6: boolean): object {
    const endpoints = nodes.map((nodeName, index) => ({
      addresses: [isIpv6 ? `fd00:244::${index + 5}` : `10.244.0.${index + 5}`],
      nodeName,
      conditions: { ready: true },
    }));
    return {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name,
        namespace: "default",
        labels: { "kubernetes.io/service-name": name },
      },
      addressType: isIpv6 ? "IPv6" : "IPv4",
      endpoints,
      ports: [{ port: 80 }],
    };
  }

  /** The nodes in election order for an address: the first announces it while all of them live. */
  order(address: string, nodes: readonly string[] = this.lab.nodes): readonly string[] {
    const candidates = nodes.map(nodeName => ({ nodeName, score: 0 }));
    return rankCandidates(candidates, address).map(({ nodeName }) => nodeName);
  }

  /** Names of the nodes that answer the client's next request for an address, once each. */
  async answers(address: string): Promise<readonly string[]> {
    const argv = address.includes(":")
      ? ["ndisc6", "-r", "1", "-w", "200", address, "eth0"]
      : ["arping", "-c", "1", "-W", "0.1", "-i", "eth0", address];
    const { stdout } = await this.lab.exec("client", argv, { check: false, timeoutMs: 5_000 });
    const macs = stdout.toLowerCase().match(/([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/g) ?? [];
    return [...new Set(macs)].map(mac => this.#nodeOf(mac));
  }

  /** Resolves with the milliseconds until exactly the wanted node answered. */
  async untilAnswers(address: string, wanted: string, timeoutMs: number): Promise<number> {
    const startMs = performance.now();
    let last: readonly string[] = [];
    await poll(
      async () => {
        last = await this.answers(address);
        return last.length === 1 && last[0] === wanted ? true : undefined;
      },
      {
        timeoutMs,
        everyMs: 10,
        describe: () =>
          `${address} is answered by ${last.join(", ") || "nobody"} instead of ${wanted}`,
      },
    );
    return performance.now() - startMs;
  }

  /** The nodes that the ServiceL2Status objects of a Service name. */
  async statusNodes(service: string): Promise<readonly string[]> {
    const { stdout } = await this.lab.kubectl([
      ...["get", "servicel2statuses", "-n", NAMESPACE, "-o", "jsonpath={.items[*].status.node}"],
      ...["-l", `metallb.io/service-name=${service}`],
    ]);
    return stdout.split(" ").filter(text => text !== "");
  }

  async untilStatusNames(service: string, node: string, timeoutMs = 10_000): Promise<void> {
    let last: readonly string[] = [];
    await poll(
      async () => {
        last = await this.statusNodes(service);
        return last.length === 1 && last[0] === node ? true : undefined;
      },
      {
        timeoutMs,
        describe: () => `the statuses of ${service} name ${last.join(", ")} instead of ${node}`,
      },
    );
  }

  #nodeOf(mac: string): string {
    const octets = (text: string): string =>
      text
        .split(":")
        .map(octet => Number.parseInt(octet, 16))
        .join(":");
    return this.lab.hosts.find(host => octets(host.mac) === octets(mac))?.name ?? mac;
  }
}

export interface ServiceSettings {
  readonly address: string;
  readonly endpointsOn: readonly string[];
  readonly policy?: "Cluster" | "Local";
}
