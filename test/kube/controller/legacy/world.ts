/** A real API server with admission away, a controller that follows ConfigMaps, and the verbs of the legacy cases. */
import { isDeepStrictEqual } from "node:util";
import { Controller } from "../../../../capabilities/controller/controller";
import { ownIdentity } from "../../../../capabilities/controller/leadership";
import { ApiClient } from "../../../../capabilities/cluster/api-client";
import { isNotFound } from "../../../../capabilities/cluster/api-error";
import { recordingLog, startTestCluster, until, type TestCluster } from "../../cluster/support";
import { addressesOf, NAMESPACE, servicePath, toService, type StoredService } from "../world";
import type { ServiceSpec } from "../world";

const LIMIT_MS = 15_000;
const API = "/apis/metallb.io/v1beta1";

/** Collections by the word that kubectl knows. */
const KINDS = {
  pools: `${API}/namespaces/${NAMESPACE}/ipaddresspools`,
  l2: `${API}/namespaces/${NAMESPACE}/l2advertisements`,
  bgp: `${API}/namespaces/${NAMESPACE}/bgpadvertisements`,
  peers: `/apis/metallb.io/v1beta2/namespaces/${NAMESPACE}/bgppeers`,
  bfd: `${API}/namespaces/${NAMESPACE}/bfdprofiles`,
  communities: `${API}/namespaces/${NAMESPACE}/communities`,
} as const;

export type Kind = keyof typeof KINDS;

interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

interface StoredEvent {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

export class LegacyWorld {
  readonly cluster: TestCluster;
  #controller: Controller | undefined;
  /** What controllers of this world logged, as JSON lines. */
  lines: readonly string[] = [];

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  static async start(): Promise<LegacyWorld> {
    const cluster = await startTestCluster();
    await cluster.server.kubectl(["apply", "-f", "crds"]);
    for (const name of [NAMESPACE, "ns1"]) {
      await cluster.client.post("/api/v1/namespaces", { metadata: { name } });
    }
    return new LegacyWorld(cluster);
  }

  get client(): ApiClient {
    return this.cluster.client;
  }

  async end(): Promise<void> {
    await this.stopController();
    await this.cluster.end();
  }

  async startController(): Promise<void> {
    const { access } = this.cluster;
    const { log, lines } = recordingLog();
    this.lines = lines;
    const controller = new Controller({
      client: new ApiClient(access),
      sideClient: new ApiClient(access, { maxSockets: 4 }),
      namespace: NAMESPACE,
      lbClass: "",
      podName: undefined,
      reservationMs: 0,
      identity: ownIdentity(),
      legacyConfigMaps: ["config", "metallb"],
      log,
    });
    this.#controller = controller;
    await controller.start();
    await until("it reigns", LIMIT_MS, () => controller.poolsInForce !== undefined);
  }

  async stopController(): Promise<void> {
    await this.#controller?.stop();
    this.#controller = undefined;
  }

  /** Takes everything away again. */
  async clear(): Promise<void> {
    await this.deleteConfigMap("config");
    await this.deleteConfigMap("metallb");
    for (const kind of ["l2", "bgp", "peers", "pools", "bfd", "communities"] as const) {
      for (const { metadata } of await this.list(kind)) await this.delete(kind, metadata.name);
    }
    for (const { metadata } of await this.services()) {
      await this.client.delete(servicePath(metadata.name, "ns1"));
    }
    const { items } = await this.client.get<{ items: StoredEvent[] & Stored[] }>(
      `/api/v1/namespaces/${NAMESPACE}/events`,
    );
    for (const { metadata } of items as Stored[]) {
      await this.client.delete(`/api/v1/namespaces/${NAMESPACE}/events/${metadata.name}`);
    }
  }

