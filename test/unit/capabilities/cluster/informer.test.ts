import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type {
  ApiReader,
  ApiStream,
  RequestOptions,
} from "../../../../capabilities/cluster/api-client";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import { Informer, type InformerOptions } from "../../../../capabilities/cluster/informer";
import { ManualClock, settle } from "./manual-clock";

type Query = NonNullable<RequestOptions["query"]>;

/** A watch's answer that the test writes. */
class FakeStream implements ApiStream {
  readonly #waiting: ((step: IteratorResult<Uint8Array> | Error) => void)[] = [];
  readonly #steps: (IteratorResult<Uint8Array> | Error)[] = [];
  isDestroyed = false;

  send(...events: readonly object[]): Promise<void> {
    return this.sendText(events.map(event => `${JSON.stringify(event)}\n`).join(""));
  }

  sendText(text: string): Promise<void> {
    this.#push({ done: false, value: Buffer.from(text) });
    return settle();
  }

  end(): Promise<void> {
    this.#push({ done: true, value: undefined });
    return settle();
  }

  destroy(error?: Error): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.#push(error ?? { done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () =>
        new Promise((resolve, reject) => {
          this.#waiting.push(step => (step instanceof Error ? reject(step) : resolve(step)));
          this.#match();
        }),
    };
  }

  #push(step: IteratorResult<Uint8Array> | Error): void {
    this.#steps.push(step);
    this.#match();
  }

  #match(): void {
    while (this.#waiting.length > 0 && this.#steps.length > 0) {
      this.#waiting.shift()?.(this.#steps.shift()!);
    }
  }
}

/** A collection at the other end: objects by name with their versions. */
class FakeServer implements ApiReader {
  readonly objects = new Map<string, string>();
  readonly lists: Query[] = [];
  readonly watches: { readonly query: Query; readonly stream: FakeStream }[] = [];
  version = "100";
  /** Answers every request, while set. */
  failure: Error | undefined;
  pageSize = Infinity;

  get<Answer>(_path: string, options: RequestOptions = {}): Promise<Answer> {
    const query = options.query ?? {};
    this.lists.push(query);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const start = Number(query["continue"] ?? 0);
    const all = [...this.objects].map(([name, resourceVersion]) => ({
      metadata: { name, resourceVersion },
    }));
    const end = start + this.pageSize;
    const metadata = {
      resourceVersion: this.version,
      ...(end < all.length && { continue: String(end) }),
    };
    return Promise.resolve({ metadata, items: all.slice(start, end) } as Answer);
  }

  stream(_path: string, options: RequestOptions = {}): Promise<ApiStream> {
    const stream = new FakeStream();
    this.watches.push({ query: options.query ?? {}, stream });
    return this.failure === undefined ? Promise.resolve(stream) : Promise.reject(this.failure);
  }

  get watch(): FakeStream {
    return this.watches.at(-1)!.stream;
  }
}

function event(type: string, name: string, resourceVersion: string) {
  return { type, object: { metadata: { name, resourceVersion } } };
}

async function setup(options: Partial<InformerOptions<string>> = {}, server = new FakeServer()) {
  const clock = new ManualClock();
  const told: string[] = [];
  const informer = new Informer<string>({
    client: server,
    path: "/things",
    store: object => object.metadata?.resourceVersion ?? "",
    onChange: (key, now, before) => told.push(`${key} ${before ?? "-"}>${now ?? "-"}`),
    log: pino({ level: "silent" }),
    clock,
    random: () => 0,
    ...options,
  });
  informer.start();
  await settle();
  return { clock, server, informer, told };
}

const AWAY = new ApiError("connection refused", { code: "network" });
const GONE = { kind: "Status", code: 410, reason: "Expired", message: "too old" };

describe("the first list", () => {
  it("may come from the server's cache and ends in a watch with bookmarks from its version", async () => {
    const server = new FakeServer();
    server.objects.set("a", "7");
    const { informer, told } = await setup({ selectors: { labelSelector: "x=y" } }, server);
    await informer.whenSynced();
    expect(informer.isSynced).toBe(true);
    expect(told).toEqual(["a ->7"]);
    expect([...informer.values()]).toEqual(["7"]);
    expect(server.lists).toEqual([{ labelSelector: "x=y", limit: 500, resourceVersion: "0" }]);
    expect(server.watches.map(({ query }) => query)).toEqual([
      {
        labelSelector: "x=y",
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: "100",
        timeoutSeconds: 300,
      },
    ]);
  });

  it("is read page by page", async () => {
    const server = new FakeServer();
    for (const name of ["a", "b", "c", "d", "e"]) server.objects.set(name, "1");
    server.pageSize = 2;
    const { informer } = await setup({}, server);
    expect(informer.size).toBe(5);
    expect(server.lists.map(query => query["continue"])).toEqual([undefined, "2", "4"]);
  });

  it("is tried until it succeeds, with back-off", async () => {
    const server = new FakeServer();
    server.failure = AWAY;
    const { clock, informer } = await setup({}, server);
    for (const waitMs of [500, 1_000, 2_000, 4_000, 4_000]) {
      expect(clock.nextInMs).toBe(waitMs);
      await clock.advance(waitMs);
    }
    expect(informer.isSynced).toBe(false);
    server.failure = undefined;
    await clock.advance(4_000);
    await informer.whenSynced();
    expect(server.lists.length).toBe(7);
  });
});

