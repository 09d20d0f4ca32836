/**
 * The whole configuration at the moment of a review, from copies that watches keep current: eight lists for each review cost more
 * than the review (docs/adr/0003). A copy that is not current is not used: then the API server is asked.
 */
import type { Logger } from "pino";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../lib/config/resources";
import type { ApiReader } from "../cluster/api-client";
import type { ApiObject } from "../cluster/api-object";
import { Informer } from "../cluster/informer";
import {
  named,
  nodeInfo,
  readConfiguration,
  readSecrets,
  readServices,
} from "./configuration-reader";

/** What decides which of the costly lists a review needs. */
export interface ReviewedChange {
  readonly kind: string;
  readonly operation: string;
  readonly object: unknown;
  readonly oldObject?: unknown;
}

export interface LiveConfigurationOptions {
  readonly client: ApiReader;
  readonly namespace: string;
  readonly log: Logger;
}

type Copies = ReturnType<typeof createCopies>;

/** A watch that is silent for longer is given up by its informer. */
const CONTACT_LIMIT_MS = 95_000;

export class LiveConfiguration {
  readonly #options: LiveConfigurationOptions;
  readonly #copies: Copies;

  constructor(options: LiveConfigurationOptions) {
    this.#options = options;
    this.#copies = createCopies(options);
  }

  start(): void {
    for (const copy of Object.values(this.#copies)) copy.start();
  }

  stop(): void {
    for (const copy of Object.values(this.#copies)) copy.stop();
  }

  get isSynced(): boolean {
    return Object.values(this.#copies).every(copy => copy.isSynced);
  }

  /** Rejects when something that is needed cannot be read: half a configuration is not judged. */
  async read(change: ReviewedChange): Promise<ConfigurationResources> {
    const { client, namespace } = this.#options;
    const [configuration, services, secrets] = await Promise.all([
      this.#isCurrent() ? this.#fromCopies() : readConfiguration(client, namespace),
      mayTakeAddresses(change) ? readServices(client) : undefined,
      change.kind === "BGPPeer" && change.operation !== "DELETE"
        ? readSecrets(client, namespace)
        : undefined,
    ]);
    return { ...configuration, ...(services && { services }), ...(secrets && { secrets }) };
  }

  #isCurrent(): boolean {
    const oldestMs = performance.now() - CONTACT_LIMIT_MS;
    return Object.values(this.#copies).every(
      ({ isSynced, lastContactMs }) => isSynced && (lastContactMs ?? 0) > oldestMs,
    );
  }

  async #fromCopies(): Promise<ConfigurationResources> {
    await takenOver();
    const { pools, l2, bgp, peers, profiles, communities, nodes, namespaces } = this.#copies;
    return {
      ipAddressPools: [...pools.values()],
      l2Advertisements: [...l2.values()],
      bgpAdvertisements: [...bgp.values()],
      bgpPeers: [...peers.values()],
      bfdProfiles: [...profiles.values()],
      communities: [...communities.values()],
      nodes: [...nodes.values()],
      namespaces: [...namespaces.values()],
    };
  }
}

function createCopies({ client, namespace, log }: LiveConfigurationOptions) {
  const copy = <Stored>(path: string, store: (object: ApiObject) => Stored): Informer<Stored> =>
    new Informer<Stored>({ client, path, store, log });
  const own = <Stored>(version: string, plural: string): Informer<Stored> =>
    copy(
      `/apis/metallb.io/${version}/namespaces/${namespace}/${plural}`,
      object => slim(object) as Stored,
    );
  return {
    pools: own<IPAddressPool>("v1beta1", "ipaddresspools"),
    l2: own<L2Advertisement>("v1beta1", "l2advertisements"),
    bgp: own<BGPAdvertisement>("v1beta1", "bgpadvertisements"),
    peers: own<BGPPeer>("v1beta2", "bgppeers"),
    profiles: own<BFDProfile>("v1beta1", "bfdprofiles"),
    communities: own<Community>("v1beta1", "communities"),
    nodes: copy("/api/v1/nodes", nodeInfo),
    namespaces: copy("/api/v1/namespaces", named),
  };
}

/** Without what no rule looks at and may be as long as the rest. */
function slim(object: ApiObject): ApiObject {
  const metadata = { ...object.metadata, managedFields: undefined };
  return { ...object, metadata, status: undefined } as ApiObject;
}

/** Resolves after everything that had arrived before has been taken over by the copies: two turns of the event loop. */
function takenOver(): Promise<void> {
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)));
}

/** A pool that is deleted, or whose addresses change: only then it matters who holds addresses. */
function mayTakeAddresses({ kind, operation, object, oldObject }: ReviewedChange): boolean {
  if (kind !== "IPAddressPool" || operation === "CREATE") return false;
  return operation === "DELETE" || addressesOf(object) !== addressesOf(oldObject);
}

function addressesOf(object: unknown): string {
  const { spec } = (object ?? {}) as { readonly spec?: { readonly addresses?: unknown } | null };
  return JSON.stringify(spec?.addresses);
}
