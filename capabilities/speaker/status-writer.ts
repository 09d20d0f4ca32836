/**
 * Keeps one ServiceL2Status for each Service that this node announces, and none for any other. Create, then status: the API
 * server takes them apart. Whoever announces a Service removes what other nodes left behind about it.
 */
import type { Logger } from "pino";
import type { OwnerReference, ServiceL2Status } from "../../lib/config/generated/resources";
import { systemClock } from "../cluster/clock";
import type { ApiClient } from "../cluster/api-client";
import { isNotFound } from "../cluster/api-error";
import { splitKey } from "../cluster/api-object";
import { Informer } from "../cluster/informer";
import { KeyQueue, type ReconcileResult } from "../cluster/key-queue";
import {
  isSameStatus,
  NODE_LABEL,
  OwnStatuses,
  SERVICE_NAME_LABEL,
  SERVICE_NAMESPACE_LABEL,
  toStoredStatus,
  type StoredStatus,
} from "./own-statuses";
import type { AnnouncedState } from "./ownership-book";

export interface StatusWriterOptions {
  readonly client: ApiClient;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly log: Logger;
  /** What this node announces of a Service now. */
  readonly state: (key: string) => AnnouncedState | undefined;
}

/** Requests at a time: a node that takes over thousands of Services must not take the API server with them. */
const CONCURRENCY = 8;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #path: string;
  readonly #informer: Informer<StoredStatus>;
  readonly #queue: KeyQueue;
  readonly #own = new OwnStatuses();
  /** Services gained since the objects of other nodes were last looked for. */
  readonly #gained = new Set<string>();
  /** Services noted before the first list: until then we do not know what is there already. */
  #early: Set<string> | undefined = new Set();
  #owner: OwnerReference | undefined;
  #isStopping = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#path = `/apis/metallb.io/v1beta1/namespaces/${options.namespace}/servicel2statuses`;
    this.#informer = new Informer<StoredStatus>({
      client: options.client,
      path: this.#path,
      selectors: { labelSelector: `${NODE_LABEL}=${options.nodeName}` },
      log: options.log,
      store: toStoredStatus,
      onChange: (key, now) => this.#noteObject(splitKey(key).name, now),
    });
    this.#queue = new KeyQueue({
      reconcile: key => this.#reconcile(key),
      concurrency: CONCURRENCY,
      minBackoffMs: 200,
      maxBackoffMs: 5_000,
      log: options.log,
      clock: systemClock,
    });
  }

  /** `owner`: the speaker's Pod, in the same namespace; undefined outside a Pod. */
  start(owner: OwnerReference | undefined): void {
    this.#owner = owner;
    this.#informer.start();
    this.#informer.whenSynced().then(
      () => {
        const noted = this.#early ?? [];
        this.#early = undefined;
        // What an earlier process of this node left behind is either true again by now or removed.
        for (const key of new Set([...this.#own.serviceKeys(), ...noted])) this.#queue.add(key);
      },
      () => undefined,
    );
  }

  /** What this node announces of the Service differs. */
  note(key: string, state: AnnouncedState | undefined): void {
    if (state === undefined) this.#gained.delete(key);
    else this.#gained.add(key);
    this.#add(key);
  }

  /** Deletes every status of this node and resolves when that is done or `withinMs` have passed; then writes no more. */
  async removeAll(withinMs: number): Promise<void> {
    this.#isStopping = true;
    for (const key of this.#own.serviceKeys()) this.#queue.add(key);
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>(resolve => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#queue.whenIdle(), timeUp]);
    clearTimeout(timer);
    this.#informer.stop();
    void this.#queue.stop();
  }

  #add(key: string): void {
    if (this.#early === undefined) this.#queue.add(key);
    else this.#early.add(key);
  }

  #noteObject(name: string, now: StoredStatus | undefined): void {
    if (now === undefined) {
      const known = this.#own.remove(name);
      if (known !== undefined) this.#add(known.serviceKey);
    } else if (this.#own.put(now) && !this.#isAsWanted(now)) {
      this.#add(now.serviceKey);
    }
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const wanted = this.#wanted(key);
    const own = this.#own.ofService(key);
    const kept = wanted && own.find(stored => stored.ownerUid === this.#owner?.uid);
    for (const stored of own) {
      if (stored !== kept) await this.#delete(stored.name);
    }
    if (wanted === undefined) return {};
    const current = kept ?? (await this.#create(key));
    if (!isSameStatus(current.status, wanted)) await this.#writeStatus(current, wanted);
    if (this.#gained.has(key)) await this.#removeOthers(key);
    return {};
  }

  #wanted(key: string): ServiceL2Status["status"] {
    const state = this.#isStopping ? undefined : this.#options.state(key);
    if (state === undefined) return undefined;
    const { namespace, name } = splitKey(key);
    const interfaces = state.interfaces?.map(each => ({ name: each }));
    return {
      node: this.#options.nodeName,
      serviceName: name,
      serviceNamespace: namespace,
      ...(interfaces === undefined ? {} : { interfaces }),
    };
  }

  #isAsWanted(stored: StoredStatus): boolean {
    const wanted = this.#wanted(stored.serviceKey);
    return wanted !== undefined && isSameStatus(stored.status, wanted);
  }

  async #create(key: string): Promise<StoredStatus> {
    const { client, namespace, nodeName } = this.#options;
    const owner = this.#owner;
    const service = splitKey(key);
    const created = await client.post<ServiceL2Status>(this.#path, {
      apiVersion: "metallb.io/v1beta1",
      kind: "ServiceL2Status",
      metadata: {
        generateName: "l2-",
        namespace,
        labels: {
          [NODE_LABEL]: nodeName,
          [SERVICE_NAME_LABEL]: service.name,
          [SERVICE_NAMESPACE_LABEL]: service.namespace,
        },
        ...(owner === undefined ? {} : { ownerReferences: [owner] }),
      },
      spec: {},
    });
    return this.#remember(created);
  }

  async #writeStatus(stored: StoredStatus, status: ServiceL2Status["status"]): Promise<void> {
    // A merge patch keeps an `interfaces` that is left out; null takes it away.
    const body = {
      metadata: { resourceVersion: stored.resourceVersion },
      status: { ...status, interfaces: status?.interfaces ?? null },
    };
    const path = `${this.#path}/${stored.name}/status`;
    this.#remember(await this.#options.client.patch<ServiceL2Status>(path, body));
  }

  #remember(object: ServiceL2Status): StoredStatus {
    const stored = toStoredStatus(object);
    if (stored === undefined) throw new Error("the API server returned an object without a name");
    this.#own.put(stored);
    return stored;
  }

  async #delete(name: string): Promise<void> {
    try {
      await this.#options.client.delete(`${this.#path}/${name}`);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    this.#own.remove(name);
  }

  async #removeOthers(key: string): Promise<void> {
    const { namespace, name } = splitKey(key);
    const labelSelector =
      `${SERVICE_NAME_LABEL}=${name},${SERVICE_NAMESPACE_LABEL}=${namespace},` +
      `${NODE_LABEL}!=${this.#options.nodeName}`;
    const found = await this.#options.client.get<{ items?: readonly ServiceL2Status[] }>(
      this.#path,
      { query: { labelSelector } },
    );
    for (const { metadata } of found.items ?? []) {
      if (metadata.name !== undefined) await this.#delete(metadata.name);
    }
    this.#gained.delete(key);
  }
}
