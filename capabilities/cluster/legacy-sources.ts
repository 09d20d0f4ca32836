/** Where old configurations stand in a cluster: the ConfigMap of 2017–2022, and AddressPool objects of 0.13. */
import { convertAddressPools } from "../../lib/config/legacy/address-pools";
import { convertConfigText } from "../../lib/config/legacy/convert-text";
import type { Conversion } from "../../lib/config/legacy/resources";
import type { ObjectRef } from "../../lib/config/problem";
import type { ApiReader } from "./api-client";
import { isNotFound } from "./api-error";
import type { ApiObject } from "./api-object";
import { parseLegacyYaml } from "./legacy-yaml";

/** With any value on the ConfigMap it is not read any more: its objects are their users' now. */
export const RETIRED_ANNOTATION = "metallb.io/converted";

/** The key under which every release looked. */
const DATA_KEY = "config";

/** More is no configuration of addresses. */
const MAX_CHARACTERS = 1_048_576;

/** What is kept of a ConfigMap that may be one. */
export interface LegacyConfigMap {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly text: string;
  readonly isRetired: boolean;
}

interface ConfigMap extends ApiObject {
  readonly metadata?: NonNullable<ApiObject["metadata"]> & {
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly data?: Readonly<Record<string, string>> | null;
}

/** The ConfigMap when it has one of the names and a configuration in it. */
export function toLegacyConfigMap(
  object: ApiObject,
  names: readonly string[],
): LegacyConfigMap | undefined {
  const { metadata, data } = object as ConfigMap;
  const { name = "", uid = "", resourceVersion = "", annotations } = metadata ?? {};
  const text = data?.[DATA_KEY];
  if (!names.includes(name) || typeof text !== "string") return undefined;
  const isRetired = annotations?.[RETIRED_ANNOTATION] !== undefined;
  return { name, uid, resourceVersion, text: text.slice(0, MAX_CHARACTERS), isRetired };
}

/** One old configuration, converted. */
export interface LegacySource {
  readonly source: ObjectRef;
  /** For `CONVERTED_FROM_LABEL`. */
  readonly label: string;
  /** As it was read. */
  readonly text: string;
  readonly conversion: Conversion;
}

export function convertStoredConfigMap(
  { name, text }: LegacyConfigMap,
  namespace: string,
): LegacySource {
  const source = { kind: "ConfigMap", namespace, name };
  const conversion = convertConfigText(text, parseLegacyYaml, { source, namespace });
  return { source, label: name.slice(0, MAX_LABEL_CHARACTERS), text, conversion };
}

const MAX_LABEL_CHARACTERS = 63;

/** Label of what AddressPools become; no ConfigMap has such a name. */
const ADDRESS_POOLS_LABEL = "AddressPools";

/** The AddressPools of the namespace; undefined when the cluster does not have the kind, or not any more. */
export async function readAddressPools(
  client: ApiReader,
  namespace: string,
): Promise<LegacySource | undefined> {
  for (const version of ["v1beta1", "v1alpha1"]) {
    const path = `/apis/metallb.io/${version}/namespaces/${namespace}/addresspools`;
    try {
      const { items } = await client.get<{ items: readonly object[] | null }>(path);
      return items === null || items.length === 0 ? undefined : convertObjects(items, namespace);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return undefined;
}

function convertObjects(items: readonly object[], namespace: string): LegacySource {
  const source = { kind: "AddressPool", namespace, name: "" };
  // JSON is YAML: one reader for all of them.
  const nodes = items.flatMap(item => {
    const parsed = parseLegacyYaml(JSON.stringify(item));
    return parsed.ok ? [parsed.value] : [];
  });
  const conversion = convertAddressPools(nodes, { source, namespace });
  const specs = items.map(item => (item as { readonly spec?: unknown }).spec);
  return { source, label: ADDRESS_POOLS_LABEL, text: JSON.stringify(specs), conversion };
}
