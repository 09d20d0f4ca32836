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
import type { ConfigurationResources, SecretInfo, ServiceInfo } from "../../lib/config/resources";
import { METADATA_ONLY, type ApiReader, type RequestOptions } from "../cluster/api-client";
import { ApiError } from "../cluster/api-error";
import {
  SERVICE_CIDRS,
  toCidrs,
  toNamed,
  toNodeInfo,
  toSecretInfo,
  toServiceInfos,
  type LabelledObject,
  type NodeObject,
  type SecretObject,
  type ServiceCidrObject,
  type ServiceObject,
} from "../cluster/configuration-facts";

/** A review has 10 s (Pepr's `webhookTimeout`); the answer "could not judge" has to fit in too. */
const READ_TIMEOUT_MS = 6_000;
const RETRY_MS = 250;

interface List<Item> {
  /** Null in an empty list of metadata. */
  readonly items: readonly Item[] | null;
}

/** Everything that a rule may look at. Rejects when any list cannot be read: half a configuration is not judged. */
export async function readConfiguration(
  client: ApiReader,
  namespace: string,
): Promise<ConfigurationResources> {
  const list = lister(client);
  const own = <Item>(version: string, plural: string): Promise<readonly Item[]> =>
    list<Item>(`/apis/metallb.io/${version}/namespaces/${namespace}/${plural}`);
  const [pools, l2, bgp, peers, profiles, communities, nodes, namespaces, cidrs] =
    await Promise.all([
      own<IPAddressPool>("v1beta1", "ipaddresspools"),
      own<L2Advertisement>("v1beta1", "l2advertisements"),
      own<BGPAdvertisement>("v1beta1", "bgpadvertisements"),
      own<BGPPeer>("v1beta2", "bgppeers"),
      own<BFDProfile>("v1beta1", "bfdprofiles"),
      own<Community>("v1beta1", "communities"),
      list<NodeObject>("/api/v1/nodes"),
      list<LabelledObject>("/api/v1/namespaces", { accept: METADATA_ONLY }),
      unlessAbsent(list<ServiceCidrObject>(SERVICE_CIDRS)),
    ]);
  return {
    ipAddressPools: pools,
    l2Advertisements: l2,
    bgpAdvertisements: bgp,
    bgpPeers: peers,
    bfdProfiles: profiles,
    communities,
    nodes: nodes.map(toNodeInfo),
    namespaces: namespaces.map(toNamed),
    serviceCidrs: cidrs.flatMap(toCidrs),
  };
}

async function unlessAbsent<Item>(listing: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await listing;
  } catch (error) {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return [];
    throw error;
  }
}

/** The Services that hold addresses. */
export async function readServices(client: ApiReader): Promise<readonly ServiceInfo[]> {
  const query = { fieldSelector: "spec.type=LoadBalancer", ...FROM_CACHE };
  return toServiceInfos(await lister(client)<ServiceObject>("/api/v1/services", { query }));
}

/** The Secrets of Herald's namespace, without what is in them. */
export async function readSecrets(
  client: ApiReader,
  namespace: string,
): Promise<readonly SecretInfo[]> {
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const secrets = await lister(client)<SecretObject>(path, { query: FROM_CACHE });
  return secrets.map(toSecretInfo);
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
