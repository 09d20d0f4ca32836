/**
 * Reads the whole configuration from the API server at the moment of a review. Nothing is cached: two replicas that judge by
 * what is stored cannot disagree, and changes are rare.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  IPAddressPool,
  L2Advertisement,
} from "../../lib/config/generated/resources";
import type { ConfigurationResources } from "../../lib/config/check";
import { METADATA_ONLY, type ApiReader } from "../cluster/api-client";
import { ApiError } from "../cluster/api-error";

/** A review has 10 s (Pepr's `webhookTimeout`); the answer "could not judge" has to fit in too. */
const READ_TIMEOUT_MS = 6_000;
const RETRY_MS = 250;

interface List<Item> {
  /** Null in an empty list of metadata. */
  readonly items: readonly Item[] | null;
}

interface Labelled {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** Everything that a rule may look at. Rejects when any list cannot be read: half a configuration is not judged. */
export async function readConfiguration(
  client: ApiReader,
  namespace: string,
): Promise<ConfigurationResources> {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS);
  const list = async <Item>(path: string, accept?: string): Promise<readonly Item[]> => {
    const ask = () => client.get<List<Item>>(path, { signal, accept });
    return (await patiently(signal, ask)).items ?? [];
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
    list<Labelled>("/api/v1/nodes", METADATA_ONLY),
    list<Labelled>("/api/v1/namespaces", METADATA_ONLY),
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

function named(object: Labelled): { name: string; labels: Readonly<Record<string, string>> } {
  return { name: object.metadata.name, labels: object.metadata.labels ?? {} };
}
