/** Carries out a migration: server-side apply and deletions, until the whole stands. */
import type { MigrationStep, StoredObject } from "../../lib/config/legacy/plan";
import type { ConvertedObject } from "../../lib/config/legacy/resources";
import type { ObjectRef } from "../../lib/config/problem";
import { METADATA_ONLY, type ApiClient } from "./api-client";
import { ApiError, isNotFound, isOutage } from "./api-error";

const COLLECTIONS: Readonly<Record<string, string>> = {
  Secret: "/api/v1/namespaces/NS/secrets",
  BFDProfile: "/apis/metallb.io/v1beta1/namespaces/NS/bfdprofiles",
  Community: "/apis/metallb.io/v1beta1/namespaces/NS/communities",
  IPAddressPool: "/apis/metallb.io/v1beta1/namespaces/NS/ipaddresspools",
  BGPPeer: "/apis/metallb.io/v1beta2/namespaces/NS/bgppeers",
  BGPAdvertisement: "/apis/metallb.io/v1beta1/namespaces/NS/bgpadvertisements",
  L2Advertisement: "/apis/metallb.io/v1beta1/namespaces/NS/l2advertisements",
};

export interface WriterDeps {
  readonly client: Pick<ApiClient, "patch" | "delete">;
  readonly fieldManager: string;
  readonly onDone: (done: MigrationStep["type"], object: ObjectRef) => void;
}

export function objectPath({ kind, namespace, name }: ObjectRef): string {
  return `${(COLLECTIONS[kind] ?? "").replace("NS", namespace)}/${name}`;
}

/** Everything that an old configuration may become or meet, with its managed fields; of Secrets nothing but their metadata. */
export async function readStored(
  client: Pick<ApiClient, "get">,
  namespace: string,
): Promise<readonly StoredObject[]> {
  const lists = Object.entries(COLLECTIONS).map(async ([kind, path]) => {
    const accept = kind === "Secret" ? METADATA_ONLY : undefined;
    const list = await client.get<{ items: readonly Omit<StoredObject, "kind">[] | null }>(
      path.replace("NS", namespace),
      { accept },
    );
    return (list.items ?? []).map(item => ({ ...item, kind }));
  });
  return (await Promise.all(lists)).flat();
}

/**
 * Carries out the steps. The rules judge each object beside what is stored, so a step may have to wait for another one: refused steps are
 * tried again as long as others succeed; when all that are left block each other (two pools that change places), they are removed and
 * made anew. Throws `ApiError` when the server is away, or when a step is refused for good.
 */
export async function carryOut(steps: readonly MigrationStep[], deps: WriterDeps): Promise<void> {
  let left = steps;
  let isLastWay = false;
  while (left.length > 0) {
    const { refused, reason } = await tryAll(left, deps);
    if (refused.length === left.length) {
      if (isLastWay) throw reason ?? new Error("nothing is left to try");
      isLastWay = true;
      for (const step of refused) await remove(refOf(step), undefined, deps.client);
    }
    left = refused;
  }
}

async function tryAll(
  steps: readonly MigrationStep[],
  { client, fieldManager, onDone }: WriterDeps,
): Promise<{ readonly refused: readonly MigrationStep[]; readonly reason?: Error }> {
  const refused: MigrationStep[] = [];
  let reason: Error | undefined;
  for (const step of steps) {
    try {
      await carryOutOne(step, client, fieldManager);
      onDone(step.type, refOf(step));
    } catch (error) {
      // Admission answers 400 and 403, the schema 422; anything else is no verdict about the object.
      const isVerdict = error instanceof ApiError && !isOutage(error) && error.status >= 400;
      if (!isVerdict || error.status === 409) throw error;
      refused.push(step);
      reason = error;
    }
  }
  return { refused, ...(reason && { reason }) };
}

async function carryOutOne(
  step: MigrationStep,
  client: WriterDeps["client"],
  fieldManager: string,
): Promise<void> {
  if (step.type === "delete") {
    await remove(step.object, step.uid, client);
    return;
  }
  await client.patch(objectPath(refOf(step)), toBody(step.object), {
    contentType: "application/apply-patch+yaml",
    query: { fieldManager, force: true },
  });
}

async function remove(
  object: ObjectRef,
  uid: string | undefined,
  client: WriterDeps["client"],
): Promise<void> {
  try {
    const body = uid === undefined ? undefined : { preconditions: { uid } };
    await client.delete(objectPath(object), body);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function refOf(step: MigrationStep): ObjectRef {
  if (step.type === "delete") return step.object;
  const { kind, metadata } = step.object;
  return { kind, namespace: metadata.namespace, name: metadata.name };
}

/** With `data` in place of `stringData`, which the server never shows and server-side apply would not follow. */
function toBody({ stringData, ...object }: ConvertedObject): object {
  if (stringData === undefined) return object;
  const encoded = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(text).toString("base64"),
  ]);
  return { ...object, data: Object.fromEntries(encoded) as Record<string, string> };
}