describe("events", () => {
  it("change the copy, in whatever chunks they come", async () => {
    const { server, informer, told } = await setup();
    const text = `${JSON.stringify(event("ADDED", "ä", "101"))}\n${JSON.stringify(event("MODIFIED", "ä", "102"))}\n`;
    await server.watch.sendText(text.slice(0, 10));
    await server.watch.sendText(text.slice(10, 100));
    await server.watch.sendText(text.slice(100));
    expect(told).toEqual(["ä ->101", "ä 101>102"]);
    await server.watch.send(event("DELETED", "ä", "103"));
    expect(informer.size).toBe(0);
  });

  it("and bookmarks say from where a watch that ended goes on, without a list", async () => {
    const { clock, server } = await setup();
    await clock.advance(10_000);
    await server.watch.send(event("ADDED", "a", "101"));
    await server.watch.end();
    await server.watch.send({ type: "BOOKMARK", object: { metadata: { resourceVersion: "150" } } });
    await clock.advance(10_000);
    server.watch.destroy(new Error("ECONNRESET"));
    await clock.advance(500);
    expect(server.watches.map(({ query }) => query["resourceVersion"])).toEqual([
      "100",
      "101",
      "150",
    ]);
    expect(server.lists.length).toBe(1);
  });

  it("that come twice change nothing", async () => {
    const { server, told } = await setup();
    const added = event("ADDED", "a", "101");
    await server.watch.send(
      added,
      added,
      event("DELETED", "a", "102"),
      event("DELETED", "a", "102"),
    );
    expect(told).toEqual(["a ->101", "a 101>-"]);
    expect(server.lists.length).toBe(1);
  });

  it("of an unknown type are passed over", async () => {
    const { server, told } = await setup();
    await server.watch.send(event("LATER", "a", "101"), event("ADDED", "b", "102"));
    expect(told).toEqual(["b ->102"]);
  });
});

describe("a list of the most recent state replaces the copy", () => {
  const causes: Record<string, (server: FakeServer, clock: ManualClock) => Promise<void>> = {
    "after 410 as an ERROR event": async server => {
      await server.watch.send({ type: "ERROR", object: GONE });
    },
    "after another ERROR event": async server => {
      await server.watch.send({ type: "ERROR", object: { code: 500, message: "etcd" } });
    },
    "after 410 as the answer to a watch": async (server, clock) => {
      server.watch.destroy(new Error("ECONNRESET"));
      server.failure = new ApiError("gone", { code: "status", status: 410 });
      await clock.advance(500);
      server.failure = undefined;
    },
    "after the server was away": async (server, clock) => {
      server.watch.destroy(new Error("ECONNRESET"));
      server.failure = AWAY;
      await clock.advance(60_000);
      server.failure = undefined;
    },
    "when versions fall, as after etcd was restored": async server => {
      await server.watch.send(event("MODIFIED", "stays", "9"));
    },
    "when a bookmark's version falls": async server => {
      const object = { metadata: { resourceVersion: "9" } };
      await server.watch.send({ type: "BOOKMARK", object });
    },
    "after 90 s of silence": async (server, clock) => {
      await clock.advance(89_999);
      expect(server.watch.isDestroyed).toBe(false);
      await clock.advance(1);
    },
  };

  it.each(Object.entries(causes))("%s", async (_title, cause) => {
    const server = new FakeServer();
    for (const name of ["stays", "changes", "goes"]) server.objects.set(name, "1");
    const { clock, informer, told } = await setup({}, server);
    told.length = 0;
    server.objects.set("changes", "120").set("comes", "121").delete("goes");
    server.version = "130";
    const { watch } = server;
    await cause(server, clock);
    await clock.advance(4_000);
    expect(watch.isDestroyed).toBe(true);
    expect(told).toEqual(["changes 1>120", "comes ->121", "goes 1>-"]);
    expect(server.lists.at(-1)).toEqual({ limit: 500, resourceVersion: undefined });
    expect(server.watches.at(-1)?.query["resourceVersion"]).toBe("130");
    expect(informer.size).toBe(3);
  });

  it("and an octet within the silence, of a bookmark or of half a line, keeps the watch", async () => {
    const { clock, server, informer } = await setup();
    const { watch } = server;
    for (let minute = 0; minute < 10; minute += 1) {
      await clock.advance(60_000);
      await watch.sendText(" ");
      expect(informer.lastContactMs).toBe(clock.nowMs());
    }
    expect(watch.isDestroyed).toBe(false);
    expect(server.watches.length).toBe(1);
  });
});

