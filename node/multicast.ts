/**
 * Membership in the solicited-node groups of one interface's addresses: real joins, so that MLD reports reach snooping
 * switches. Addresses that share their last 24 bits share a group. Joins and leaves are done in portions: each is a slow system
 * call, and an address is announced to all nodes before anybody solicits it. Who gives ten thousand addresses up and has them
 * again a moment later does neither.
 */
import { toSolicitedNodeAddress, type IpAddress } from "../lib/net/ip-address";
import {
  AddressFamily,
  IPPROTO_IPV6,
  IPV6_JOIN_GROUP,
  IPV6_LEAVE_GROUP,
  SocketType,
} from "./linux";
import { GROUPS_PER_SOCKET } from "./limits";
import { encodeGroupRequest } from "./socket-address";
import { SystemError, type Sockets } from "./sockets";

interface Group {
  readonly address: IpAddress;
  addresses: number;
  socket: GroupSocket | undefined;
}

interface GroupSocket {
  readonly fd: number;
  groups: number;
}

export class GroupMemberships {
  readonly #sockets: Sockets;
  readonly #interfaceIndex: number;
  readonly #groups = new Map<bigint, Group>();
  /** Groups to be joined, or, without addresses, left. */
  readonly #pending = new Set<Group>();
  readonly #open = new Set<GroupSocket>();

  constructor(sockets: Sockets, interfaceIndex: number) {
    this.#sockets = sockets;
    this.#interfaceIndex = interfaceIndex;
  }

  /** Whether groups wait to be joined or left. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  /** The address is answered for on this interface from now on; `joinPending` does the work. */
  add(address: IpAddress): void {
    const group = toSolicitedNodeAddress(address);
    const known = this.#groups.get(group.value);
    if (known !== undefined) {
      known.addresses += 1;
      if (known.socket !== undefined) this.#pending.delete(known);
      return;
    }
    const added: Group = { address: group, addresses: 1, socket: undefined };
    this.#groups.set(group.value, added);
    this.#pending.add(added);
  }

  /** The address is not answered for on this interface any more; `joinPending` does the work. */
  remove(address: IpAddress): void {
    const group = this.#groups.get(toSolicitedNodeAddress(address).value);
    if (group === undefined) return;
    group.addresses -= 1;
    if (group.addresses > 0) return;
    if (group.socket !== undefined) {
      this.#pending.add(group);
      return;
    }
    this.#pending.delete(group);
    this.#groups.delete(group.address.value);
  }

  /** Joins or leaves at most `limit` groups that wait; the first failure, if any (a group that failed is given up). */
  joinPending(limit: number): SystemError | undefined {
    let failure: SystemError | undefined;
    let left = limit;
    for (const group of this.#pending) {
      if (left === 0) break;
      left -= 1;
      this.#pending.delete(group);
      if (group.addresses > 0) {
        const failed = this.#join(group);
        failure ??= failed;
      } else this.#leave(group);
    }
    return failure;
  }

  close(): void {
    for (const { fd } of this.#open) this.#sockets.close(fd);
    this.#open.clear();
    this.#groups.clear();
    this.#pending.clear();
  }

  #join(group: Group): SystemError | undefined {
    try {
      const socket = this.#socketWithRoom();
      const request = encodeGroupRequest(group.address, this.#interfaceIndex);
      this.#sockets.setOption(socket.fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, request);
      socket.groups += 1;
      group.socket = socket;
      return undefined;
    } catch (error) {
      if (error instanceof SystemError) return error;
      throw error;
    }
  }

  #leave({ address, socket }: Group): void {
    this.#groups.delete(address.value);
    if (socket === undefined) return;
    const request = encodeGroupRequest(address, this.#interfaceIndex);
    try {
      this.#sockets.setOption(socket.fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, request);
    } catch (error) {
      // The interface went away and took the membership with it.
      if (!(error instanceof SystemError)) throw error;
    }
    socket.groups -= 1;
    if (socket.groups > 0) return;
    this.#sockets.close(socket.fd);
    this.#open.delete(socket);
  }

  #socketWithRoom(): GroupSocket {
    for (const socket of this.#open) {
      if (socket.groups < GROUPS_PER_SOCKET) return socket;
    }
    const fd = this.#sockets.open(AddressFamily.inet6, SocketType.datagram, 0);
    const socket: GroupSocket = { fd, groups: 0 };
    this.#open.add(socket);
    return socket;
  }
}
