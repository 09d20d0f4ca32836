import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ApiClient, type ApiClientOptions } from "../../../../capabilities/cluster/api-client";
import { ApiError, isConflict, isOutage } from "../../../../capabilities/cluster/api-error";
import { TokenSource } from "../../../../capabilities/cluster/cluster-access";
import { ManualClock } from "./manual-clock";

interface Received {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Handler = (request: Received, response: ServerResponse, socket: Socket) => void;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server on loopback that answers as the test says, and a client of it. */
async function setup(handler: Handler, options: ApiClientOptions = {}, tokens = ["token-1"]) {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const line = `${request.method ?? ""} ${request.url ?? ""}`;
      const taken = { line, headers: request.headers, body: Buffer.concat(chunks).toString() };
      received.push(taken);
      handler(taken, response, request.socket);
    });
  });
  server.on("connection", socket => sockets.add(socket));
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`);
  const token = new TokenSource(() => tokens.shift() ?? "", new ManualClock());
  const client = new ApiClient(
    { server: url, tls: { rejectUnauthorized: true }, token, namespace: undefined },
    options,
  );
  const endServer = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  ends.push(() => {
    client.close();
    endServer();
  });
  return { client, received, sockets, endServer };
}

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, headers).end(JSON.stringify(body));
  };

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.catch((caught: unknown) => caught);
  if (error instanceof ApiError) return error;
  throw new Error("no ApiError");
}

describe("requests", () => {
  it("carry path, query, token, body and content type", async () => {
    const { client, received } = await setup(answer(200, { kind: "Thing" }));
    const query = { limit: 5, watch: true, absent: undefined, labelSelector: "a=b,c" };
    expect(await client.get("/api/v1/things", { query })).toEqual({ kind: "Thing" });
    await client.post("/things", { ä: 1 });
    await client.put("/things/a", { b: 2 });
    await client.patch("/things/a", { c: 3 });
    await client.patch("/things/a", [], { contentType: "application/json-patch+json" });
    await client.delete("/things/a");
    const seen = received.map(({ line, headers, body }) => [line, headers["content-type"], body]);
    expect(seen).toEqual([
      ["GET /prefix/api/v1/things?limit=5&watch=true&labelSelector=a%3Db%2Cc", undefined, ""],
      ["POST /prefix/things", "application/json", '{"ä":1}'],
      ["PUT /prefix/things/a", "application/json", '{"b":2}'],
      ["PATCH /prefix/things/a", "application/merge-patch+json", '{"c":3}'],
      ["PATCH /prefix/things/a", "application/json-patch+json", "[]"],
      ["DELETE /prefix/things/a", undefined, ""],
    ]);
    expect(new Set(received.map(({ headers }) => headers.authorization))).toEqual(
      new Set(["Bearer token-1"]),
    );
  });

  it("share one kept-alive connection when they follow each other, and few when they do not", async () => {
    const { client, sockets } = await setup(answer(200, {}), { maxSockets: 3 });
    for (let count = 0; count < 20; count += 1) await client.get("/a");
    expect(sockets.size).toBe(1);
    await Promise.all(Array.from({ length: 50 }, () => client.get("/a")));
    expect(sockets.size).toBe(3);
  });

  it("resolve to undefined when the answer is empty", async () => {
    const { client } = await setup((_request, response) => void response.end());
    expect(await client.get("/a")).toBeUndefined();
  });
});

describe("errors", () => {
  it("carry what the server's Status says", async () => {
    const status = { kind: "Status", code: 409, reason: "Conflict", message: "modified meanwhile" };
    const { client } = await setup(answer(409, status));
    const error = await errorOf(client.put("/things/a", {}));
    expect(error).toMatchObject({ code: "status", status: 409, reason: "Conflict", body: status });
    expect(error.message).toBe("PUT /things/a: 409 Conflict: modified meanwhile");
    expect(isConflict(error)).toBe(true);
    expect(isOutage(error)).toBe(false);
  });

  it("carry Retry-After, also without a Status", async () => {
    const { client } = await setup((_request, response) => {
      response.writeHead(429, { "retry-after": "3" }).end("slow down");
    });
    const error = await errorOf(client.get("/a"));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_000, body: "slow down" });
    expect(error.message).toBe("GET /a: 429: slow down");
    expect(isOutage(error)).toBe(true);
  });

  it("tell an answer that is no JSON, one that breaks off, and no connection", async () => {
    const rubbish = await setup((_request, response) => void response.end("<html>"));
    expect(await errorOf(rubbish.client.get("/a"))).toMatchObject({ code: "malformed" });
    const broken = await setup((_request, response, socket) => {
      response.writeHead(200, { "content-length": "100" }).write("{", () => socket.destroy());
    });
    expect(await errorOf(broken.client.get("/a"))).toMatchObject({ code: "network", status: 0 });
    rubbish.endServer();
    const refused = await errorOf(rubbish.client.get("/a"));
    expect(refused.code).toBe("network");
    expect(isOutage(refused)).toBe(true);
  });

  it("tell a time limit, for silence before the answer and within it", async () => {
    const { client } = await setup(
      (request, response) => {
        if (request.line.endsWith("within")) response.writeHead(200).write("{");
      },
      { timeoutMs: 30 },
    );
    expect(await errorOf(client.get("/before"))).toMatchObject({ code: "timeout" });
    expect(await errorOf(client.get("/within"))).toMatchObject({ code: "timeout" });
    expect(await errorOf(client.stream("/before"))).toMatchObject({ code: "timeout" });
  });

  it("tell the caller's signal, given before or during the request", async () => {
    const { client } = await setup(() => undefined);
    const signal = AbortSignal.abort();
    expect(await errorOf(client.get("/a", { signal }))).toMatchObject({ code: "aborted" });
    const controller = new AbortController();
    const request = errorOf(client.get("/a", { signal: controller.signal }));
    controller.abort();
    expect(await request).toMatchObject({ code: "aborted" });
  });
});

describe("close", () => {
  it("rejects what is under way, what waits for a connection, and what comes later", async () => {
    const { client, received } = await setup(() => undefined, { maxSockets: 1 });
    const waiting = [1, 2, 3].map(() => errorOf(client.put("/a", {})));
    const stream = errorOf(client.stream("/watch"));
    client.close();
    const errors = await Promise.all([...waiting, stream, errorOf(client.get("/later"))]);
    expect(errors.map(({ code }) => code)).toEqual(Array<string>(5).fill("aborted"));
    expect(received.length).toBeLessThanOrEqual(1);
  });
});

describe("repeating", () => {
  const byToken: Handler = ({ headers }, response) => {
    response.writeHead(headers.authorization === "Bearer token-2" ? 200 : 401).end("{}");
  };

  it("happens once after 401 when the token file has another token", async () => {
    const { client, received } = await setup(byToken, {}, ["token-1", "token-2"]);
    await client.post("/a", { once: true });
    expect(received.map(({ body }) => body)).toEqual(['{"once":true}', '{"once":true}']);
    await client.get("/a");
    expect(received.length).toBe(3);
  });

  it("does not happen after 401 with the same token", async () => {
    const { client, received } = await setup(byToken);
    expect(await errorOf(client.get("/a"))).toMatchObject({ status: 401 });
    expect(received.length).toBe(1);
  });

  it("happens once on a connection that the server closed, for GET, PUT and DELETE alone", async () => {
    let isClosing = false;
    const { client, received } = await setup((_request, response, socket) => {
      if (isClosing) socket.destroy();
      else response.end("{}");
      isClosing = !isClosing;
    });
    const requests = [
      () => client.get("/a"),
      () => client.put("/a", {}),
      () => client.delete("/a"),
      () => client.post("/a", {}),
      () => client.patch("/a", {}),
    ];
    const outcomes: string[] = [];
    for (const request of requests) {
      isClosing = false;
      await client.get("/open");
      received.length = 0;
      await request().then(
        () => outcomes.push(`repeated after ${received.length - 1}`),
        (error: unknown) => outcomes.push((error as ApiError).code),
      );
    }
    expect(outcomes).toEqual([...Array<string>(3).fill("repeated after 1"), "network", "network"]);
  });
});

describe("stream", () => {
  it("gives chunks as they come, on a connection beside the pool", async () => {
    let send: (text: string) => void = () => undefined;
    const { client } = await setup(
      ({ line }, response) => {
        if (!line.endsWith("/watch")) return void response.end("{}");
        response.writeHead(200).write("1");
        send = text => void response.write(text);
      },
      { maxSockets: 1 },
    );
    const stream = await client.stream("/watch");
    const chunks = stream[Symbol.asyncIterator]();
    const next = async () => Buffer.from((await chunks.next()).value as Uint8Array).toString();
    expect(await next()).toBe("1");
    expect(await client.get("/a")).toEqual({});
    send("2");
    expect(await next()).toBe("2");
    const end = chunks.next();
    stream.destroy(new Error("enough"));
    await expect(end).rejects.toThrow("enough");
  });

  it("outlives the time limit for its headers", async () => {
    const { client } = await setup(
      (_request, response) => {
        response.writeHead(200).write("1");
        setTimeout(() => response.end("2"), 600);
      },
      { timeoutMs: 500 },
    );
    const chunks: string[] = [];
    for await (const chunk of await client.stream("/watch")) {
      chunks.push(Buffer.from(chunk).toString());
    }
    expect(chunks).toEqual(["1", "2"]);
  });

  it("rejects with the server's Status", async () => {
    const { client } = await setup(answer(410, { reason: "Expired", message: "too old" }));
    expect(await errorOf(client.stream("/watch"))).toMatchObject({
      status: 410,
      reason: "Expired",
    });
  });

  it("is ended by the signal, and by close", async () => {
    const { client } = await setup((_request, response) => void response.writeHead(200).write("1"));
    const controller = new AbortController();
    const first = await client.stream("/watch", { signal: controller.signal });
    const second = await client.stream("/watch");
    const drain = async (stream: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const chunk of stream) expect(chunk.length).toBe(1);
    };
    const drained = Promise.allSettled([drain(first), drain(second)]);
    controller.abort();
    client.close();
    expect((await drained).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
