/** A BGP peer of the test's own on a loopback address: it says what the test wants, and notes what it hears. */
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import {
  decodeMessage,
  encodeMessage,
  INITIAL_CONTEXT,
  type BgpMessage,
  type CodecContext,
} from "../../../lib/bgp/codec/message";
import { StreamDecoder } from "../../../lib/bgp/codec/stream-decoder";
import type { OpenMessage } from "../../../lib/bgp/codec/open";
import type { NotificationMessage } from "../../../lib/bgp/codec/notification";

export const PEER_AS = 65_002;
export const PEER_IDENTIFIER = 0x0a00_0002;

export const PEER_OPEN: OpenMessage = {
  type: "open",
  myAs: PEER_AS,
  holdTimeSeconds: 90,
  bgpIdentifier: PEER_IDENTIFIER,
  capabilities: [
    { type: "multiprotocol", afi: 1, safi: 1 },
    { type: "multiprotocol", afi: 2, safi: 1 },
    { type: "routeRefresh" },
    { type: "fourOctetAs", as: PEER_AS },
  ],
};

const CONTEXT: CodecContext = {
  ...INITIAL_CONTEXT,
  hasFourOctetAs: true,
  families: ["ipv4-unicast", "ipv6-unicast"],
};

export const KEEPALIVE = encodeMessage({ type: "keepalive" });

/** One connection that came in. */
export class PeerConnection {
  readonly socket: Socket;
  readonly heard: BgpMessage[] = [];
  isClosed = false;
  readonly #decoder = new StreamDecoder();

  constructor(socket: Socket, onMessage: (message: BgpMessage) => void) {
    this.socket = socket;
    socket.on("data", chunk => {
      this.#decoder.push(chunk);
      for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
        if (!frame.ok) throw new Error(`the speaker's stream is malformed: ${frame.error.reason}`);
        const decoded = decodeMessage(frame.value.octets, CONTEXT);
        if (!decoded.ok) throw new Error(`the speaker's message: ${decoded.error.reason}`);
        this.heard.push(decoded.value.message);
        onMessage(decoded.value.message);
      }
    });
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isClosed = true));
  }

  say(octets: Uint8Array | BgpMessage): void {
    this.socket.write(octets instanceof Uint8Array ? octets : encodeMessage(octets));
  }

  get notification(): NotificationMessage | undefined {
    return this.heard.find(
      (message): message is NotificationMessage => message.type === "notification",
    );
  }

  count(type: BgpMessage["type"]): number {
    return this.heard.filter(message => message.type === type).length;
  }
}

export interface PeerScript {
  /** What is said to the speaker's OPEN; by default `PEER_OPEN` and KEEPALIVE. */
  readonly answer?: (connection: PeerConnection) => void;
  /** By default nothing. */
  readonly onConnection?: (connection: PeerConnection, number: number) => void;
}

export class ScriptedPeer {
  readonly connections: PeerConnection[] = [];
  readonly #server: Server;
  readonly #keepalives: NodeJS.Timeout;

  private constructor(script: PeerScript) {
    const answer = script.answer ?? greet;
    this.#server = createServer(socket => {
      const connection = new PeerConnection(socket, message => {
        if (message.type === "open") answer(connection);
      });
      this.connections.push(connection);
      script.onConnection?.(connection, this.connections.length);
    });
    this.#keepalives = setInterval(() => this.#keepAlive(), 1_000);
  }

  static async listen(address: string, script: PeerScript = {}): Promise<ScriptedPeer> {
    const peer = new ScriptedPeer(script);
    peer.#server.listen(0, address);
    await once(peer.#server, "listening");
    return peer;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return address.port;
  }

  /** The latest connection. */
  get connection(): PeerConnection | undefined {
    return this.connections.at(-1);
  }

  /** Says nothing more on its own. */
  fallSilent(): void {
    clearInterval(this.#keepalives);
  }

  close(): void {
    this.fallSilent();
    for (const { socket } of this.connections) socket.destroy();
    this.#server.close();
  }

  #keepAlive(): void {
    const connection = this.connection;
    if (connection !== undefined && connection.count("keepalive") > 0 && !connection.isClosed) {
      connection.say(KEEPALIVE);
    }
  }
}

/** OPEN and KEEPALIVE in one breath. */
export function greet(connection: PeerConnection): void {
  connection.say(PEER_OPEN);
  connection.say(KEEPALIVE);
}
