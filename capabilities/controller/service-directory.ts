/**
 * The Services as they are by the best knowledge there is: the informer's copy, or what the API server answered to us last, whichever
 * is newer. So a plan never starts from a state that an own write has already changed.
 */
import type { Logger } from "pino";
import type { ApiClient } from "../cluster/api-client";
import { isNotFound } from "../cluster/api-error";
import { compareResourceVersions, splitKey } from "../cluster/api-object";
import { Informer } from "../cluster/informer";
import { toServiceRecord, type ServiceObject, type ServiceRecord } from "./service-record";

export interface ServiceDirectoryOptions {
  readonly client: ApiClient;
  readonly log: Logger;
  /** Told after the informer's copy of a Service changed. */
  readonly onChange: (key: string) => void;
}

export class ServiceDirectory {
  readonly #client: ApiClient;
  readonly #informer: Informer<ServiceRecord>;
  /** Answers of the API server that the informer may not have seen yet; undefined = it is gone. */
  readonly #answers = new Map<string, ServiceRecord>();

  constructor(options: ServiceDirectoryOptions) {
    this.#client = options.client;
    this.#informer = new Informer<ServiceRecord>({
      client: options.client,
      path: "/api/v1/services",
      isPaged: true,
      store: object => toServiceRecord(object as ServiceObject),
      onChange: (key, now) => {
        this.#forgetOlderAnswer(key, now);
        options.onChange(key);
      },
      log: options.log,
    });
  }

  get isSynced(): boolean {
    return this.#informer.isSynced;
  }

  start(): void {
    this.#informer.start();
  }

  stop(): void {
    this.#informer.stop();
  }

  whenSynced(): Promise<void> {
    return this.#informer.whenSynced();
  }

  /** Resolves once the copy is as new as the server's state at the time of the call. */
  refresh(): Promise<void> {
    return this.#informer.refresh();
  }

  get(key: string): ServiceRecord | undefined {
    return this.#answers.get(key) ?? this.#informer.get(key);
  }

  *all(): Generator<ServiceRecord> {
    for (const [key, record] of this.#informer.entries()) yield this.#answers.get(key) ?? record;
  }

  /** Writes the status; what the server answers is what is known from then on. */
  async putStatus(key: string, body: object, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.put<ServiceObject>(`${toPath(key)}/status`, body, { signal });
    this.#noteAnswer(key, answer);
  }

  /** Reads the Service from the server; undefined when it is gone or has nothing to do with load balancing any more. */
  async readAgain(key: string): Promise<ServiceRecord | undefined> {
    try {
      const answer = await this.#client.get<ServiceObject>(toPath(key));
      this.#noteAnswer(key, answer);
      return toServiceRecord(answer);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#answers.delete(key);
      return undefined;
    }
  }

  #noteAnswer(key: string, answer: ServiceObject): void {
    const record = toServiceRecord(answer);
    if (record === undefined) this.#answers.delete(key);
    else this.#answers.set(key, record);
    this.#forgetOlderAnswer(key, this.#informer.get(key));
  }

  /** The informer has caught up, or the Service is gone or another one of the same name. */
  #forgetOlderAnswer(key: string, seen: ServiceRecord | undefined): void {
    const answer = this.#answers.get(key);
    if (answer === undefined) return;
    const isCaughtUp =
      seen?.metadata.uid !== answer.metadata.uid ||
      compareResourceVersions(versionOf(seen), versionOf(answer)) >= 0;
    if (isCaughtUp) this.#answers.delete(key);
  }
}

function versionOf(record: ServiceRecord | undefined): string {
  return record?.metadata.resourceVersion ?? "";
}

function toPath(key: string): string {
  const { namespace, name } = splitKey(key);
  return `/api/v1/namespaces/${namespace}/services/${name}`;
}
