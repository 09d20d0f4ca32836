/**
 * The C library through koffi: the few functions that Node has no equivalent for. Loaded at run time, by the thread that
 * needs it; nothing else in the program touches native code. Layouts are those of 64-bit little-endian Linux (x86-64, arm64).
 */
import { createRequire } from "node:module";
import type * as Koffi from "koffi";

/** Calls return the C function's result; after -1, `errno` is the reason, valid until the next call. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  recvfrom(
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: Uint8Array,
  ): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  send(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  sendto(
    fd: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  eventfd(initial: number, flags: number): number;
  read(fd: number, buffer: Uint8Array, length: number): number;
  gettid(): number;
  setpriority(which: number, who: number, nice: number): number;
  errno(): number;
  /** The address in memory of the octets; they must stay referenced while C uses it. */
  addressOf(bytes: Uint8Array): bigint;
}

/** Loads koffi from where this program lives and binds the functions. Throws when koffi is not installed there. */
export function loadLibc(): Libc {
  // Not an import: the bundler would try to pack the native module.
  const koffi = createRequire(__filename)("koffi") as typeof Koffi;
  // No file name: whichever C library the process has already.
  const libc = koffi.load(null);
  const bind = (prototype: string): unknown => libc.func(prototype);
  return {
    socket: bind("int socket(int, int, int)") as Libc["socket"],
    close: bind("int close(int)") as Libc["close"],
    bind: bind("int bind(int, void *, uint32_t)") as Libc["bind"],
    connect: bind("int connect(int, void *, uint32_t)") as Libc["connect"],
    setsockopt: bind("int setsockopt(int, int, int, void *, uint32_t)") as Libc["setsockopt"],
    poll: bind("int poll(void *, unsigned long, int)") as Libc["poll"],
    recv: bind("int recv(int, void *, size_t, int)") as Libc["recv"],
    recvfrom: bind("int recvfrom(int, void *, size_t, int, void *, void *)") as Libc["recvfrom"],
    recvmsg: bind("int recvmsg(int, void *, int)") as Libc["recvmsg"],
    send: bind("int send(int, void *, size_t, int)") as Libc["send"],
    sendto: bind("int sendto(int, void *, size_t, int, void *, uint32_t)") as Libc["sendto"],
    eventfd: bind("int eventfd(unsigned int, int)") as Libc["eventfd"],
    read: bind("int read(int, void *, size_t)") as Libc["read"],
    gettid: bind("int gettid()") as Libc["gettid"],
    setpriority: bind("int setpriority(int, uint32_t, int)") as Libc["setpriority"],
    errno: () => koffi.errno(),
    addressOf: bytes => koffi.address(bytes),
  };
}
