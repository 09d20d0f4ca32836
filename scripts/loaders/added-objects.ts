/**
 * What `pepr deploy` does not bring, applied by the controller before it starts. Server-side apply: what is there already stays or
 * is brought up to date, which is also how an upgrade reaches the speakers.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { ApiClient } from "../../capabilities/cluster/api-client";
import { untilReady } from "./cluster-ready";

/** Made by the build; the image of the speakers is filled in here. */
const FILE = "added-by-controller.json";
const FIELD_MANAGER = "herald-controller";
const PEPR_NAMESPACE = "pepr-system";

interface AddedObject {
  /** The object's own path at the API server. */
  readonly path: string;
  readonly object: { readonly kind: string; readonly metadata: { readonly name: string } };
}

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly image: string }[];
    readonly imagePullSecrets?: readonly { readonly name: string }[];
  };
}

/** Resolves when everything is there, however long that takes; what is in the way is logged. */
export async function addMissing(deps: {
  readonly client: ApiClient;
  readonly log: Logger;
  /** The own Pod, whose image the speakers run too. */
  readonly podName: string;
}): Promise<void> {
  const { client, log, podName } = deps;
  const path = `/api/v1/namespaces/${PEPR_NAMESPACE}/pods/${podName}`;
  const pod = await untilReady("the own Pod", log, signal => client.get<Pod>(path, { signal }));
  for (const added of readAdded(pod.spec.containers[0]?.image ?? "")) {
    const { kind, metadata } = added.object;
    await untilReady(`${kind} ${metadata.name}`, log, signal =>
      client.patch(added.path, added.object, {
        signal,
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: FIELD_MANAGER, force: true },
      }),
    );
  }
  log.info({ event: "installed" }, "what pepr deploy does not bring has been applied");
}

function readAdded(image: string): readonly AddedObject[] {
  const text = readFileSync(join(__dirname, FILE), "utf8");
  return JSON.parse(text.replaceAll('"IMAGE"', JSON.stringify(image))) as readonly AddedObject[];
}
