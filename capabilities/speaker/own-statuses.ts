/**
 * This node's ServiceL2Status or ServiceBGPStatus objects as last known, by Service: what the informer saw or our own write returned, whichever is
 * newer, so that a write is not repeated because the watch is behind it.
 */
import type {
  ObjectMeta,
  ServiceBGPStatusStatus,
  ServiceL2StatusStatus,
} from "../../lib/config/generated/resources";
import { compareResourceVersions } from "../cluster/api-object";

export const NODE_LABEL = "metallb.io/node";
export const SERVICE_NAME_LABEL = "metallb.io/service-name";
export const SERVICE_NAMESPACE_LABEL = "metallb.io/service-namespace";

/** The status of either kind: a ServiceL2Status has interfaces, a ServiceBGPStatus has peers. */
export type ServiceStatus = ServiceL2StatusStatus & ServiceBGPStatusStatus;

/** An object of either kind. */
export interface ServiceStatusObject {
  readonly metadata: ObjectMeta;
  readonly status?: ServiceStatus;
}

/** What is kept of a status object. */
export interface StoredStatus {
  readonly name: string;
  /** `namespace/name` of the Service, from the labels. */
  readonly serviceKey: string;
  readonly resourceVersion: string;
  readonly ownerUid: string | undefined;
  readonly status: ServiceStatus | undefined;
}

/** Undefined for an object without a name. */
export function toStoredStatus({
  metadata,
  status,
}: ServiceStatusObject): StoredStatus | undefined {
  if (metadata.name === undefined) return undefined;
  return {
    name: metadata.name,
    serviceKey: toServiceKey(metadata),
    resourceVersion: metadata.resourceVersion ?? "",
    ownerUid: metadata.ownerReferences?.[0]?.uid,
    status,
  };
}

/** Whether two statuses say the same, in particular about interfaces: none listed differs from an empty list. */
export function isSameStatus(left: ServiceStatus = {}, right: ServiceStatus = {}): boolean {
  const toText = (status: ServiceStatus): string =>
    JSON.stringify([
      status.node,
      status.serviceName,
      status.serviceNamespace,
      status.interfaces?.map(each => each.name),
      status.peers,
      status.conditions?.map(each => [each.type, each.status, each.reason, each.message]),
    ]);
  return toText(left) === toText(right);
}

/** Whether the status says that the node announces the Service: one withheld for a conflict has a status too. */
export function saysAnnounced(status: ServiceStatus | undefined, nodeName: string): boolean {
  if (status?.node !== nodeName) return false;
  return status.conditions?.some(({ reason }) => reason === "Withheld") !== true;
}

export class OwnStatuses {
  readonly #byName = new Map<string, StoredStatus>();
  readonly #namesByService = new Map<string, Set<string>>();

  /** Keeps the object unless a newer one of the name is known; says whether it did. */
  put(stored: StoredStatus): boolean {
    const known = this.#byName.get(stored.name);
    if (known && compareResourceVersions(stored.resourceVersion, known.resourceVersion) < 0) {
      return false;
    }
    this.remove(stored.name);
    this.#byName.set(stored.name, stored);
    const names = this.#namesByService.get(stored.serviceKey);
    if (names) names.add(stored.name);
    else this.#namesByService.set(stored.serviceKey, new Set([stored.name]));
    return true;
  }

  /** Forgets the object of the name and returns what was known of it. */
  remove(name: string): StoredStatus | undefined {
    const known = this.#byName.get(name);
    if (known === undefined) return undefined;
    this.#byName.delete(name);
    const names = this.#namesByService.get(known.serviceKey);
    names?.delete(name);
    if (names?.size === 0) this.#namesByService.delete(known.serviceKey);
    return known;
  }

  /** Those of one Service, sorted by name: one, unless something went wrong. */
  ofService(serviceKey: string): readonly StoredStatus[] {
    return [...(this.#namesByService.get(serviceKey) ?? [])]
      .sort()
      .flatMap(name => this.#byName.get(name) ?? []);
  }

  serviceKeys(): readonly string[] {
    return [...this.#namesByService.keys()];
  }
}

function toServiceKey({ labels = {} }: ObjectMeta): string {
  return `${labels[SERVICE_NAMESPACE_LABEL] ?? ""}/${labels[SERVICE_NAME_LABEL] ?? ""}`;
}
