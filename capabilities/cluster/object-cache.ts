import { compareResourceVersions, objectKey, type ApiObject } from "./api-object";

/** What a cache does with objects and whom it tells. */
export interface ObjectCacheHandlers<Stored> {
  /** What to keep of an object; undefined leaves it out. */
  store(object: ApiObject): Stored | undefined;
  onChange(key: string, now: Stored | undefined, before: Stored | undefined): void;
  /** A handler threw at this object: the cache goes on without it, or as if it had been told. */
  onHandlerError(key: string, error: unknown): void;
}

interface Entry<Stored> {
  readonly stored: Stored;
  readonly resourceVersion: string;
}

/** Copies of the objects of one collection by key, each guarded by its resource version. Does no I/O. */
export class ObjectCache<Stored> {
  readonly #handlers: ObjectCacheHandlers<Stored>;
  readonly #entries = new Map<string, Entry<Stored>>();

  constructor(handlers: ObjectCacheHandlers<Stored>) {
    this.#handlers = handlers;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Stored | undefined {
    return this.#entries.get(key)?.stored;
  }

  *entries(): Generator<readonly [string, Stored]> {
    for (const [key, entry] of this.#entries) yield [key, entry.stored];
  }

  /** Takes over an object that a watch reported, unless the copy is as new already. */
  apply(object: ApiObject): void {
    const key = objectKey(object);
    const resourceVersion = object.metadata?.resourceVersion ?? "";
    if (key === undefined) return;
    const known = this.#entries.get(key);
    if (
      known !== undefined &&
      compareResourceVersions(resourceVersion, known.resourceVersion) <= 0
    ) {
      return;
    }
    this.#set(key, object, resourceVersion);
  }

  /** Drops an object that a watch reported as deleted, unless the copy is newer: of a successor with the same name. */
  remove(object: ApiObject): void {
    const key = objectKey(object);
    const resourceVersion = object.metadata?.resourceVersion ?? "";
    const known = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || known === undefined) return;
    if (compareResourceVersions(resourceVersion, known.resourceVersion) < 0) return;
    this.#drop(key);
  }

  /**
   * Begins to replace everything by what a list says: `add` each listed object, then `finish` drops those not listed. A list is
   * right even where its versions are lower (etcd restored from a backup). Dropping the value instead of finishing is harmless.
   */
  replace(): { add(object: ApiObject): void; finish(): void } {
    const seen = new Set<string>();
    return {
      add: object => {
        const key = objectKey(object);
        const resourceVersion = object.metadata?.resourceVersion ?? "";
        if (key === undefined) return;
        seen.add(key);
        if (this.#entries.get(key)?.resourceVersion === resourceVersion) return;
        this.#set(key, object, resourceVersion);
      },
      finish: () => {
        for (const key of [...this.#entries.keys()]) if (!seen.has(key)) this.#drop(key);
      },
    };
  }

  #set(key: string, object: ApiObject, resourceVersion: string): void {
    const before = this.#entries.get(key)?.stored;
    const stored = this.#store(key, object);
    if (stored === undefined) {
      this.#entries.delete(key);
      if (before === undefined) return;
    } else {
      this.#entries.set(key, { stored, resourceVersion });
    }
    this.#tell(key, stored, before);
  }

  #drop(key: string): void {
    const before = this.#entries.get(key)?.stored;
    this.#entries.delete(key);
    this.#tell(key, undefined, before);
  }

  #store(key: string, object: ApiObject): Stored | undefined {
    try {
      return this.#handlers.store(object);
    } catch (error) {
      this.#handlers.onHandlerError(key, error);
      return undefined;
    }
  }

  #tell(key: string, now: Stored | undefined, before: Stored | undefined): void {
    try {
      this.#handlers.onChange(key, now, before);
    } catch (error) {
      this.#handlers.onHandlerError(key, error);
    }
  }
}
