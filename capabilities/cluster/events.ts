/**
 * Events (core/v1) on objects: what `kubectl describe` shows. The same event again raises the count of the first one. Recording never
 * fails and never waits: events are sent one after another in the background, later when the API server is away, and are left out – counted
 * – when there are too many of them.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { ApiClient } from "./api-client";
import { ApiError, isNotFound, isOutage } from "./api-error";
import { systemClock, type Clock } from "./clock";
import { KeyQueue, type ReconcileResult } from "./key-queue";

/** The object that an event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for an object of the cluster; its events are in `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface EventContent {
  readonly type: "Normal" | "Warning";
  /** Why, in one word for machines, such as `AllocationFailed`. */
  readonly reason: string;
  readonly message: string;
}

export interface EventRecorderOptions {
  readonly client: Pick<ApiClient, "post" | "patch">;
  /** Such as `metallb-controller`. */
  readonly component: string;
  /** The node, if it matters where the component runs. */
  readonly host?: string;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The wall clock, for the times that people read. */
  readonly now?: () => Date;
  /** Events of one object that may be sent at once, and how often another one may follow. */
  readonly objectBurst?: number;
  readonly objectRefillMs?: number;
}

interface Remembered {
  readonly regarding: ObjectReference;
  readonly content: EventContent;
  readonly firstAt: string;
  lastAt: string;
  count: number;
  sentCount: number;
  /** Path of the stored event; undefined before it was created. */
  path: string | undefined;
  attempts: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Distinct events kept to count repetitions; the least recent is forgotten. */
const MAX_REMEMBERED = 4_096;
const MAX_BUCKETS = 4_096;

/** The API server's own limit is 1,024 octets. */
const MAX_MESSAGE_LENGTH = 1_000;

/** After this many refusals that are no outage an event is given up. */
const MAX_ATTEMPTS = 5;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #remembered = new Map<string, Remembered>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #queue: KeyQueue;
  #dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#queue = new KeyQueue({
      reconcile: key => this.#send(key),
      // One after another: a burst of events must not take the API server from those who do the work.
      concurrency: 1,
      minBackoffMs: 1_000,
      maxBackoffMs: 30_000,
      log: options.log,
      clock: this.#clock,
    });
  }

  /** Events left out because there were too many, or because the server refused them. */
  get droppedCount(): number {
    return this.#dropped;
  }

  /** Has the event written, or its count raised. Never throws, never waits. */
  record(regarding: ObjectReference, content: EventContent): void {
    const key = toKey(regarding, content);
    const at = (this.#options.now?.() ?? new Date()).toISOString().replace(/\.\d+Z$/, "Z");
    const known = this.#remembered.get(key);
    if (!this.#mayRecord(regarding)) {
      this.#drop(content, "too many events of one object");
      return;
    }
    const remembered = known ?? toRemembered(regarding, content, at);
    remembered.count += 1;
    remembered.lastAt = at;
    // Taken out and put in again: the map's order is that of last use.
    this.#remembered.delete(key);
    this.#remembered.set(key, remembered);
    this.#forgetOldest();
    this.#queue.add(key);
  }

  /** Resolves when all recorded events are sent or given up; with the server away that may take for ever. */
  whenSent(): Promise<void> {
    return this.#queue.whenIdle();
  }

  /** Sends nothing any more. */
  stop(): Promise<void> {
    return this.#queue.stop();
  }

  #mayRecord(regarding: ObjectReference): boolean {
    const { objectBurst = 25, objectRefillMs = 60_000 } = this.#options;
    const object = toKey(regarding);
    const nowMs = this.#clock.nowMs();
    const bucket = this.#buckets.get(object) ?? { tokens: objectBurst, filledAtMs: nowMs };
    const refills = Math.floor((nowMs - bucket.filledAtMs) / objectRefillMs);
    bucket.tokens = Math.min(objectBurst, bucket.tokens + refills);
    bucket.filledAtMs += refills * objectRefillMs;
    this.#buckets.delete(object);
    this.#buckets.set(object, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #forgetOldest(): void {
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#remembered;
    if (oldest === undefined) return;
    const [key, event] = oldest;
    this.#remembered.delete(key);
    if (event.sentCount < event.count) this.#drop(event.content, "too many events to be sent");
  }

  async #send(key: string): Promise<ReconcileResult> {
    const event = this.#remembered.get(key);
    if (event === undefined || event.sentCount === event.count) return {};
    const { count } = event;
    try {
      await this.#write(event);
      event.sentCount = Math.max(event.sentCount, count);
      event.attempts = 0;
    } catch (error) {
      this.#noteRefusal(key, event, error);
    }
    return {};
  }

  /** Throws the error on if the event is to be tried again. */
  #noteRefusal(key: string, event: Remembered, error: unknown): void {
    if (isOutage(error)) throw error;
    event.attempts += 1;
    if (error instanceof ApiError && event.attempts < MAX_ATTEMPTS) throw error;
    this.#remembered.delete(key);
    this.#options.log.debug({ err: error }, "an event was refused");
    this.#drop(event.content, "refused by the API server");
  }

  async #write(event: Remembered): Promise<void> {
    const { client } = this.#options;
    if (event.path !== undefined) {
      try {
        await client.patch(event.path, { count: event.count, lastTimestamp: event.lastAt });
        return;
      } catch (error) {
        // Events live for an hour: the first one is gone, so this one is new.
        if (!isNotFound(error)) throw error;
        event.path = undefined;
      }
    }
    const namespace = event.regarding.namespace ?? "default";
    const path = `/api/v1/namespaces/${namespace}/events`;
    const body = this.#toObject(event, namespace);
    await client.post(path, body);
    event.path = `${path}/${body.metadata.name}`;
  }

  #toObject(event: Remembered, namespace: string) {
    const { component, host } = this.#options;
    const { regarding, content } = event;
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        namespace,
        name: toEventName(regarding.name),
      },
      involvedObject: regarding,
      type: content.type,
      reason: content.reason,
      message: content.message.slice(0, MAX_MESSAGE_LENGTH),
      source: { component, ...(host !== undefined && { host }) },
      firstTimestamp: event.firstAt,
      lastTimestamp: event.lastAt,
      count: event.count,
      reportingComponent: component,
      reportingInstance: host ?? "",
    };
  }

  #drop(content: EventContent, why: string): void {
    this.#dropped += 1;
    this.#options.log.debug({ reason: content.reason, why }, "an event is left out");
  }
}

/** Unique, and a valid name: at most 253 characters, no label that ends in a dash. */
function toEventName(name: string): string {
  const stem = name.slice(0, 230).replace(/[-.]+$/, "");
  return `${stem}.${randomBytes(8).toString("hex")}`;
}

function toKey(regarding: ObjectReference, content?: EventContent): string {
  const { kind, namespace, name, uid } = regarding;
  return JSON.stringify([
    kind,
    namespace,
    name,
    uid,
    content?.type,
    content?.reason,
    content?.message,
  ]);
}

function toRemembered(
  regarding: ObjectReference,
  content: EventContent,
  firstAt: string,
): Remembered {
  return {
    regarding,
    content,
    firstAt,
    lastAt: firstAt,
    count: 0,
    sentCount: 0,
    path: undefined,
    attempts: 0,
  };
}
