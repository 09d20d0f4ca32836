/**
 * What this speaker sees of the cluster: five informers, cut down to what announcing reads, and the endpoints gathered by
 * Service. It says what changed and judges nothing. When the API server is away it keeps what it saw last.
 */
import type { Logger } from "pino";
import { mergeEndpointSummaries, NO_ENDPOINTS } from "../../lib/announcement/endpoints";
import type { EndpointSummary } from "../../lib/announcement/snapshot";
import type {
  IPAddressPool,
  L2Advertisement,
  ObjectMeta,
} from "../../lib/config/generated/resources";
import type { ApiReader } from "../cluster/api-client";
import type { ApiObject } from "../cluster/api-object";
import { Informer } from "../cluster/informer";
import {
  toNodeFacts,
  toServiceFacts,
  toSliceFacts,
  type SliceFacts,
  type SpeakerNode,
  type SpeakerService,
} from "./cluster-facts";

/** What may have changed; a Service by its key, the others as a whole. */
export type ClusterChange =
  | { readonly type: "service"; readonly key: string }
  | { readonly type: "nodes" }
  | { readonly type: "configuration" };

/** The cluster as it was last seen: what the announcer plans from. */
export interface ClusterView {
  services(): Iterable<SpeakerService>;
  service(key: string): SpeakerService | undefined;
  endpointsOf(key: string): EndpointSummary;
  nodes(): Iterable<SpeakerNode>;
  ipAddressPools(): readonly IPAddressPool[];
  l2Advertisements(): readonly L2Advertisement[];
}

export interface ClusterStateOptions {
  readonly client: ApiReader;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly log: Logger;
  /** Called synchronously after the view changed. */
  readonly onChange: (change: ClusterChange) => void;
}

export class ClusterState implements ClusterView {
  readonly #services: Informer<SpeakerService>;
  readonly #slices: Informer<SliceFacts>;
  readonly #nodes: Informer<SpeakerNode>;
  readonly #pools: Informer<IPAddressPool>;
  readonly #advertisements: Informer<L2Advertisement>;
  readonly #slicesByService = new Map<string, Map<string, EndpointSummary>>();
  readonly #onChange: (change: ClusterChange) => void;

  constructor(options: ClusterStateOptions) {
    const { client, log } = options;
    this.#onChange = options.onChange;
    const common = { client, log };
    const configurationPath = `/apis/metallb.io/v1beta1/namespaces/${options.namespace}`;
    const onConfiguration = (_: string, now: unknown, before: unknown): void => {
      if (!isAlike(now, before)) this.#onChange({ type: "configuration" });
    };
    const texts = new TextPool();
    this.#services = new Informer({
      ...common,
      path: "/api/v1/services",
      store: toServiceFacts,
      onChange: (key, now, before) => {
        if (!isAlike(now, before)) this.#onChange({ type: "service", key });
      },
    });
    this.#slices = new Informer({
      ...common,
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      store: (object: ApiObject) => toSliceFacts(object, text => texts.intern(text)),
      onChange: (key, now, before) => this.#noteSlice(key, now, before),
    });
    this.#nodes = new Informer({
      ...common,
      path: "/api/v1/nodes",
      store: toNodeFacts,
      onChange: (_, now, before) => {
        if (!isAlike(now, before)) this.#onChange({ type: "nodes" });
      },
    });
    this.#pools = new Informer<IPAddressPool>({
      ...common,
      path: `${configurationPath}/ipaddresspools`,
      store: keepPool,
      onChange: onConfiguration,
    });
    this.#advertisements = new Informer<L2Advertisement>({
      ...common,
      path: `${configurationPath}/l2advertisements`,
      store: keepAdvertisement,
      onChange: onConfiguration,
    });
  }

  start(): void {
    for (const informer of this.#informers()) informer.start();
  }

  stop(): void {
    for (const informer of this.#informers()) informer.stop();
  }

  /** Resolves once everything was listed; rejects if stopped before. */
  async whenSynced(): Promise<void> {
    await Promise.all(this.#informers().map(informer => informer.whenSynced()));
  }

  /** The collections that were not listed yet, in words. */
  missing(): readonly string[] {
    const named = [
      ["Services", this.#services],
      ["EndpointSlices", this.#slices],
      ["Nodes", this.#nodes],
      ["IPAddressPools", this.#pools],
      ["L2Advertisements", this.#advertisements],
    ] as const;
    return named.filter(([, informer]) => !informer.isSynced).map(([name]) => name);
  }

  /** When the oldest of the copies last heard from the API server (`performance.now()`); undefined before they all have. */
  lastContactMs(): number | undefined {
    const contacts = this.#informers().map(informer => informer.lastContactMs);
    const heard = contacts.filter(contact => contact !== undefined);
    return heard.length === contacts.length ? Math.min(...heard) : undefined;
  }

  services(): Iterable<SpeakerService> {
    return this.#services.values();
  }

  service(key: string): SpeakerService | undefined {
    return this.#services.get(key);
  }

  endpointsOf(key: string): EndpointSummary {
    const slices = this.#slicesByService.get(key);
    return slices ? mergeEndpointSummaries(slices.values()) : NO_ENDPOINTS;
  }

  nodes(): Iterable<SpeakerNode> {
    return this.#nodes.values();
  }

  ipAddressPools(): readonly IPAddressPool[] {
    return [...this.#pools.values()];
  }

  l2Advertisements(): readonly L2Advertisement[] {
    return [...this.#advertisements.values()];
  }

  #informers(): readonly Informer<unknown>[] {
    return [this.#services, this.#slices, this.#nodes, this.#pools, this.#advertisements];
  }

  #noteSlice(key: string, now: SliceFacts | undefined, before: SliceFacts | undefined): void {
    if (isAlike(now, before)) return;
    if (before !== undefined) this.#forgetSlice(key, before.serviceKey);
    if (now !== undefined) {
      const slices =
        this.#slicesByService.get(now.serviceKey) ?? new Map<string, EndpointSummary>();
      slices.set(key, now.summary);
      this.#slicesByService.set(now.serviceKey, slices);
    }
    for (const facts of [before, now]) {
      if (facts !== undefined) this.#onChange({ type: "service", key: facts.serviceKey });
    }
  }

  #forgetSlice(key: string, serviceKey: string): void {
    const slices = this.#slicesByService.get(serviceKey);
    slices?.delete(key);
    if (slices?.size === 0) this.#slicesByService.delete(serviceKey);
  }
}

/** Whether nothing that was kept differs: a Node is renewed every few seconds, a pool's status at each allocation. */
function isAlike(now: unknown, before: unknown): boolean {
  return JSON.stringify(now) === JSON.stringify(before);
}

/** Equal texts from many JSON documents, each kept once. Bounded by the number of Nodes there ever were. */
class TextPool {
  readonly #texts = new Map<string, string>();

  intern(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}

function keepPool({ metadata, spec }: IPAddressPool): IPAddressPool {
  return { metadata: keepIdentity(metadata), spec };
}

function keepAdvertisement({ metadata, spec }: L2Advertisement): L2Advertisement {
  return { metadata: keepIdentity(metadata), ...(spec === undefined ? {} : { spec }) };
}

/** What the configuration reads of metadata; not managedFields, which are most of an object. */
function keepIdentity(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, labels, creationTimestamp } = metadata;
  return {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
}
