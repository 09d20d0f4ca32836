/** Reads from a cluster what manifests are judged against. Only GETs, and of Secrets nothing. */
import {
  METADATA_ONLY,
  type ApiReader,
  type RequestOptions,
} from "../capabilities/cluster/api-client";
import { ApiError } from "../capabilities/cluster/api-error";
import {
  SERVICE_CIDRS,
  toCidrs,
  toNamed,
  toNodeInfo,
  toServiceInfos,
  type LabelledObject,
  type NodeObject,
  type ServiceCidrObject,
  type ServiceObject,
} from "../capabilities/cluster/configuration-facts";
import type { ConfigurationResources } from "../lib/config/resources";
import { CONFIGURATION_KINDS, GROUP } from "./kinds";

export interface LiveConfiguration {
  readonly resources: ConfigurationResources;
  /** Whole sentences about what could not be read and is therefore not judged. */
  readonly notices: readonly string[];
}

/**
 * The configuration in the namespace, and of the whole cluster the labels of Nodes and Namespaces and the addresses of Services. A kind
 * that the cluster does not know has no objects. Rejects with `ApiError` when the configuration itself cannot be read.
 */
export async function readLiveConfiguration(
  client: ApiReader,
  namespace: string,
): Promise<LiveConfiguration> {
  const notices: string[] = [];
  const optional = async <Item>(
    what: string,
    reading: Promise<Item>,
  ): Promise<Item | undefined> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      notices.push(`${what} may not be read with these rights and are not taken into account.`);
      return undefined;
    }
  };
  const configuration = [...CONFIGURATION_KINDS.values()].map(async ({ list, plural, version }) => {
    const path = `/apis/${GROUP}/${version}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
    return [list, await listOf<object>(client, path)] as const;
  });
  const [lists, nodes, namespaces, services, serviceCidrs] = await Promise.all([
    Promise.all(configuration),
    optional("Nodes", listOf<NodeObject>(client, "/api/v1/nodes")),
    optional(
      "Namespaces",
      listOf<LabelledObject>(client, "/api/v1/namespaces", { accept: METADATA_ONLY }),
    ),
    optional("Services", listOf<ServiceObject>(client, "/api/v1/services")),
    optional("ServiceCIDRs", listOf<ServiceCidrObject>(client, SERVICE_CIDRS)),
  ]);
  const resources: ConfigurationResources = {
    ...(Object.fromEntries(lists) as ConfigurationResources),
    ...(nodes && { nodes: nodes.map(toNodeInfo) }),
    ...(namespaces && { namespaces: namespaces.map(toNamed) }),
    ...(services && { services: toServiceInfos(services) }),
    ...(serviceCidrs && { serviceCidrs: serviceCidrs.flatMap(toCidrs) }),
  };
  return { resources, notices };
}

interface List<Item> {
  /** Null in an empty list of metadata. */
  readonly items: readonly Item[] | null;
}

async function listOf<Item>(
  client: ApiReader,
  path: string,
  options: RequestOptions = {},
): Promise<readonly Item[]> {
  try {
    return (await client.get<List<Item>>(path, options)).items ?? [];
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
