/** The Pod that this process runs in, as the owner of what it writes: the garbage collector then cleans up after it. */
import type { Logger } from "pino";
import type { ObjectMeta, OwnerReference } from "../../lib/config/generated/resources";
import type { ApiClient } from "./api-client";
import { isNotFound } from "./api-error";

/** Undefined when no Pod is named, it is not in the namespace (owners do not reach across), or it cannot be read. */
export async function findOwnPod(
  podName: string | undefined,
  namespace: string,
  deps: { readonly client: Pick<ApiClient, "get">; readonly log: Logger },
): Promise<OwnerReference | undefined> {
  if (podName === undefined) return undefined;
  try {
    const path = `/api/v1/namespaces/${namespace}/pods/${podName}`;
    const pod = await deps.client.get<{ readonly metadata?: ObjectMeta }>(path);
    const uid = pod.metadata?.uid;
    return uid === undefined ? undefined : { apiVersion: "v1", kind: "Pod", name: podName, uid };
  } catch (error) {
    const what = isNotFound(error) ? "is not in this namespace" : "could not be read";
    deps.log.warn(
      { pod: podName, namespace, err: error },
      `the own Pod ${what}: statuses have no owner`,
    );
    return undefined;
  }
}
