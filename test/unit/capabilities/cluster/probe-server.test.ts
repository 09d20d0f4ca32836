import { connect, createServer, type AddressInfo } from "node:net";
import { Gauge, Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PortError, ProbeServer } from "../../../../capabilities/cluster/probe-server";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** The status line and the rest of the answer to a request line, however odd that is. */
async function ask(port: number, requestLine: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(`${requestLine} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

let port: number;
let server: ProbeServer;
let missing: string | undefined;

async function start(): Promise<ProbeServer> {
  const metrics = new Registry();
  new Gauge({ name: "herald_test", help: "test", registers: [metrics] }).set(7);
  return ProbeServer.start({
    healthProbePort: port,
    healthProbeHost: "127.0.0.1",
    metricsPort: port,
    metricsHost: "127.0.0.1",
    isHealthy: () => undefined,
    isReady: () => missing,
    metrics,
  });
}

beforeEach(async () => {
  port = await freePort();
  missing = undefined;
  server = await start();
});

afterEach(() => server.stop());

describe("ProbeServer", () => {
  it("answers probes and metrics", async () => {
    expect(await ask(port, "GET /healthz?verbose")).toMatch(/^HTTP\/1.1 200 [^]*ok/);
    expect(await ask(port, "GET /readyz")).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask(port, "GET /metrics")).toContain("herald_test 7");
  });

  it("says what is missing until it is ready", async () => {
    missing = "the Lease is held by another one";
    expect(await ask(port, "GET /readyz")).toMatch(/^HTTP\/1.1 503 [^]*the Lease is held/);
  });

  it.each(["GET //", "GET http://", "GET *", "GET /%", "GET http://[", "OPTIONS *"])(
    "survives %s",
    async requestLine => {
      expect(await ask(port, requestLine)).toMatch(/^HTTP\/1.1 4\d\d /);
      expect(await ask(port, "GET /healthz")).toMatch(/^HTTP\/1.1 200 /);
    },
  );

  it("names a port that is taken, and leaves none open", async () => {
    const error = await start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(PortError);
    expect(String(error)).toContain(`port ${port} cannot be opened: it is in use`);
  });
});
