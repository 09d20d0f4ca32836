/** The resources of the configuration as the API server has them: one informer a kind, cut down to what is judged. */
import type { Logger } from "pino";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
  ObjectMeta,
} from "../../lib/config/generated/resources";
import type { ConfigurationResources, NamespaceInfo } from "../../lib/config/check";
import { LEGACY_NAME_ANNOTATION } from "../../lib/config/legacy/resources";
import type { ApiReader } from "../cluster/api-client";
import type { ApiObject } from "../cluster/api-object";
import { Informer } from "../cluster/informer";

export interface ConfigurationWatchOptions {
  readonly client: ApiReader;
  readonly namespace: string;
  readonly log: Logger;
  /** Told after something changed that may change the verdict; not for a change of status alone. */
  readonly onChange: () => void;
  /** Told after the status of a pool changed, by us or by hand. */
  readonly onPoolStatus: () => void;
}

interface Resource {
  readonly metadata: ObjectMeta;
}

export class ConfigurationWatch {
  readonly #options: ConfigurationWatchOptions;
  readonly #namespaces: Informer<NamespaceInfo>;
  readonly #pools: Informer<IPAddressPool>;
  readonly #l2: Informer<L2Advertisement>;
  readonly #bgp: Informer<BGPAdvertisement>;
  readonly #peers: Informer<BGPPeer>;
  readonly #profiles: Informer<BFDProfile>;
  readonly #communities: Informer<Community>;

  constructor(options: ConfigurationWatchOptions) {
    this.#options = options;
    this.#pools = this.#informer<IPAddressPool>("v1beta1/", "ipaddresspools");
    this.#l2 = this.#informer<L2Advertisement>("v1beta1/", "l2advertisements");
    this.#bgp = this.#informer<BGPAdvertisement>("v1beta1/", "bgpadvertisements");
    this.#peers = this.#informer<BGPPeer>("v1beta2/", "bgppeers");
    this.#profiles = this.#informer<BFDProfile>("v1beta1/", "bfdprofiles");
    this.#communities = this.#informer<Community>("v1beta1/", "communities");
    this.#namespaces = new Informer<NamespaceInfo>({
      client: options.client,
      path: "/api/v1/namespaces",
      store: object => toNamespace(object as Partial<Resource>),
      onChange: (_, now, before) => this.#compare(now?.labels, before?.labels),
      log: options.log,
    });
  }

  start(): void {
    for (const informer of this.#all()) informer.start();
  }

  stop(): void {
    for (const informer of this.#all()) informer.stop();
  }

  async whenSynced(): Promise<void> {
    await Promise.all(this.#all().map(informer => informer.whenSynced()));
  }

  /** The collections that were not listed yet, in words. */
  missing(): readonly string[] {
    const names = [
      "Namespaces",
      "IPAddressPools",
      "L2Advertisements",
      "BGPAdvertisements",
      "BGPPeers",
      "BFDProfiles",
      "Communities",
    ];
    return names.filter((_, index) => this.#all()[index]?.isSynced === false);
  }

  /** Resolves once the copies are as new as the server's state at the time of the call. */
  async refresh(): Promise<void> {
    await Promise.all([this.#pools, this.#communities, this.#namespaces].map(one => one.refresh()));
  }

  pool(name: string): IPAddressPool | undefined {
    return this.#pools.get(`${this.#options.namespace}/${name}`);
  }

  pools(): Iterable<IPAddressPool> {
    return this.#pools.values();
  }

  resources(): ConfigurationResources {
    return {
      ipAddressPools: [...this.#pools.values()],
      l2Advertisements: [...this.#l2.values()],
      bgpAdvertisements: [...this.#bgp.values()],
      bgpPeers: [...this.#peers.values()],
      bfdProfiles: [...this.#profiles.values()],
      communities: [...this.#communities.values()],
      namespaces: [...this.#namespaces.values()],
    };
  }

  namespaceLabels(): ReadonlyMap<string, Readonly<Record<string, string>>> {
    const labels = [...this.#namespaces.values()].map(one => [one.name, one.labels] as const);
    return new Map(labels);
  }

  #all(): readonly Informer<unknown>[] {
    return [
      this.#namespaces,
      this.#pools,
      this.#l2,
      this.#bgp,
      this.#peers,
      this.#profiles,
      this.#communities,
    ];
  }

  #informer<Kind extends Resource & { spec?: unknown; status?: unknown }>(
    version: string,
    plural: string,
  ): Informer<Kind> {
    const { client, namespace, log } = this.#options;
    return new Informer<Kind>({
      client,
      path: `/apis/metallb.io/${version}namespaces/${namespace}/${plural}`,
      store: (object: ApiObject) => withoutManagedFields(object as unknown as Kind),
      onChange: (_, now, before) => this.#compare(judged(now), judged(before), now?.status),
      log,
    });
  }

  #compare(now: unknown, before: unknown, status?: unknown): void {
    if (JSON.stringify(now) !== JSON.stringify(before)) this.#options.onChange();
    if (status !== undefined) this.#options.onPoolStatus();
  }
}

/** The part of a resource that the verdict depends on. */
function judged(resource: (Resource & { readonly spec?: unknown }) | undefined): unknown {
  if (resource === undefined) return undefined;
  const { uid, labels, annotations, creationTimestamp } = resource.metadata;
  return [
    uid,
    labels,
    creationTimestamp,
    annotations?.[LEGACY_NAME_ANNOTATION] ?? null,
    resource.spec,
  ];
}

function withoutManagedFields<Kind extends Resource>(resource: Kind): Kind {
  const metadata: ObjectMeta & { managedFields?: unknown } = { ...resource.metadata };
  delete metadata.managedFields;
  return { ...resource, metadata };
}

function toNamespace({ metadata = {} }: Partial<Resource>): NamespaceInfo {
  return { name: metadata.name ?? "", labels: metadata.labels ?? {} };
}