  /** A policy of the cluster, as its administrator may have, refuses pools with this range; resolves when it is in force. */
  async refusePools(range: string): Promise<void> {
    const metadata = { name: "no-such-pools" };
    const group = "/apis/admissionregistration.k8s.io/v1";
    await this.client.post(`${group}/validatingadmissionpolicies`, {
      metadata,
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["metallb.io"],
              apiVersions: ["*"],
              operations: ["CREATE", "UPDATE"],
              resources: ["ipaddresspools"],
            },
          ],
        },
        validations: [
          {
            expression: `!("${range}" in object.spec.addresses)`,
            message: "not in this cluster",
          },
        ],
      },
    });
    await this.client.post(`${group}/validatingadmissionpolicybindings`, {
      metadata,
      spec: { policyName: metadata.name, validationActions: ["Deny"] },
    });
    const pool = {
      apiVersion: "metallb.io/v1beta1",
      kind: "IPAddressPool",
      metadata: { name: "refused" },
      spec: { addresses: [range] },
    };
    await until("the policy is in force", LIMIT_MS, async () => {
      const path = `${KINDS.pools}?dryRun=All`;
      const refusal = await this.client.post(path, pool).then(
        () => "",
        (error: unknown) => String(error),
      );
      return refusal.includes("not in this cluster");
    });
  }

  /** As `kubectl apply` of the ConfigMap. */
  async configMap(config: string, name = "config"): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/${name}`;
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { config } };
    await this.client.patch(path, body, {
      contentType: "application/apply-patch+yaml",
      query: { fieldManager: "kubectl", force: true },
    });
  }

  async deleteConfigMap(name = "config"): Promise<void> {
    await this.#deleteIfThere(`/api/v1/namespaces/${NAMESPACE}/configmaps/${name}`);
  }

  async list(kind: Kind): Promise<readonly Stored[]> {
    return (await this.client.get<{ items: Stored[] }>(KINDS[kind])).items;
  }

  async delete(kind: Kind, name: string): Promise<void> {
    await this.#deleteIfThere(`${KINDS[kind]}/${name}`);
  }

  /** As an edit of a user by `kubectl edit`. */
  async edit(kind: Kind, name: string, spec: object): Promise<void> {
    await this.client.patch(
      `${KINDS[kind]}/${name}`,
      { spec },
      { query: { fieldManager: "edit" } },
    );
  }

  async create(kind: Kind, name: string, spec: object): Promise<void> {
    await this.client.post(KINDS[kind], { metadata: { name }, spec, ...TYPES[kind] });
  }

  /** Resolves once the objects of the kind are exactly these, by name with their specs. */
  async expectObjects(kind: Kind, wanted: Readonly<Record<string, object>>): Promise<void> {
    let seen: unknown;
    const isSo = async (): Promise<boolean> => {
      const objects = await this.list(kind);
      seen = Object.fromEntries(objects.map(({ metadata, spec }) => [metadata.name, spec]));
      return isDeepStrictEqual(seen, wanted);
    };
    await this.until(`${kind} are ${JSON.stringify(wanted)}`, isSo, () => seen);
  }

  async service(name: string, spec: ServiceSpec = {}): Promise<void> {
    await this.client.post(servicePath("", "ns1"), toService(name, spec));
  }

  async services(): Promise<readonly StoredService[]> {
    const path = servicePath("", "ns1");
    return (await this.client.get<{ items: StoredService[] }>(path)).items;
  }

  async setIngress(name: string, ip: string): Promise<void> {
    const status = { loadBalancer: { ingress: [{ ip }] } };
    await this.client.patch(`${servicePath(name, "ns1")}/status`, { status });
  }

  async addressOf(name: string): Promise<string> {
    return addressesOf(await this.client.get(servicePath(name, "ns1"))).join();
  }

  /** Resolves once the Service has the address; "" is none. */
  async expectAddress(name: string, address: string): Promise<void> {
    let seen = "";
    const isSo = async (): Promise<boolean> => (seen = await this.addressOf(name)) === address;
    await this.until(`${name} has ${address}`, isSo, () => seen);
  }

  /** Resolves with the message of the newest event with this reason about the object. */
  async expectEvent(about: string, reason: string, text = ""): Promise<string> {
    let found: readonly StoredEvent[] = [];
    const isSo = async (): Promise<boolean> => {
      const path = `/api/v1/namespaces/${NAMESPACE}/events`;
      const { items } = await this.client.get<{ items: StoredEvent[] }>(path);
      found = items.filter(({ involvedObject: { kind, name } }) => `${kind}/${name}` === about);
      return found.some(event => event.reason === reason && event.message.includes(text));
    };
    await this.until(`event ${reason} "${text}" about ${about}`, isSo, () => found);
    return found.findLast(event => event.reason === reason)?.message ?? "";
  }

  async serviceEvents(name: string): Promise<readonly string[]> {
    const path = "/api/v1/namespaces/ns1/events";
    const { items } = await this.client.get<{ items: StoredEvent[] }>(path);
    return items
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Resolves once ConfigurationState says this, and its summary holds the text. */
  async expectState(result: "Valid" | "Invalid", text = ""): Promise<void> {
    let seen: unknown;
    const isSo = async (): Promise<boolean> => {
      const path = `${API}/namespaces/${NAMESPACE}/configurationstates/controller`;
      const state = await this.client
        .get<{ status?: { result?: string; errorSummary?: string } }>(path)
        .catch((error: unknown) => {
          if (isNotFound(error)) return {};
          throw error;
        });
      const { status } = state as { status?: { result?: string; errorSummary?: string } };
      seen = status;
      return status?.result === result && (status.errorSummary ?? "").includes(text);
    };
    await this.until(`the state is ${result} with "${text}"`, isSo, () => seen);
  }

  async until(
    what: string,
    isSo: () => boolean | Promise<boolean>,
    seen: () => unknown = () => "",
  ): Promise<void> {
    try {
      await until(what, LIMIT_MS, isSo);
    } catch (cause) {
      const logged = this.lines.slice(-15).join("");
      throw new Error(`${String(cause)}; seen: ${JSON.stringify(seen())}\n${logged}`, { cause });
    }
  }

  async #deleteIfThere(path: string): Promise<void> {
    try {
      await this.client.delete(path);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const TYPES: Readonly<Record<Kind, object>> = {
  pools: { apiVersion: "metallb.io/v1beta1", kind: "IPAddressPool" },
  l2: { apiVersion: "metallb.io/v1beta1", kind: "L2Advertisement" },
  bgp: { apiVersion: "metallb.io/v1beta1", kind: "BGPAdvertisement" },
  peers: { apiVersion: "metallb.io/v1beta2", kind: "BGPPeer" },
  bfd: { apiVersion: "metallb.io/v1beta1", kind: "BFDProfile" },
  communities: { apiVersion: "metallb.io/v1beta1", kind: "Community" },
};