describe("a server in trouble", () => {
  it("that refuses every watch is asked at most twice a second, then each 4 s", async () => {
    const { clock, server } = await setup();
    server.failure = new ApiError("too many", { code: "status", status: 429 });
    server.watch.destroy(new Error("ECONNRESET"));
    await clock.advance(60_000);
    expect(server.watches.length).toBeLessThanOrEqual(20);
    expect(server.lists.length).toBe(1);
  });

  it("that ends every watch at once is asked no more often", async () => {
    const { clock, server } = await setup();
    for (let step = 0; step < 600; step += 1) {
      await server.watch.end();
      await clock.advance(100);
    }
    expect(server.watches.length).toBeLessThanOrEqual(20);
  });

  it("that sends rubbish is connected again", async () => {
    const { clock, server, told } = await setup();
    await server.watch.sendText("<html>\n");
    await clock.advance(500);
    expect(server.watches.length).toBe(2);
    await server.watch.send(event("ADDED", "a", "101"));
    expect(told).toEqual(["a ->101"]);
  });
});

describe("refresh", () => {
  it("resolves after a list of the most recent state that began after the call", async () => {
    const { clock, server, informer } = await setup();
    server.objects.set("a", "101");
    let isRefreshed = false;
    const refreshed = informer.refresh().then(() => {
      isRefreshed = true;
    });
    expect(isRefreshed).toBe(false);
    await clock.advance(0);
    await refreshed;
    expect(informer.get("a")).toBe("101");
    expect(server.lists.at(-1)).toEqual({ limit: 500, resourceVersion: undefined });
    expect(server.watches.length).toBe(2);
  });

  it("waits for the server to come back", async () => {
    const { clock, server, informer } = await setup();
    server.failure = AWAY;
    const refreshed = informer.refresh();
    await clock.advance(30_000);
    server.failure = undefined;
    await clock.advance(4_000);
    await expect(refreshed).resolves.toBeUndefined();
  });
});

describe("stop", () => {
  it("ends the watch and every waiting, and tells nothing more", async () => {
    const { clock, server, informer, told } = await setup();
    const { watch } = server;
    const refreshed = informer.refresh();
    informer.stop();
    await expect(refreshed).rejects.toThrow("stopped");
    await watch.send(event("ADDED", "a", "101"));
    await clock.advance(600_000);
    expect(told).toEqual([]);
    expect(watch.isDestroyed).toBe(true);
    expect(server.watches.length).toBe(1);
    expect(clock.nextInMs).toBeUndefined();
    await expect(informer.refresh()).rejects.toThrow("stopped");
  });

  it("before the first list rejects whenSynced", async () => {
    const server = new FakeServer();
    server.failure = AWAY;
    const { informer } = await setup({}, server);
    informer.stop();
    await expect(informer.whenSynced()).rejects.toThrow("stopped");
  });
});

describe("an optional collection", () => {
  it.each([403, 404])("that gets %d is empty, and is looked for each minute", async status => {
    const server = new FakeServer();
    server.objects.set("a", "7");
    server.failure = new ApiError("not here", { code: "status", status });
    const { clock, informer, told } = await setup({ isOptional: true }, server);
    await informer.whenSynced();
    expect([...informer.values()]).toEqual([]);
    expect(informer.lastContactMs).toBe(clock.nowMs());
    await clock.advance(59_999);
    expect(server.lists).toHaveLength(1);
    server.failure = undefined;
    await clock.advance(1);
    expect(told).toEqual(["a ->7"]);
  });

  it("whose kind is removed is emptied", async () => {
    const server = new FakeServer();
    server.objects.set("a", "7");
    const { clock, informer, told } = await setup({ isOptional: true }, server);
    server.failure = new ApiError("not here", { code: "status", status: 404 });
    await server.watch.end();
    await clock.advance(1_000);
    expect(told).toEqual(["a ->7", "a 7>-"]);
    expect(informer.isSynced).toBe(true);
  });
});

it("reads a collection in pages from the first list on when it is asked to", async () => {
  const server = new FakeServer();
  for (const name of ["a", "b", "c"]) server.objects.set(name, "7");
  server.pageSize = 2;
  const { informer } = await setup({ isPaged: true }, server);
  await informer.whenSynced();
  expect([...informer.entries()]).toHaveLength(3);
  expect(server.lists).toEqual([
    { limit: 500, resourceVersion: undefined },
    { limit: 500, continue: "2" },
  ]);
});
