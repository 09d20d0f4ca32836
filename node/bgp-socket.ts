/** One TCP connection of a BGP session on Node's event loop: `Transport` over a socket that was made by system call. */
import { Socket, type ConnectOpts, type SocketConstructorOpts } from "node:net";
import { parseIpAddress, type IpAddress } from "../lib/net/ip-address";
import type { OpenTransport, Transport, TransportEvents } from "./bgp-transport";
import { errnoName, type Sockets } from "./sockets";
import { connectTcp, type ConnectingSocket } from "./tcp-options";

/** The peer gets this long to take the last words. */
const CLOSE_TIMEOUT_MS = 1000;
const READ_BUFFER_OCTETS = 64 * 1024;
const NOTHING = new Uint8Array(0);

/** What opens connections by system call. */
export function transportsOver(sockets: Sockets): OpenTransport {
  // One for all connections: octets are read, handled and forgotten before the next are read.
  const readBuffer = Buffer.alloc(READ_BUFFER_OCTETS);
  return (target, events) => new BgpSocket(connectTcp(sockets, target), readBuffer, events);
}

class BgpSocket implements Transport {
  readonly isSourceMissing: boolean;
  readonly #socket: Socket;
  readonly #events: TransportEvents;
  #isConnected = false;
  #isClosed = false;
  #isCorked = false;
  #localAddress: IpAddress | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  /** Owns the descriptor from now on. */
  constructor(
    { fd, isSourceMissing }: ConnectingSocket,
    readBuffer: Buffer,
    events: TransportEvents,
  ) {
    this.isSourceMissing = isSourceMissing;
    this.#events = events;
    const callback = (count: number, buffer: Uint8Array): boolean => {
      if (!this.#isClosed) events.octets(buffer.subarray(0, count));
      return true;
    };
    const options: SocketConstructorOpts & ConnectOpts = {
      fd,
      readable: true,
      writable: true,
      onread: { buffer: readBuffer, callback },
    };
    this.#socket = new Socket(options);
    this.#socket.on("error", error => this.#fail(describeError(error)));
    this.#socket.on("end", () => this.#fail("closed by the peer"));
    this.#socket.on("close", () => {
      clearTimeout(this.#closeTimer);
      this.#fail("closed by the peer");
      events.gone();
    });
    // A socket that is handed over while it connects has no `connect` event; its first write waits for that moment.
    this.#socket.write(NOTHING, error => this.#handleFirstWrite(error));
    this.#socket.resume();
  }

  get localAddress(): IpAddress | undefined {
    return this.#localAddress;
  }

  get unsentOctets(): number {
    return this.#socket.writableLength;
  }

  write(octets: Uint8Array): void {
    // What one turn has to say leaves in one system call.
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(() => this.#uncork());
    }
    this.#socket.write(octets, () => {
      if (!this.#isClosed) this.#events.progress(this.#socket.writableLength);
    });
  }

  close(isAbort: boolean): void {
    this.#isClosed = true;
    this.#uncork();
    if (isAbort && this.#isConnected) this.#socket.resetAndDestroy();
    else if (isAbort || !this.#isConnected) this.#socket.destroy();
    else {
      this.#socket.end();
      this.#closeTimer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS);
    }
  }

  #uncork(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket.uncork();
  }

  #handleFirstWrite(error: Error | null | undefined): void {
    // The callback may come without error though there is no connection; the `error` event then tells.
    if (error || this.#isClosed || this.#socket.remotePort === undefined) return;
    const local = parseIpAddress((this.#socket.localAddress ?? "").replace(/%.*$/, ""));
    if (!local.ok) return;
    this.#localAddress = local.value;
    this.#isConnected = true;
    this.#events.connected();
  }

  #fail(words: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.failed(words);
    this.#socket.destroy();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the peer",
  EHOSTUNREACH: "no route to the peer, or it answers no ARP or neighbor solicitation",
  ENETUNREACH: "no route to the peer",
  ETIMEDOUT: "the peer's host does not answer, or reads nothing any more",
  EPIPE: "closed by the peer",
};

function describeError(error: NodeJS.ErrnoException): string {
  const code = error.code ?? (error.errno === undefined ? error.message : errnoName(-error.errno));
  const words = WORDS[code];
  return words === undefined ? code : `${words} (${code})`;
}
