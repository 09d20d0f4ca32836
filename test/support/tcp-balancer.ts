/**
 * A TCP load balancer on loopback, as a Service is one: each new connection goes to the next backend that says it is ready; open
 * connections stay where they are.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface Backend {
  readonly port: number;
  /** Where `/readyz` is asked. */
  readonly probePort: number;
}

interface Watched extends Backend {
  isReady: boolean;
}

const PROBE_MS = 50;
const PROBE_TIMEOUT_MS = 500;

export class TcpBalancer {
  readonly #server: Server;
  readonly #backends: readonly Watched[];
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #refused = 0;

  private constructor(server: Server, backends: readonly Backend[]) {
    this.#server = server;
    this.#backends = backends.map(backend => ({ ...backend, isReady: false }));
    server.on("connection", near => this.#forward(near));
    this.#timer = setInterval(() => void this.#probe(), PROBE_MS);
  }

  /** A balancer on `port` of 127.0.0.1, a free one when it is 0. */
  static async listen(port: number, backends: readonly Backend[]): Promise<TcpBalancer> {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(port, "127.0.0.1", resolve));
    return new TcpBalancer(server, backends);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that met no ready backend. */
  get refusedCount(): number {
    return this.#refused;
  }

  get readyCount(): number {
    return this.#backends.filter(({ isReady }) => isReady).length;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  async #probe(): Promise<void> {
    const ask = async (backend: Watched): Promise<void> => {
      const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
      const url = `http://127.0.0.1:${backend.probePort}/readyz`;
      backend.isReady = await fetch(url, { signal }).then(
        answer => answer.ok,
        () => false,
      );
    };
    await Promise.all(this.#backends.map(ask));
  }

  #forward(near: Socket): void {
    const ready = this.#backends.filter(({ isReady }) => isReady);
    const backend = ready[this.#next++ % Math.max(1, ready.length)];
    if (backend === undefined) {
      this.#refused += 1;
      near.destroy();
      return;
    }
    const far = connect({ port: backend.port, host: "127.0.0.1", noDelay: true });
    near.setNoDelay(true);
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
