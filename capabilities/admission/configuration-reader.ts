/** Reads from the API server what a review needs: the whole configuration, the Services that hold addresses, the Secrets. */
import { setTimeout as sleep } from "node:timers/promises";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "../../lib/config/generated/resources";
import type {
  ConfigurationResources,
  NodeInfo,
  SecretInfo,
  ServiceInfo,
} from "../../lib/config/resources";
import { METADATA_ONLY, type ApiReader, type RequestOptions } from "../cluster/api-client";
import { ApiError } from "../cluster/api-error";

/** A review has 10 s (Pepr's `webhookTimeout`); the answer "could not judge" has to fit in too. */
const READ_TIMEOUT_MS = 6_000;
const RETRY_MS = 250;

interface List<Item> {
  /** Null in an empty list of metadata. */
  readonly items: readonly Item[] | null;
}

interface Labelled {
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** Everything that a rule may look at. Rejects when any list cannot be read: half a configuration is not judged. */
export async function readConfiguration(
  client: ApiReader,
  namespace: string,
): Promise<ConfigurationResources> {
  const list = lister(client);
  const own = <Item>(version: string, plural: string): Promise<readonly Item[]> =>
    list<Item>(`/apis/metallb.io/${version}/namespaces/${namespace}/${plural}`);
  const [pools, l2, bgp, peers, profiles, communities, nodes, namespaces] = await Promise.all([
    own<IPAddressPool>("v1beta1", "ipaddresspools"),
    own<L2Advertisement>("v1beta1", "l2advertisements"),
    own<BGPAdvertisement>("v1beta1", "bgpadvertisements"),
    own<BGPPeer>("v1beta2", "bgppeers"),
    own<BFDProfile>("v1beta1", "bfdprofiles"),
    own<Community>("v1beta1", "communities"),
    list<Node>("/api/v1/nodes"),
    list<Labelled>("/api/v1/namespaces", { accept: METADATA_ONLY }),
  ]);
  return {
    ipAddressPools: pools,
    l2Advertisements: l2,
    bgpAdvertisements: bgp,
    bgpPeers: peers,
    bfdProfiles: profiles,
    communities,
    nodes: nodes.map(nodeInfo),
    namespaces: namespaces.map(named),
  };
}

interface Service {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { ip?: string }[] } };
}

/** The Services that hold addresses. */
export async function readServices(client: ApiReader): Promise<readonly ServiceInfo[]> {
  const query = { fieldSelector: "spec.type=LoadBalancer", ...FROM_CACHE };
  const services = await lister(client)<Service>("/api/v1/services", { query });
  return services
    .map(({ metadata: { name, namespace }, status }) => ({
      name,
      namespace,
      addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
    }))
    .filter(({ addresses }) => addresses.length > 0);
}

interface Secret {
  readonly metadata: { readonly name: string };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** The Secrets of Herald's namespace, without what is in them. */
export async function readSecrets(
  client: ApiReader,
  namespace: string,
): Promise<readonly SecretInfo[]> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const secrets = await lister(client)<Secret>(path, { query: FROM_CACHE });
  return secrets.map(({ metadata: { name }, type = "Opaque", data = {} }) => ({
    name,
    type,
    keys: Object.keys(data),
  }));
}

/** From the API server's memory, a few ms old at most: warnings need no more, and a quiet collection's newest state takes it 100 ms. */
const FROM_CACHE = { resourceVersion: "0" };

type Lister = <Item>(path: string, options?: RequestOptions) => Promise<readonly Item[]>;

/** Lists within one time limit for all of them. */
function lister(client: ApiReader): Lister {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  return async <Item>(path: string, options?: RequestOptions) => {
    const ask = () => client.get<List<Item>>(path, { ...options, signal });
    return (await patiently(signal, ask)).items ?? [];
  };
}

/** Asks again while the server says "not now": just after its kind was defined a list gets 429 for a second or so. */
async function patiently<Answer>(signal: AbortSignal, ask: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = performance.now() + READ_TIMEOUT_MS - 2 * RETRY_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isBusy = error instanceof ApiError && [429, 503].includes(error.status);
      if (!isBusy || signal.aborted || performance.now() > deadlineMs) throw error;
      await sleep(RETRY_MS);
    }
  }
}

interface Node extends Labelled {
  readonly spec?: { readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly addresses?: readonly { type: string; address: string }[] };
}

/** What selectors need, and the addresses that a pool must not overlap. */
export function nodeInfo(node: Node): NodeInfo {
  const addresses = (node.status?.addresses ?? [])
    .filter(({ type }) => type === "InternalIP" || type === "ExternalIP")
    .map(({ address }) => address);
  return { ...named(node), addresses, podCidrs: node.spec?.podCIDRs ?? [] };
}

/** Name and labels, all that selectors need. */
export function named(object: Labelled): NodeInfo {
  return { name: object.metadata?.name ?? "", labels: object.metadata?.labels ?? {} };
}
