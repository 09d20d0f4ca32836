/** The Secret that authenticates the speakers' heartbeats: made once, never changed. */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { ApiClient } from "../cluster/api-client";
import { isConflict, isNotFound } from "../cluster/api-error";

/** As long as MetalLB's: 128 random octets, as base64 text. */
const KEY_OCTETS = 128;

export interface MemberlistSecretOptions {
  readonly client: Pick<ApiClient, "get" | "post">;
  readonly namespace: string;
  readonly secretName: string;
  /** Becomes the owner, so that the Secret goes with the installation. */
  readonly deployment: string | undefined;
  readonly log: Logger;
}

/** Makes the Secret if there is none. Throws to be called again. */
export async function ensureMemberlistSecret(options: MemberlistSecretOptions): Promise<void> {
  const { client, namespace, secretName, log } = options;
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  try {
    await client.get(`${path}/${secretName}`);
    return;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const secretkey = Buffer.from(randomBytes(KEY_OCTETS).toString("base64")).toString("base64");
  const ownerReferences = await owner(options);
  try {
    await client.post(path, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretName, namespace, ownerReferences },
      data: { secretkey },
    });
    log.info({ secret: secretName }, "the Secret of the speakers was made");
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
}

/** Nobody when there is no such Deployment: a Secret that outlives the installation is better than speakers without one. */
async function owner({
  client,
  namespace,
  deployment,
  log,
}: MemberlistSecretOptions): Promise<readonly object[]> {
  if (deployment === undefined) return [];
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`;
  try {
    const { metadata } = await client.get<{ metadata: { uid: string } }>(path);
    return [{ apiVersion: "apps/v1", kind: "Deployment", name: deployment, uid: metadata.uid }];
  } catch (error) {
    if (!isNotFound(error)) throw error;
    log.warn(
      { deployment },
      "there is no such Deployment: the Secret of the speakers has no owner",
    );
    return [];
  }
}
