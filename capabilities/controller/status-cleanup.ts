/**
 * Removes the statuses of nodes that have no speaker any more: who announces nothing cannot take its own back. The garbage collector
 * does it where the speaker's Pod is the owner; it does not for a node that was cut off and whose Pod has another name since.
 */
import type { Logger } from "pino";
import type { ObjectMeta } from "../../lib/config/generated/resources";
import type { ApiClient } from "../cluster/api-client";
import { isNotFound } from "../cluster/api-error";

export interface StatusCleanupOptions {
  readonly client: Pick<ApiClient, "get" | "delete">;
  /** Namespace of Herald's resources and of the speakers' Pods. */
  readonly namespace: string;
  readonly log: Logger;
}

interface PodObject {
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly nodeName?: string };
}

interface List<Item> {
  readonly items?: readonly Item[] | null;
}

const NODE_LABEL = "metallb.io/node";
const PLURALS = ["servicel2statuses", "servicebgpstatuses"] as const;
/** How manifest and chart mark the speakers' Pods. */
const COMPONENT_LABELS = ["component", "app.kubernetes.io/component"] as const;

/** Call `look` now and then. It deletes only what two calls in a row found, so that a speaker may be replaced in between. */
export class StatusCleanup {
  readonly #options: StatusCleanupOptions;
  #suspects: ReadonlySet<string> = new Set();

  constructor(options: StatusCleanupOptions) {
    this.#options = options;
  }

  /** Rejects when the API server could not be asked; the next call begins anew. Without any speaker's Pod nothing is judged. */
  async look(): Promise<void> {
    const before = this.#suspects;
    this.#suspects = new Set();
    const nodes = await this.#nodesWithSpeaker();
    if (nodes.length === 0) return;
    const orphans = await Promise.all(PLURALS.map(plural => this.#orphans(plural, nodes)));
    const paths = orphans.flat();
    for (const path of paths) if (before.has(path)) await this.#delete(path);
    this.#suspects = new Set(paths.filter(path => !before.has(path)));
  }

  /** Names, sorted. */
  async #nodesWithSpeaker(): Promise<readonly string[]> {
    const { client, namespace } = this.#options;
    const { items } = await client.get<List<PodObject>>(`/api/v1/namespaces/${namespace}/pods`);
    const names = (items ?? []).filter(isSpeaker).flatMap(({ spec }) => spec?.nodeName ?? []);
    return [...new Set(names)].sort();
  }

  /** Paths of the objects about other nodes; the API server chooses them, so that a large cluster costs no large list. */
  async #orphans(plural: string, nodes: readonly string[]): Promise<readonly string[]> {
    const { client, namespace } = this.#options;
    const path = `/apis/metallb.io/v1beta1/namespaces/${namespace}/${plural}`;
    const labelSelector = `${NODE_LABEL},${NODE_LABEL} notin (${nodes.join(",")})`;
    const { items } = await client.get<List<{ readonly metadata: ObjectMeta }>>(path, {
      query: { labelSelector },
    });
    return (items ?? []).flatMap(({ metadata }) =>
      metadata.name === undefined ? [] : `${path}/${metadata.name}`,
    );
  }

  async #delete(path: string): Promise<void> {
    try {
      await this.#options.client.delete(path);
      this.#options.log.info({ path }, "the status of a node without a speaker is removed");
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

function isSpeaker({ metadata }: PodObject): boolean {
  return COMPONENT_LABELS.some(label => metadata?.labels?.[label] === "speaker");
}
