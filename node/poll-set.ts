/** Descriptors to wait for and what to do when each is readable, in the order in which they were added. */
import { POLLFD_OCTETS, POLLIN } from "./linux";
import type { Sockets } from "./sockets";

interface Watched {
  readonly fd: number;
  readonly onReadable: () => void;
}

export class PollSet {
  readonly #sockets: Sockets;
  #watched: Watched[] = [];
  #fds = Buffer.alloc(0);

  constructor(sockets: Sockets) {
    this.#sockets = sockets;
  }

  clear(): void {
    this.#watched = [];
    this.#fds = Buffer.alloc(0);
  }

  add(fd: number, onReadable: () => void): void {
    this.#watched.push({ fd, onReadable });
    this.#fds = Buffer.alloc(this.#watched.length * POLLFD_OCTETS);
    for (const [index, watched] of this.#watched.entries()) {
      this.#fds.writeInt32LE(watched.fd, index * POLLFD_OCTETS);
      this.#fds.writeInt16LE(POLLIN, index * POLLFD_OCTETS + 4);
    }
  }

  /**
   * Sleeps until something is readable or the time is over, says that it is awake, then serves what is readable (errors count
   * as readable).
   */
  wait(timeoutMs: number, onAwake?: () => void): void {
    const watched = this.#watched;
    const fds = this.#fds;
    const ready = this.#sockets.poll(fds, watched.length, timeoutMs);
    onAwake?.();
    if (ready <= 0) return;
    for (const [index, { onReadable }] of watched.entries()) {
      if (fds.readInt16LE(index * POLLFD_OCTETS + 6) !== 0) onReadable();
    }
  }
}
