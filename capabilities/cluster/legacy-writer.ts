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
  readonly client: Pick<ApiClient, "get" | "post" | "patch" | "delete">;
  readonly fieldManager: string;
  /** Whether objects that block each other may be removed and made anew. */
  readonly mayRemove: boolean;
  readonly onDone: (done: MigrationStep["type"], object: ObjectRef) => void;
}

export function objectPath(object: ObjectRef): string {
  return `${collectionPath(object)}/${object.name}`;
}

function collectionPath({ kind, namespace }: Omit<ObjectRef, "name">): string {
  return (COLLECTIONS[kind] ?? "").replace("NS", namespace);
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
 * made anew. Throws `ApiError` when the server is away, or when a step is refused for good; what was removed for it is back then.
 */
export async function carryOut(steps: readonly MigrationStep[], deps: WriterDeps): Promise<void> {
  let left = steps;
  let removed: readonly WholeObject[] | undefined;
  while (left.length > 0) {
    const { refused, reason } = await tryAll(left, deps);
    if (refused.length === left.length) {
      if (removed !== undefined || !deps.mayRemove) {
        await putBack(removed ?? [], refused, deps.client);
        throw reason ?? new Error("nothing is left to try");
      }
      removed = await takeAway(refused, deps.client);
    }
    left = refused;
  }
}

/** An object as the server gives it. */
interface WholeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels?: object;
    readonly annotations?: object;
  };
}

/** Removes what the steps are about, and returns what was there. */
async function takeAway(
  steps: readonly MigrationStep[],
  client: WriterDeps["client"],
): Promise<readonly WholeObject[]> {
  const taken: WholeObject[] = [];
  for (const step of steps) {
    const object = refOf(step);
    const list = await client.get<{
      apiVersion: string;
      items: readonly Omit<WholeObject, "apiVersion" | "kind">[] | null;
    }>(collectionPath(object), { query: { fieldSelector: `metadata.name=${object.name}` } });
    for (const item of list.items ?? []) {
      await remove(object, item.metadata.uid, client);
      taken.push({ ...item, apiVersion: list.apiVersion, kind: object.kind });
    }
  }
  return taken;
}

/** Makes those again whose steps are refused. One that has no room any more beside what did succeed stays away. */
async function putBack(
  removed: readonly WholeObject[],
  refused: readonly MigrationStep[],
  client: WriterDeps["client"],
): Promise<void> {
  const wanted = new Set(refused.map(step => objectPath(refOf(step))));
  for (const { metadata, ...content } of removed) {
    const { name, namespace, labels, annotations } = metadata;
    const object = { kind: content.kind, namespace, name };
    if (!wanted.has(objectPath(object))) continue;
    try {
      const body = { ...content, metadata: { name, namespace, labels, annotations } };
      await client.post(collectionPath(object), body);
    } catch (error) {
      if (!(error instanceof ApiError) || isOutage(error)) throw error;
    }
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
