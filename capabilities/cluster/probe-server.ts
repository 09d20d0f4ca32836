/**
 * The small HTTP servers of a part: `/healthz` and `/readyz` on one port, `/metrics` on another (or the same). Pepr's own port
 * carries webhooks only. A port that is taken is an error that names it.
 */
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";

/** Undefined while all is well, else the sentence that says what is missing. */
export type Probe = () => string | undefined;

export interface ProbeServerOptions {
  /** 0 turns the probes off. */
  readonly healthProbePort: number;
  readonly healthProbeHost: string;
  /** 0 turns metrics off; equal to the probe port, both share a server. */
  readonly metricsPort: number;
  readonly metricsHost: string;
  readonly isHealthy: Probe;
  readonly isReady: Probe;
  readonly metrics: Registry;
}

/** A port that could not be opened; `code` is Node's, for example `EADDRINUSE`. */
export class PortError extends Error {
  constructor(
    readonly port: number,
    readonly code: string,
    options: ErrorOptions,
  ) {
    super(
      `port ${port} cannot be opened: ${code === "EADDRINUSE" ? "it is in use" : code}`,
      options,
    );
    this.name = "PortError";
  }
}

export class ProbeServer {
  private constructor(private readonly servers: readonly Server[]) {}

  /** Resolves when all ports are open; rejects with PortError, and then none is. */
  static async start(options: ProbeServerOptions): Promise<ProbeServer> {
    const ports = new Map<number, string>();
    if (options.metricsPort !== 0) ports.set(options.metricsPort, options.metricsHost);
    if (options.healthProbePort !== 0) ports.set(options.healthProbePort, options.healthProbeHost);
    const server = new ProbeServer([...ports].map(() => createServer(handler(options))));
    try {
      for (const [index, [port, host]] of [...ports].entries()) {
        await listen(server.servers[index], port, host);
      }
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Closes the ports and every open connection. */
  async stop(): Promise<void> {
    await Promise.all(
      this.servers.map(
        server =>
          new Promise<void>(resolve => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  }
}

function handler(options: ProbeServerOptions): Parameters<typeof createServer>[1] {
  return (request, response) => {
    const answer = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": type }).end(body);
    };
    const probe = (check: Probe): void => {
      const missing = check();
      answer(missing === undefined ? 200 : 503, missing ?? "ok");
    };
    // Anybody may send anything here: the target of a request need not be a URL.
    switch (request.url?.split("?", 1)[0]) {
      case "/healthz":
        probe(options.isHealthy);
        break;
      case "/readyz":
        probe(options.isReady);
        break;
      case "/metrics":
        options.metrics.metrics().then(
          body => answer(200, body, options.metrics.contentType),
          (error: unknown) => answer(500, String(error)),
        );
        break;
      default:
        answer(404, "only /healthz, /readyz and /metrics are here");
    }
  };
}

function listen(server: Server | undefined, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (server === undefined) {
      resolve();
      return;
    }
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(new PortError(port, cause.code ?? "unknown", { cause })),
    );
    server.listen(port, host, () => resolve());
  });
}
