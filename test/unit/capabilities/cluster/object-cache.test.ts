import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../capabilities/cluster/api-object";
import { ObjectCache } from "../../../../capabilities/cluster/object-cache";

interface Named {
  readonly name: string;
  readonly version: string;
}

function object(name: string, resourceVersion: string): ApiObject {
  return { metadata: { name, resourceVersion } };
}

function setup(store?: (object: ApiObject) => Named | undefined) {
  const told: string[] = [];
  const errors: string[] = [];
  const version = (value: Named | undefined) => value?.version ?? "-";
  const cache = new ObjectCache<Named>({
    store:
      store ??
      (({ metadata }) => ({
        name: metadata?.name ?? "",
        version: metadata?.resourceVersion ?? "",
      })),
    onChange: (key, now, before) => told.push(`${key} ${version(before)}>${version(now)}`),
    onHandlerError: key => errors.push(key),
  });
  return { cache, told, errors };
}

describe("events", () => {
  it("change the copy only when they are newer", () => {
    const { cache, told } = setup();
    cache.apply(object("a", "9"));
    cache.apply(object("a", "10"));
    cache.apply(object("a", "10"));
    cache.apply(object("a", "9"));
    expect(told).toEqual(["a ->9", "a 9>10"]);
  });

  it("delete, but not a successor of the same name", () => {
    const { cache, told } = setup();
    cache.apply(object("a", "12"));
    cache.remove(object("a", "11"));
    expect(cache.size).toBe(1);
    cache.remove(object("a", "13"));
    cache.remove(object("a", "13"));
    cache.remove(object("b", "14"));
    expect(told).toEqual(["a ->12", "a 12>-"]);
  });

  it("of objects that are left out tell nothing, and of objects that become so tell their end", () => {
    let isWanted = false;
    const { cache, told } = setup(({ metadata }) =>
      isWanted ? { name: "", version: metadata?.resourceVersion ?? "" } : undefined,
    );
    cache.apply(object("a", "1"));
    isWanted = true;
    cache.apply(object("a", "2"));
    isWanted = false;
    cache.apply(object("a", "3"));
    cache.remove(object("a", "4"));
    expect(told).toEqual(["a ->2", "a 2>-"]);
  });

  it("go on after a handler threw", () => {
    const { cache, told, errors } = setup(({ metadata }) => {
      if (metadata?.name === "bad") throw new Error("bad object");
      return { name: metadata?.name ?? "", version: "1" };
    });
    cache.apply(object("bad", "1"));
    cache.apply(object("good", "2"));
    expect(errors).toEqual(["bad"]);
    expect(told).toEqual(["good ->1"]);
  });
});

describe("replace", () => {
  it("tells what is new, changed and gone, and nothing of what stayed", () => {
    const { cache, told } = setup();
    for (const name of ["stays", "changes", "goes"]) cache.apply(object(name, "1"));
    told.length = 0;
    const replacement = cache.replace();
    for (const [name, version] of [
      ["stays", "1"],
      ["changes", "5"],
      ["comes", "4"],
    ] as const) {
      replacement.add(object(name, version));
    }
    replacement.finish();
    expect(told).toEqual(["changes 1>5", "comes ->4", "goes 1>-"]);
  });

  it("believes a list with lower versions, as after etcd was restored", () => {
    const { cache } = setup();
    cache.apply(object("a", "100"));
    const replacement = cache.replace();
    replacement.add(object("a", "50"));
    replacement.finish();
    expect(cache.get("a")?.version).toBe("50");
  });

  const objects = fc.dictionary(
    fc.constantFrom("a", "b", "c", "d", "e"),
    fc.integer({ min: 1, max: 9 }),
  );
  test.prop([objects, objects])(
    "ends with exactly the list, told as one may replay",
    (old, list) => {
      const replayed = new Map<string, string>();
      const cache = new ObjectCache<string>({
        store: ({ metadata }) => metadata?.resourceVersion,
        onChange: (key, now, before) => {
          expect(before).toBe(replayed.get(key));
          if (now === undefined) replayed.delete(key);
          else replayed.set(key, now);
        },
        onHandlerError: (_key, error) => {
          throw error;
        },
      });
      for (const [name, version] of Object.entries(old)) cache.apply(object(name, String(version)));
      const replacement = cache.replace();
      for (const [name, version] of Object.entries(list)) {
        replacement.add(object(name, String(version)));
      }
      replacement.finish();
      const wanted = Object.entries(list).map(
        ([name, version]) => [name, String(version)] as const,
      );
      expect(new Map(cache.entries())).toEqual(new Map(wanted));
      expect(replayed).toEqual(new Map(wanted));
    },
  );
});
