/**
 * Keeps one status object of a kind for each Service that this node announces, and none for any other. Create, then status: the
 * API server takes them apart. Who announces a Service alone removes what other nodes left behind about it.
 */
import type { Logger } from "pino";
import type { OwnerReference } from "../../lib/config/generated/resources";
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
  saysAnnounced,
  SERVICE_NAME_LABEL,
  SERVICE_NAMESPACE_LABEL,
  toStoredStatus,
  type ServiceStatus,
  type ServiceStatusObject,
  type StoredStatus,
} from "./own-statuses";

/** What differs between the two kinds. */
export interface StatusKind {
  readonly kind: "ServiceL2Status" | "ServiceBGPStatus";
  readonly plural: "servicel2statuses" | "servicebgpstatuses";
  readonly generateName: string;
  /** One node announces a Service: who gains it removes the objects of others. */
  readonly isExclusive: boolean;
}

export const L2_STATUS: StatusKind = {
  kind: "ServiceL2Status",
  plural: "servicel2statuses",
  generateName: "l2-",
  isExclusive: true,
};

/** One for each node that announces the Service. */
export const BGP_STATUS: StatusKind = {
  kind: "ServiceBGPStatus",
  plural: "servicebgpstatuses",
  generateName: "bgp-",
  isExclusive: false,
};

/** What a status says beside the node and the Service. */
export type StatusDetails = Pick<ServiceStatus, "interfaces" | "peers" | "conditions">;

export interface StatusWriterOptions {
  readonly client: ApiClient;
  /** Namespace of Herald's resources. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly kind: StatusKind;
  readonly log: Logger;
  /** What there is to say of a Service now; undefined: this node does not announce it. */
  readonly details: (key: string) => StatusDetails | undefined;
  readonly assignment?: Assignment;
}

/** For saying once that a Service has come to this node. */
export interface Assignment {
  /** Whether this node announces it now. */
  readonly isAssigned: (key: string) => boolean;
  /** It does, and no status said so before: not one of an earlier process of this node either. */
  readonly onAssigned: (key: string) => void;
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
  /** Those of which it is known, or was said, that this node announces them. */
  readonly #assigned = new Set<string>();
  /** Services noted before the first list: until then we do not know what is there already. */
  #early: Set<string> | undefined = new Set();
  #owner: OwnerReference | undefined;
  #isStopping = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    const { namespace, kind } = options;
    this.#path = `/apis/metallb.io/v1beta1/namespaces/${namespace}/${kind.plural}`;
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
  note(key: string): void {
    if (this.#options.details(key) === undefined) this.#gained.delete(key);
    else if (this.#options.kind.isExclusive) this.#gained.add(key);
    if (this.#options.assignment?.isAssigned(key) === false) this.#assigned.delete(key);
    this.#add(key);
  }

  /** Deletes every status of this node and resolves when that is done or `withinMs` have passed; then writes no more. */
  async removeAll(withinMs: number): Promise<void> {
    this.#isStopping = true;
    const ending = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>(resolve => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([this.#removeEach(ending.signal), timeUp]);
    ending.abort();
    clearTimeout(timer);
    this.stop();
  }

  /** Writes no more and leaves what is there: it will be true again. */
  stop(): void {
    this.#isStopping = true;
    this.#informer.stop();
    void this.#queue.stop();
  }

  /** Again while there are any: one that was being created when we were told is known only when that is done. */
  async #removeEach(signal: AbortSignal): Promise<void> {
    do {
      for (const key of this.#own.serviceKeys()) this.#queue.add(key);
      await this.#queue.whenIdle();
    } while (this.#own.serviceKeys().length > 0 && !signal.aborted);
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
    if (wanted !== undefined) this.#noteAssigned(key, own);
    for (const stored of own) {
      if (stored !== kept) await this.#delete(stored.name);
    }
    if (wanted === undefined) return {};
    const current = kept ?? (await this.#create(key));
    if (!isSameStatus(current.status, wanted)) await this.#writeStatus(current, wanted);
    if (this.#gained.has(key)) await this.#removeOthers(key);
    return {};
  }

  #noteAssigned(key: string, own: readonly StoredStatus[]): void {
    const { assignment, nodeName } = this.#options;
    if (assignment === undefined || this.#assigned.has(key) || !assignment.isAssigned(key)) return;
    this.#assigned.add(key);
    if (!own.some(({ status }) => saysAnnounced(status, nodeName))) assignment.onAssigned(key);
  }

  #wanted(key: string): ServiceStatus | undefined {
    const details = this.#isStopping ? undefined : this.#options.details(key);
    if (details === undefined) return undefined;
    const { namespace, name } = splitKey(key);
    return {
      node: this.#options.nodeName,
      serviceName: name,
      serviceNamespace: namespace,
      ...details,
    };
  }

  #isAsWanted(stored: StoredStatus): boolean {
    const wanted = this.#wanted(stored.serviceKey);
    return wanted !== undefined && isSameStatus(stored.status, wanted);
  }

  async #create(key: string): Promise<StoredStatus> {
    const { client, namespace, nodeName, kind } = this.#options;
    const owner = this.#owner;
    const service = splitKey(key);
    const created = await client.post<ServiceStatusObject>(this.#path, {
      apiVersion: "metallb.io/v1beta1",
      kind: kind.kind,
      metadata: {
        generateName: kind.generateName,
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

  async #writeStatus(stored: StoredStatus, status: ServiceStatus): Promise<void> {
    // A merge patch keeps a field that is left out; null takes it away.
    const isL2 = this.#options.kind.kind === "ServiceL2Status";
    const { interfaces = null, conditions = null } = status;
    const body = {
      metadata: { resourceVersion: stored.resourceVersion },
      status: { ...status, ...(isL2 && { interfaces, conditions }) },
    };
    const path = `${this.#path}/${stored.name}/status`;
    this.#remember(await this.#options.client.patch<ServiceStatusObject>(path, body));
  }

  #remember(object: ServiceStatusObject): StoredStatus {
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
    const found = await this.#options.client.get<{ items?: readonly ServiceStatusObject[] }>(
      this.#path,
      { query: { labelSelector } },
    );
    for (const { metadata } of found.items ?? []) {
      if (metadata.name !== undefined) await this.#delete(metadata.name);
    }
    this.#gained.delete(key);
  }
}
