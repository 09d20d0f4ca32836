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
  IPAddressPoolSpec,
  L2Advertisement,
} from "../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../lib/config/resources";
import type { ApiReader } from "../cluster/api-client";
import type { ApiObject } from "../cluster/api-object";
import {
  SERVICE_CIDRS,
  toCidrs,
  toNamed,
  toNodeInfo,
  type ServiceCidrObject,
} from "../cluster/configuration-facts";
import { Informer } from "../cluster/informer";
import { setTimeout as sleep } from "node:timers/promises";
import { AcceptedChanges, type StoredResource } from "./accepted-changes";
import { readConfiguration, readSecrets, readServices } from "./configuration-reader";

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

/** The configuration, and whether the copies are what it was taken from: a few milliseconds old then. */
export interface Reading {
  readonly resources: ConfigurationResources;
  readonly isFromCopies: boolean;
}

type Copies = ReturnType<typeof createCopies>;

/** A watch that is silent for longer is given up by its informer. */
const CONTACT_LIMIT_MS = 95_000;

/** A watch is behind by 1 to 20 ms; a list instead costs up to 100. */
const CATCH_UP_MS = 30;
const BRISK_MS = 2;

export class LiveConfiguration {
  readonly #options: LiveConfigurationOptions;
  readonly #copies: Copies;
  readonly #accepted: AcceptedChanges;

  constructor(options: LiveConfigurationOptions) {
    this.#options = options;
    this.#copies = createCopies(options);
    this.#accepted = new AcceptedChanges(
      (kind, name) => this.#findCopy(kind, name),
      () => performance.now(),
    );
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

  /** From the copies when they are current. Rejects when something that is needed cannot be read: half a configuration is not judged. */
  async read(change: ReviewedChange): Promise<Reading> {
    await takenOver();
    const isFromCopies = this.#isCurrent() && (await this.#isCaughtUp());
    const resources = isFromCopies ? this.#fromCopies() : this.#list();
    return { isFromCopies, resources: await this.#complete(change, resources) };
  }

  /** From the API server, whatever the copies are: everything that was stored before is in it. */
  readStored(change: ReviewedChange): Promise<ConfigurationResources> {
    return this.#complete(change, this.#list());
  }

  /** To be told of each change that is let through, before it is answered: what follows is judged beside it. */
  noteAccepted(change: ReviewedChange): void {
    this.#accepted.note(change);
  }

  #list(): Promise<ConfigurationResources> {
    const { client, namespace } = this.#options;
    return readConfiguration(client, namespace);
  }

  async #complete(
    change: ReviewedChange,
    resources: ConfigurationResources | Promise<ConfigurationResources>,
  ): Promise<ConfigurationResources> {
    const { client, namespace } = this.#options;
    const [configuration, services, secrets] = await Promise.all([
      resources,
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

  /** Waits for a moment until the copies show what was let through; false when they do not. */
  async #isCaughtUp(): Promise<boolean> {
    const begunMs = performance.now();
    while (!this.#accepted.areShown()) {
      const waitedMs = performance.now() - begunMs;
      if (waitedMs > CATCH_UP_MS) return false;
      // Mostly it is a matter of one turn; a timer takes a millisecond at least.
      await (waitedMs < BRISK_MS ? takenOver() : sleep(1));
    }
    return true;
  }

  #fromCopies(): ConfigurationResources {
    const copies = this.#copies;
    return {
      ipAddressPools: [...copies.IPAddressPool.values()],
      l2Advertisements: [...copies.L2Advertisement.values()],
      bgpAdvertisements: [...copies.BGPAdvertisement.values()],
      bgpPeers: [...copies.BGPPeer.values()],
      bfdProfiles: [...copies.BFDProfile.values()],
      communities: [...copies.Community.values()],
      nodes: [...copies.nodes.values()],
      namespaces: [...copies.namespaces.values()],
      serviceCidrs: [...copies.serviceCidrs.values()].flat(),
    };
  }

  #findCopy(kind: string, name: string): StoredResource | undefined {
    if (!Object.hasOwn(this.#copies, kind)) return undefined;
    const copy = this.#copies[kind as keyof Copies];
    return copy.get(`${this.#options.namespace}/${name}`) as StoredResource | undefined;
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
    IPAddressPool: own<IPAddressPool>("v1beta1", "ipaddresspools"),
    L2Advertisement: own<L2Advertisement>("v1beta1", "l2advertisements"),
    BGPAdvertisement: own<BGPAdvertisement>("v1beta1", "bgpadvertisements"),
    BGPPeer: own<BGPPeer>("v1beta2", "bgppeers"),
    BFDProfile: own<BFDProfile>("v1beta1", "bfdprofiles"),
    Community: own<Community>("v1beta1", "communities"),
    nodes: copy("/api/v1/nodes", toNodeInfo),
    namespaces: copy("/api/v1/namespaces", toNamed),
    serviceCidrs: new Informer({
      client,
      path: SERVICE_CIDRS,
      store: object => toCidrs(object as ServiceCidrObject),
      isOptional: true,
      log,
    }),
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

/** A pool that is deleted, or that may give its addresses to others than before: only then it matters who holds them. */
function mayTakeAddresses({ kind, operation, object, oldObject }: ReviewedChange): boolean {
  if (kind !== "IPAddressPool" || operation === "CREATE") return false;
  return operation === "DELETE" || termsOf(object) !== termsOf(oldObject);
}

function termsOf(object: unknown): string {
  const { spec } = (object ?? {}) as { readonly spec?: Partial<IPAddressPoolSpec> | null };
  return JSON.stringify([spec?.addresses, spec?.avoidBuggyIPs ?? false, spec?.serviceAllocation]);
}
