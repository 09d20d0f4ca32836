/**
 * The small HTTP servers of a part: `/healthz` and `/readyz` on one port, `/metrics` on another (or the same). Pepr's own port
 * carries webhooks only. With `secureMetrics` the metrics are on their own port alone, over HTTPS and for callers that may read
 * them; the kubelet, which has no token, finds the probes where they were. A port that is taken is an error that names it.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { Registry } from "prom-client";
import type { SecureMetrics } from "./secure-metrics";

/** Undefined while all is well, else the sentence that says what is missing. */
export type Probe = () => string | undefined;

export interface ProbeServerOptions {
  /** 0 turns the probes off. */
  readonly healthProbePort: number;
  readonly healthProbeHost: string;
  /** 0 turns metrics off; equal to the probe port, both share a server, unless metrics are for some only. */
  readonly metricsPort: number;
  readonly metricsHost: string;
  readonly isHealthy: Probe;
  readonly isReady: Probe;
  readonly metrics: Registry;
  /** Undefined: plain HTTP, for everybody who reaches the port. */
  readonly secureMetrics?: SecureMetrics | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "it is in use",
  EACCES: "a port below 1024 needs a right that this process has not",
  SHARED: "it is the port of the probes, and metrics over HTTPS need one of their own",
};

/** A port that could not be opened; `code` is Node's, for example `EADDRINUSE`, or `SHARED`. */
export class PortError extends Error {
  constructor(
    readonly port: number,
    readonly code: string,
    options: ErrorOptions = {},
  ) {
    super(`port ${port} cannot be opened: ${REASONS[code] ?? code}`, options);
    this.name = "PortError";
  }
}

export class ProbeServer {
  private constructor(private readonly servers: readonly (Server | TlsServer)[]) {}

  /** Resolves when all ports are open; rejects with PortError, and then none is. */
  static async start(options: ProbeServerOptions): Promise<ProbeServer> {
    const planned = plan(options);
    const server = new ProbeServer(planned.map(({ server: each }) => each));
    try {
      for (const { server: each, port, host } of planned) await listen(each, port, host);
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

interface PlannedServer {
  readonly server: Server | TlsServer;
  readonly port: number;
  readonly host: string;
}

/** The servers to open; none twice on the same port. */
function plan(options: ProbeServerOptions): readonly PlannedServer[] {
  const { healthProbePort, healthProbeHost, metricsPort, metricsHost, secureMetrics } = options;
  const probes = { port: healthProbePort, host: healthProbeHost };
  const metrics = { port: metricsPort, host: metricsHost };
  const isOn = ({ port }: { readonly port: number }): boolean => port !== 0;
  if (secureMetrics === undefined) {
    const own = healthProbePort === metricsPort ? [probes] : [metrics, probes];
    return own.filter(isOn).map(each => ({ ...each, server: createServer(everything(options)) }));
  }
  if (isOn(probes) && healthProbePort === metricsPort) throw new PortError(metricsPort, "SHARED");
  const server = createTlsServer(secureMetrics.tls, secured(secureMetrics, options.metrics));
  secureMetrics.onChange(tls => server.setSecureContext(tls));
  const planned = [
    { ...metrics, server },
    { ...probes, server: createServer(probesOnly(options)) },
  ];
  return planned.filter(isOn);
}

function everything(options: ProbeServerOptions): RequestListener {
  const others = probesOnly(options);
  return (request, response) => {
    if (pathOf(request) === "/metrics") sendMetrics(options.metrics, response);
    else others(request, response);
  };
}

function probesOnly({ isHealthy, isReady }: ProbeServerOptions): RequestListener {
  const probe = (check: Probe, response: ServerResponse): void => {
    const missing = check();
    answer(response, missing === undefined ? 200 : 503, missing ?? "ok");
  };
  return (request, response) => {
    switch (pathOf(request)) {
      case "/healthz":
        probe(isHealthy, response);
        break;
      case "/readyz":
        probe(isReady, response);
        break;
      default:
        answer(response, 404, "only /healthz, /readyz and /metrics are here");
    }
  };
}

/** Whoever may not read metrics learns nothing else either. */
function secured({ access }: SecureMetrics, metrics: Registry): RequestListener {
  return (request, response) => {
    void access.judge(request.headers.authorization).then(({ status, why }) => {
      if (status === 401) response.setHeader("www-authenticate", "Bearer");
      if (status !== 200) answer(response, status, why);
      else if (pathOf(request) === "/metrics") sendMetrics(metrics, response);
      else answer(response, 404, "only /metrics is here");
    });
  };
}

function sendMetrics(metrics: Registry, response: ServerResponse): void {
  metrics.metrics().then(
    body => answer(response, 200, body, metrics.contentType),
    (error: unknown) => answer(response, 500, String(error)),
  );
}

/** Anybody may send anything here: the target of a request need not be a URL. */
function pathOf({ url }: IncomingMessage): string | undefined {
  return url?.split("?", 1)[0];
}

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "content-type": type }).end(body);
}

function listen(server: Server | TlsServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(new PortError(port, cause.code ?? "unknown", { cause })),
    );
    server.listen(port, host, () => resolve());
  });
}
