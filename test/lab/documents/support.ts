/** A lab in which a document is followed: its commands in order, and what its reader would see. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HERALD_NAMESPACE, HeraldInLab, type PartName } from "../../../lab/herald";
import { Lab } from "../../../lab/lab";
import { REPOSITORY } from "../../../lab/paths";
import { poll, type RunResult } from "../../../lab/run";

const LIMIT_MS = 30_000;

/** Of each log, when something was not seen. */
const LAST_LINES = 12;

export class DocumentLab {
  private constructor(
    readonly lab: Lab,
    readonly herald: HeraldInLab,
  ) {}

  /** A cluster with Herald's artefacts in place of the downloads of the document, and nothing configured. */
  static async up(name: string, nodes = 2): Promise<DocumentLab> {
    const lab = await Lab.up({ name, nodes });
    try {
      return new DocumentLab(lab, await HeraldInLab.start(lab));
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  /** A command of the document; it must succeed. Resolves with what it prints. */
  async kubectl(command: string, input?: string): Promise<string> {
    const options = input === undefined ? {} : { input };
    return (await this.lab.kubectl(command.split(" "), options)).stdout;
  }

  /** `kubectl herald convert …`, whatever its exit code. */
  async convert(command: string, input = ""): Promise<RunResult> {
    const program = join(REPOSITORY, "dist", "kubectl-herald.js");
    const argv = [process.execPath, program, "convert", ...command.split(" ")];
    return this.lab.exec("cp", argv, { check: false, input });
  }

  /** The log of a part, as `kubectl logs` prints it. */
  logs(part: PartName, node = "cp"): string {
    const name = part === "speaker" ? `${node}-speaker` : part;
    return readFileSync(this.lab.logPath(name), "utf8");
  }

  speakerLogs(): string {
    return this.lab.nodes.map(node => this.logs("speaker", node)).join("\n");
  }

  /** Resolves once the Service has an address, with it. */
  addressOf(name: string, namespace = "default"): Promise<string> {
    return this.until(`${name} has an address`, async () => {
      const path = "jsonpath={.status.loadBalancer.ingress[0].ip}";
      const { stdout } = await this.lab.kubectl([
        ...["get", "service", name, "-n", namespace, "-o", path],
      ]);
      return stdout || undefined;
    });
  }

  /** Creates Services without endpoints, and resolves with their addresses. */
  async services(names: readonly string[], annotations: object = {}): Promise<readonly string[]> {
    await this.lab.apply(names.map(name => plainService(name, annotations)));
    return Promise.all(names.map(name => this.addressOf(name)));
  }

  /** The page that the client gets from the address, as soon as it gets one. */
  page(address: string): Promise<string> {
    return this.until(`a page from ${address}`, async () => {
      const curl = ["curl", "-s", "-m", "2", `http://${address}/`];
      return (await this.lab.exec("client", curl, { check: false })).stdout || undefined;
    });
  }

  /** The hosts whose MAC addresses answer the requests of `asker`, once each. */
  async answerers(address: string, asker = "client", requests = 1): Promise<readonly string[]> {
    const argv = ["arping", "-c", String(requests), "-W", "0.3", "-i", "eth0", address];
    const { stdout } = await this.lab.exec(asker, argv, { check: false, timeoutMs: 20_000 });
    const macs = stdout.toLowerCase().match(/([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/g) ?? [];
    return [...new Set(macs.map(mac => this.#hostOf(mac)))];
  }

  async metrics(node: string): Promise<string> {
    const url = "http://127.0.0.1:9120/metrics";
    return (await this.lab.exec(node, ["curl", "-s", url])).stdout;
  }

  /** Names and specs of the objects of a kind, as `kubectl get` has them. */
  async objects(kind: string): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.kubectl(`get ${kind} -n ${HERALD_NAMESPACE} -o json`);
    const { items } = JSON.parse(text) as {
      items: readonly { metadata: { name: string }; spec: unknown }[];
    };
    return Object.fromEntries(items.map(({ metadata, spec }) => [metadata.name, spec]));
  }

  async events(kind: string, name: string, namespace: string): Promise<string> {
    const selector = `involvedObject.kind=${kind},involvedObject.name=${name}`;
    const path = "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}";
    const { stdout } = await this.lab.kubectl([
      ...["get", "events", "-n", namespace, "--field-selector", selector, "-o", path],
    ]);
    return stdout;
  }

  /** Polls until `look` finds something. */
  until<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
    const describe = (): string => `not seen: ${what}\n${this.#lastLines()}`;
    return poll(look, { timeoutMs: LIMIT_MS, everyMs: 50, describe });
  }

  /** What the controller and the speakers said last. */
  #lastLines(): string {
    const logs = [
      this.logs("controller"),
      ...this.lab.nodes.map(node => this.logs("speaker", node)),
    ];
    return logs.flatMap(log => log.trimEnd().split("\n").slice(-LAST_LINES)).join("\n");
  }

  #hostOf(mac: string): string {
    const octets = (text: string): string =>
      text
        .split(":")
        .map(octet => Number.parseInt(octet, 16))
        .join(":");
    return this.lab.hosts.find(host => octets(host.mac) === octets(mac))?.name ?? mac;
  }
}

export function plainService(name: string, annotations: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, annotations },
    spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] },
  };
}
