/** The peer's side of a BFD session in BIRD's and FRR's words; `docs/bfd.md` shows the same lines. */

export interface PeerSession {
  /** The node's address. */
  readonly node: string;
  /** The peer's own address. */
  readonly local: string;
  readonly intervalMs: number;
  readonly multiplier?: number;
  readonly isMultiHop?: boolean;
  readonly isPassive?: boolean;
  readonly interfaceName?: string;
  readonly echoIntervalMs?: number;
}

/** BIRD with BFD alone; `neighbor` brings up what no BGP session asks for. */
export function birdBfd(session: PeerSession): string {
  const {
    node,
    local,
    intervalMs,
    multiplier = 3,
    isMultiHop = false,
    isPassive = false,
  } = session;
  const options = `interval ${intervalMs} ms; idle tx interval 1 s; multiplier ${multiplier}; passive ${isPassive ? "yes" : "no"};`;
  const device = session.interfaceName === undefined ? "" : ` dev "${session.interfaceName}"`;
  const from = isMultiHop || session.interfaceName === undefined ? ` local ${local}` : "";
  return `
router id 10.0.0.9;
protocol device {}
protocol bfd bfd1 {
  interface "*" { ${options} };
  multihop { ${options} };
  neighbor ${node}${device}${from}${isMultiHop ? " multihop on" : ""};
}
`;
}

/** FRR's bfdd alone. */
export function frrBfd(session: PeerSession): string {
  const {
    node,
    local,
    intervalMs,
    multiplier = 3,
    isMultiHop = false,
    isPassive = false,
  } = session;
  const device = session.interfaceName === undefined ? "" : ` interface ${session.interfaceName}`;
  const hops = isMultiHop ? " multihop" : "";
  return `
bfd
 peer ${node}${hops} local-address ${local}${device}
  detect-multiplier ${multiplier}
  receive-interval ${intervalMs}
  transmit-interval ${intervalMs}
${isMultiHop ? "  minimum-ttl 254\n" : ""}${isPassive ? "  passive-mode\n" : ""}${echoLines(session)}  no shutdown
 exit
exit
`;
}

function echoLines({ echoIntervalMs }: PeerSession): string {
  if (echoIntervalMs === undefined) return "";
  return `  echo transmit-interval ${echoIntervalMs}\n  echo receive-interval ${echoIntervalMs}\n  echo-mode\n`;
}
