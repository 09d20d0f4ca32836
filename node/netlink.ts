/** Watches links and addresses: a monitor socket for changes, and a complete description at start and after lost changes. */
import {
  AddressFamily,
  Errno,
  POLLIN,
  POLLFD_OCTETS,
  SO_RCVBUF,
  SOL_SOCKET,
  SocketType,
} from "./linux";
import {
  NetlinkGroup,
  encodeAddressDump,
  encodeLinkDump,
  parseNetlinkMessages,
  type NetlinkEvent,
} from "./netlink-message";
import { encodeNetlinkSocketAddress } from "./socket-address";
import { SystemError, type Sockets } from "./sockets";

const NETLINK_ROUTE = 0;
const RECEIVE_OCTETS = 64 * 1024;
/** The kernel answers a request at once; this long without an answer means that none comes. */
const DUMP_TIMEOUT_MS = 1000;

export class NetlinkMonitor {
  readonly fd: number;
  readonly #sockets: Sockets;
  readonly #buffer = Buffer.alloc(RECEIVE_OCTETS);
  #sequence = 0;

  /** Listens from now on; call `describe` next. */
  constructor(sockets: Sockets) {
    this.#sockets = sockets;
    this.fd = sockets.open(AddressFamily.netlink, SocketType.raw, NETLINK_ROUTE);
    sockets.setIntOption(this.fd, SOL_SOCKET, SO_RCVBUF, 1024 * 1024);
    const groups = NetlinkGroup.link | NetlinkGroup.ipv4Address | NetlinkGroup.ipv6Address;
    sockets.bind(this.fd, encodeNetlinkSocketAddress(groups));
  }

  /** Every link and address there is now. */
  describe(): readonly NetlinkEvent[] {
    return [
      ...this.#dump(sequence => encodeLinkDump(sequence)),
      ...this.#dump(sequence => encodeAddressDump(sequence)),
    ];
  }

  /** Changes since the last call; `isLossy` when some were lost and everything must be described anew. */
  drain(): { readonly events: readonly NetlinkEvent[]; readonly isLossy: boolean } {
    const events: NetlinkEvent[] = [];
    let isLossy = false;
    for (;;) {
      const length = this.#sockets.receive(this.fd, this.#buffer);
      if (length === -Errno.ENOBUFS) isLossy = true;
      else if (length < 0) return { events, isLossy };
      else events.push(...parseNetlinkMessages(this.#buffer.subarray(0, length)));
    }
  }

  close(): void {
    this.#sockets.close(this.fd);
  }

  #dump(encode: (sequence: number) => Buffer): readonly NetlinkEvent[] {
    const fd = this.#sockets.open(AddressFamily.netlink, SocketType.raw, NETLINK_ROUTE);
    try {
      this.#sequence += 1;
      const sent = this.#sockets.sendTo(fd, encode(this.#sequence), encodeNetlinkSocketAddress(0));
      if (sent < 0) throw new SystemError("netlink request", -sent);
      return this.#readDump(fd);
    } finally {
      this.#sockets.close(fd);
    }
  }

  #readDump(fd: number): readonly NetlinkEvent[] {
    const events: NetlinkEvent[] = [];
    const pollFd = Buffer.alloc(POLLFD_OCTETS);
    pollFd.writeInt32LE(fd, 0);
    pollFd.writeInt16LE(POLLIN, 4);
    for (;;) {
      const length = this.#sockets.receive(fd, this.#buffer);
      if (length < 0) {
        if (length !== -Errno.EAGAIN) throw new SystemError("netlink answer", -length);
        const ready = this.#sockets.poll(pollFd, 1, DUMP_TIMEOUT_MS);
        if (ready === 0) throw new Error("the kernel does not answer a netlink request");
        continue;
      }
      for (const event of parseNetlinkMessages(this.#buffer.subarray(0, length))) {
        if (event.type === "done") return events;
        if (event.type === "error") throw new SystemError("netlink answer", event.errno);
        events.push(event);
      }
    }
  }
}
