/** Sockets by system call: thin, synchronous, never blocking but in `poll`. */
import { constants as osConstants } from "node:os";
import { assert } from "../lib/net/result";
import type { Libc } from "./ffi";
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  Errno,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  PRIO_PROCESS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SO_ATTACH_FILTER,
} from "./linux";

/** A system call that failed. `code` is the errno's name, such as EADDRINUSE. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly call: string;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.name = "SystemError";
    this.code = code;
    this.errno = errno;
    this.call = call;
  }
}

/** The name of an errno, or `errno N` for one that Node does not know. */
export function errnoName(errno: number): string {
  const entry = Object.entries(osConstants.errno).find(([, value]) => value === errno);
  return entry === undefined ? `errno ${errno}` : entry[0];
}

const MESSAGE_OCTETS = 56;
const ERROR_NAME_OCTETS = 28;
const ERROR_CONTROL_OCTETS = 128;
/** `sock_extended_err` stands behind the header of the control message. */
const CONTROL_HEADER_OCTETS = 16;

/** A `msghdr` to read one message of a socket's error queue into: whose datagram failed, and why. */
export class ErrorMessage {
  /** The socket address that the failed datagram went to. */
  readonly name = Buffer.alloc(ERROR_NAME_OCTETS);
  readonly header = Buffer.alloc(MESSAGE_OCTETS);
  readonly #control = Buffer.alloc(ERROR_CONTROL_OCTETS);
  readonly #nameAt: bigint;
  readonly #controlAt: bigint;

  constructor(sockets: Sockets) {
    this.#nameAt = sockets.addressOf(this.name);
    this.#controlAt = sockets.addressOf(this.#control);
  }

  /** The kernel writes lengths into the header: they are set anew for each call. */
  reset(): void {
    this.#control.fill(0);
    this.header.fill(0);
    this.header.writeBigUInt64LE(this.#nameAt, 0);
    this.header.writeUInt32LE(ERROR_NAME_OCTETS, 8);
    this.header.writeBigUInt64LE(this.#controlAt, 32);
    this.header.writeBigUInt64LE(BigInt(ERROR_CONTROL_OCTETS), 40);
  }

  /** The other host has nobody on the port. */
  get isRefusal(): boolean {
    return this.#control.readUInt32LE(CONTROL_HEADER_OCTETS) === Errno.ECONNREFUSED;
  }
}

export class Sockets {
  readonly #libc: Libc;
  /** In and out parameter of `recvfrom`. */
  readonly #addressLength = Buffer.alloc(4);
  readonly #eventValue = Buffer.alloc(8);

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** A new non-blocking socket, closed on exec. Throws `SystemError`. */
  open(domain: number, type: number, protocol: number): number {
    const fd = this.#libc.socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return this.#check(fd, "socket");
  }

  close(fd: number): void {
    this.#libc.close(fd);
  }

  bind(fd: number, address: Uint8Array): void {
    this.#check(this.#libc.bind(fd, address, address.length), "bind");
  }

  /** Begins to connect; what becomes of it, the socket tells by being writable. Throws `SystemError` when it fails at once. */
  connect(fd: number, address: Uint8Array): void {
    if (this.#libc.connect(fd, address, address.length) >= 0) return;
    const errno = this.#libc.errno();
    if (errno !== Errno.EINPROGRESS) throw new SystemError("connect", errno);
  }

  setOption(fd: number, level: number, option: number, value: Uint8Array): void {
    this.#check(this.#libc.setsockopt(fd, level, option, value, value.length), "setsockopt");
  }

  setIntOption(fd: number, level: number, option: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.setOption(fd, level, option, bytes);
  }

  /** Attaches a classic BPF program of 8 octets each instruction; one that is attached already is replaced at once. */
  attachFilter(fd: number, program: Uint8Array): void {
    assert(program.length > 0 && program.length % 8 === 0, "BPF program of whole instructions");
    const descriptor = Buffer.alloc(16);
    descriptor.writeUInt16LE(program.length / 8, 0);
    descriptor.writeBigUInt64LE(this.#libc.addressOf(program), 8);
    this.setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, descriptor);
  }

  /** Waits for `count` descriptors of 8 octets each; the number that are ready, or -errno. */
  poll(fds: Uint8Array, count: number, timeoutMs: number): number {
    return this.#orErrno(this.#libc.poll(fds, count, timeoutMs));
  }

  /** Octets received into `buffer`, or -errno; -EAGAIN when nothing waits. */
  receive(fd: number, buffer: Uint8Array): number {
    return this.#orErrno(this.#libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT));
  }

  /** As `receive`; writes the sender's socket address into `address`. */
  receiveFrom(fd: number, buffer: Uint8Array, address: Uint8Array): number {
    this.#addressLength.writeUInt32LE(address.length);
    const length = this.#addressLength;
    return this.#orErrno(
      this.#libc.recvfrom(fd, buffer, buffer.length, MSG_DONTWAIT, address, length),
    );
  }

  /** Takes one message from the socket's error queue; false when there is none. */
  receiveError(fd: number, message: ErrorMessage): boolean {
    message.reset();
    return this.#libc.recvmsg(fd, message.header, MSG_DONTWAIT | MSG_ERRQUEUE) >= 0;
  }

  /** Receives one datagram into what the `msghdr` points at; its octets, or -errno. */
  receiveMessage(fd: number, header: Uint8Array): number {
    return this.#orErrno(this.#libc.recvmsg(fd, header, MSG_DONTWAIT));
  }

  /** The address in memory of the octets, which must stay referenced. */
  addressOf(bytes: Uint8Array): bigint {
    return this.#libc.addressOf(bytes);
  }

  /** Octets sent on a bound packet socket, or -errno. */
  send(fd: number, bytes: Uint8Array): number {
    return this.#orErrno(this.#libc.send(fd, bytes, bytes.length, MSG_DONTWAIT));
  }

  sendTo(fd: number, bytes: Uint8Array, address: Uint8Array): number {
    return this.#orErrno(
      this.#libc.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length),
    );
  }

  /** A descriptor that becomes readable when any thread writes 8 octets to it. */
  openEvent(): number {
    return this.#check(this.#libc.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
  }

  clearEvent(fd: number): void {
    this.#libc.read(fd, this.#eventValue, this.#eventValue.length);
  }

  /** Gives this thread alone the nice value; false when the system does not allow it. */
  setThreadNice(nice: number): boolean {
    return this.#libc.setpriority(PRIO_PROCESS, this.#libc.gettid(), nice) === 0;
  }

  #orErrno(result: number): number {
    return result < 0 ? -this.#libc.errno() : result;
  }

  #check(result: number, call: string): number {
    if (result < 0) throw new SystemError(call, this.#libc.errno());
    return result;
  }
}
