/** The packet thread's end of its port to the BGP thread. Messages are taken by hand: the thread never runs its event loop. */
import { MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { assert } from "../lib/net/result";
import type { BfdRequests, BfdStateMessage } from "./bgp-protocol";

export class BfdPort {
  readonly #port: MessagePort;

  /** `port` came with a `BfdPortCommand`. */
  constructor(port: unknown) {
    assert(port instanceof MessagePort, "the BGP thread is reached by a message port");
    this.#port = port;
  }

  /** The latest set of sessions that waits; undefined when there is none. */
  take(): BfdRequests | undefined {
    let latest: BfdRequests | undefined;
    for (;;) {
      const received = receiveMessageOnPort(this.#port) as { message: BfdRequests } | undefined;
      if (received === undefined) return latest;
      latest = received.message;
    }
  }

  tell(message: BfdStateMessage): void {
    this.#port.postMessage(message);
  }

  close(): void {
    this.#port.close();
  }
}
