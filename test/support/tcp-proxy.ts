/** A TCP proxy on loopback that can fail the ways in which networks fail: silently, for old connections or for all. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isFrozen = false;
  #accepted = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** A proxy on a free port of 127.0.0.1 to `port` of 127.0.0.1. */
  static async listen(port: number): Promise<TcpProxy> {
    const server = createServer();
    const proxy = new TcpProxy(server);
    server.on("connection", near => proxy.#forward(near, port));
    await new Promise<void>(resolve => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections taken so far. */
  get acceptedCount(): number {
    return this.#accepted;
  }

  get openCount(): number {
    return this.#pairs.size;
  }

  /** Forwards nothing more on the open connections, and tells neither side: no FIN, no RST. New ones work. */
  freezeOpen(): void {
    for (const pair of this.#pairs) freeze(pair);
  }

  /** As `freezeOpen`, and new connections are taken but stay silent, too, until `thaw`. */
  freezeAll(): void {
    this.#isFrozen = true;
    this.freezeOpen();
  }

  /** New connections work again; frozen ones stay frozen. */
  thaw(): void {
    this.#isFrozen = false;
  }

  /** Breaks all open connections (RST). */
  sever(): void {
    for (const { near, far } of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  /** Ends everything. */
  async close(): Promise<void> {
    this.sever();
    await new Promise<void>(resolve => this.#server.close(() => resolve()));
  }

  #forward(near: Socket, port: number): void {
    this.#accepted += 1;
    const far = connect({ port, host: "127.0.0.1" });
    const pair: Pair = { near, far };
    this.#pairs.add(pair);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.pipe(far);
    far.pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
    if (this.#isFrozen) freeze(pair);
  }
}

function freeze({ near, far }: Pair): void {
  for (const socket of [near, far]) {
    socket.unpipe();
    socket.pause();
  }
}
