/** Numbers of the Linux socket interface (x86-64 and arm64). */

export const AddressFamily = { inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
export const SocketType = { stream: 1, datagram: 2, raw: 3 } as const;
export const SOCK_NONBLOCK = 0x800;
export const SOCK_CLOEXEC = 0x80000;
export const MSG_DONTWAIT = 0x40;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const SO_PRIORITY = 12;
/** Network control as the kernel's own queues know it, the highest without CAP_NET_ADMIN: it leaves before bulk traffic. */
export const CONTROL_PRIORITY = 6;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;

export const SOL_PACKET = 263;
export const PACKET_IGNORE_OUTGOING = 23;

export const MSG_ERRQUEUE = 0x2000;

export const IPPROTO_IP = 0;
export const IP_TOS = 1;
/** Traffic class of network control (RFC 4594 §3.1). */
export const CLASS_CS6 = 0xc0;
export const IP_TTL = 2;
export const IP_PKTINFO = 8;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_MINTTL = 21;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_SYNCNT = 7;
export const TCP_MD5SIG = 14;
export const TCP_USER_TIMEOUT = 18;
export const IPPROTO_IPV6 = 41;
export const IPV6_RECVERR = 25;
export const IPV6_JOIN_GROUP = 20;
export const IPV6_LEAVE_GROUP = 21;
export const IPV6_V6ONLY = 26;
export const IPV6_UNICAST_HOPS = 16;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_RECVHOPLIMIT = 51;
export const IPV6_HOPLIMIT = 52;
export const IPV6_TCLASS = 67;
export const IPV6_MINHOPCOUNT = 73;

export const POLLIN = 1;
export const POLLFD_OCTETS = 8;

export const EFD_NONBLOCK = 0x800;
export const EFD_CLOEXEC = 0x80000;
export const PRIO_PROCESS = 0;

export const Errno = {
  EPERM: 1,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  ENODEV: 19,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  EAFNOSUPPORT: 97,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
  EINPROGRESS: 115,
} as const;

export const InterfaceFlag = {
  up: 0x1,
  broadcast: 0x2,
  loopback: 0x8,
  noArp: 0x80,
  lowerUp: 0x10000,
} as const;

/** ARPHRD_ETHER: the interface speaks Ethernet. */
export const ETHERNET_HARDWARE = 1;
