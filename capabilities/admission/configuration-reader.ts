/**
 * Reads the whole configuration from the API server at the moment of a review. Nothing is cached: two replicas that judge by
 * what is stored cannot disagree, and changes are rare.
 */
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../lib/config/check";
import type { ApiClient } from "../cluster/api-client";

/** A review has 10 s (Pepr's `webhookTimeout`); the answer "could not judge" has to fit in too. */
const READ_TIMEOUT_MS = 6_000;

interface List<Item> {
  readonly items: readonly Item[];
}

interface Labelled {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** Everything that a rule may look at. Rejects when any list cannot be read: half a configuration is not judged. */
export async function readConfiguration(
  client: ApiClient,
  namespace: string,
): Promise<ConfigurationResources> {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  const list = async <Item>(path: string): Promise<readonly Item[]> => {
    const { items } = await client.get<List<Item>>(path, { signal });
    return items;
  };
  const own = <Item>(version: string, plural: string): Promise<readonly Item[]> =>
    list<Item>(`/apis/metallb.io/${version}/namespaces/${namespace}/${plural}`);
  const [pools, l2, bgp, peers, profiles, communities, nodes, namespaces] = await Promise.all([
    own<IPAddressPool>("v1beta1", "ipaddresspools"),
    own<L2Advertisement>("v1beta1", "l2advertisements"),
    own<BGPAdvertisement>("v1beta1", "bgpadvertisements"),
    own<BGPPeer>("v1beta2", "bgppeers"),
    own<BFDProfile>("v1beta1", "bfdprofiles"),
    own<Community>("v1beta1", "communities"),
    list<Labelled>("/api/v1/nodes"),
    list<Labelled>("/api/v1/namespaces"),
  ]);
  return {
    ipAddressPools: pools,
    l2Advertisements: l2,
    bgpAdvertisements: bgp,
    bgpPeers: peers,
    bfdProfiles: profiles,
    communities,
    nodes: nodes.map(named),
    namespaces: namespaces.map(named),
  };
}

function named(object: Labelled): { name: string; labels: Readonly<Record<string, string>> } {
  return { name: object.metadata.name, labels: object.metadata.labels ?? {} };
}
