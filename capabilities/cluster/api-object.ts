/** The part of any Kubernetes object that the machinery of this room reads; every field may be missing in an answer. */
export interface ApiObject {
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
  };
}

/** `namespace/name`, or `name` for an object of the cluster; undefined for an object without a name. */
export function objectKey(object: ApiObject): string | undefined {
  const { name, namespace } = object.metadata ?? {};
  if (name === undefined || name === "") return undefined;
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** Inverse of `objectKey`; the namespace is "" for an object of the cluster. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { namespace: "", name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

const DECIMAL = /^[1-9][0-9]*$/;

/**
 * Negative, 0 or positive as `left` is older than, the same as or newer than `right`, two resource versions of one collection
 * (decimal numbers of any size since Kubernetes 1.35, and of etcd always). Versions of another form count as newer unless equal.
 */
export function compareResourceVersions(left: string, right: string): number {
  if (left === right) return 0;
  if (!DECIMAL.test(left) || !DECIMAL.test(right)) return 1;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : 1;
}
