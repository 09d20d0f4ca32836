/**
 * Pools against the addresses that the cluster uses itself (rules H-R9 … H-R12): of nodes, Pods and cluster IPs. Only what is known
 * is compared; a prefix length that nobody told is never assumed to be another.
 */
import { addressBits, parseIpAddress, type IpAddress, type IpFamily } from "../net/ip-address";
import { parseIpPrefix, rangesOverlap, toIpRange, toPrefix, type IpRange } from "../net/ip-prefix";
import { overlapping, type Claim, type Claims } from "./claims";
import type { PoolSubject } from "./pools";
import { compareText, formatObject, quote, type ObjectRef } from "./problem";
import type { ReadMemo } from "./read-memo";
import type { ConfigurationResources, NodeInfo } from "./resources";

/** Addresses that are in use for something else. */
interface Used {
  readonly range: IpRange;
  readonly text: string;
  /** Absent for what belongs to the whole cluster. */
  readonly node?: ObjectRef;
}

export interface ClusterNetwork {
  readonly nodes: readonly NodeNetwork[];
  readonly serviceCidrs: readonly Used[];
}

interface NodeNetwork {
  readonly addresses: readonly Used[];
  readonly podCidrs: readonly Used[];
  /** Undefined when nobody knows them. */
  readonly subnets: readonly Used[] | undefined;
}

/** What of the cluster's own addresses is known. Texts that are no address or prefix are left out. */
export function readClusterNetwork(
  { nodes = [], serviceCidrs = [] }: ConfigurationResources,
  memo: ReadMemo,
): ClusterNetwork {
  return {
    nodes: nodes.map(node => memo.get("Node", node, () => readNode(node))),
    serviceCidrs: toPrefixRanges(serviceCidrs),
  };
}

/** Rules H-R9 … H-R11: what a Service must not be given, because somebody else has it. */
export function warnAddressesInUse(
  pools: readonly PoolSubject[],
  claims: Claims,
  network: ClusterNetwork,
): void {
  let subjects: ReadonlyMap<string, PoolSubject["subject"]> | undefined;
  for (const { rule, used, describe, wayOut } of usesOf(network)) {
    for (const [claim, { first, count }] of collisions(claims, used)) {
      subjects ??= new Map(pools.map(({ subject }) => [subject.ref.name, subject]));
      const more = count > 1 ? ` (and ${count - 1} more)` : "";
      subjects.get(claim.owner.name)?.warn({
        rule,
        field: `spec.addresses[${claim.index}]`,
        value: claim.text,
        reason: `${describe(first)}${more}`,
        wayOut,
      });
    }
  }
}

/** Rule H-R12: of the pools named, the entries that no node can reach with ARP or NDP. */
export function warnOutsideSubnets(
  pools: readonly PoolSubject[],
  names: ReadonlySet<string>,
  network: ClusterNetwork,
): void {
  const judge = subnetJudge(network);
  for (const { subject, claims } of pools) {
    if (subject.isBroken || !names.has(subject.ref.name)) continue;
    for (const claim of claims) judge(subject, claim);
  }
}

type SubnetJudge = (subject: PoolSubject["subject"], claim: Claim) => void;

/** A warning from what is known, else a guess that is told as one. */
function subnetJudge(network: ClusterNetwork): SubnetJudge {
  const known = knownSubnets(network);
  const guessed = guessedSubnets(network);
  const at = ({ index, text }: Claim) =>
    ({ rule: "H-R12", field: `spec.addresses[${index}]`, value: text }) as const;
  if (known) {
    return (subject, claim) => {
      if (isOutside(claim.range, known)) subject.warn({ ...at(claim), ...OUTSIDE });
    };
  }
  return (subject, claim) => {
    const { family } = claim.range;
    if (isOutside(claim.range, guessed[family])) {
      subject.inform({ ...at(claim), ...guess(family) });
    }
  };
}

/** False when nothing is known to compare with. */
function isOutside(range: IpRange, subnets: readonly IpRange[] | undefined): boolean {
  return subnets !== undefined && !subnets.some(subnet => rangesOverlap(subnet, range));
}

const OUTSIDE = {
  reason: "is in no subnet of any node, so that nobody there asks for its addresses by ARP or NDP",
  wayOut: "Use addresses of a subnet that nodes are in, or announce the pool over BGP.",
};

const GUESSED_BITS: Readonly<Record<IpFamily, number>> = { ipv4: 16, ipv6: 48 };

function guess(family: IpFamily): { readonly reason: string; readonly wayOut: string } {
  return {
    reason: `seems to be in no subnet of any node: none has an address in the same /${GUESSED_BITS[family]}`,
    wayOut:
      "This is a guess, for the nodes do not tell their prefix lengths; layer 2 works in subnets of the nodes only.",
  };
}

interface Use {
  readonly rule: string;
  readonly used: readonly Used[];
  readonly describe: (used: Used) => string;
  readonly wayOut: string;
}

function usesOf({ nodes, serviceCidrs }: ClusterNetwork): readonly Use[] {
  const nodeOf = ({ node }: Used): string => (node ? formatObject(node) : "a node");
  return [
    {
      rule: "H-R9",
      used: nodes.flatMap(({ addresses }) => addresses),
      describe: used => `contains ${quote(used.text)}, an address of ${nodeOf(used)}`,
      wayOut: "Take it out of the pool, or a Service may get it and the node is cut off.",
    },
    {
      rule: "H-R10",
      used: nodes.flatMap(({ podCidrs }) => podCidrs),
      describe: used => `overlaps ${quote(used.text)}, the Pod network of ${nodeOf(used)}`,
      wayOut: "Choose addresses that nothing else uses: here Pods and Services would collide.",
    },
    {
      rule: "H-R11",
      used: serviceCidrs,
      describe: used => `overlaps ${quote(used.text)}, where the cluster IPs of Services are from`,
      wayOut: "Choose addresses that nothing else uses: here cluster IPs would collide.",
    },
  ];
}

/** Pairs that are looked at; beyond them the configuration is so far off that more of the same says nothing. */
const MAX_COLLISIONS = 20_000;

/** For each claim that collides the first one it collides with, and how many there are. */
function collisions(
  claims: Claims,
  used: readonly Used[],
): ReadonlyMap<Claim, { readonly first: Used; readonly count: number }> {
  const found = new Map<Claim, { first: Used; count: number }>();
  let pairs = 0;
  for (const item of used) {
    for (const claim of overlapping(claims[item.range.family], item.range)) {
      if ((pairs += 1) > MAX_COLLISIONS) return found;
      const before = found.get(claim);
      const first = before === undefined || isBefore(item, before.first) ? item : before.first;
      found.set(claim, { first, count: (before?.count ?? 0) + 1 });
    }
  }
  return found;
}

/** The same one is named whatever the order of the nodes. */
function isBefore(left: Used, right: Used): boolean {
  const order =
    compareText(left.node?.name ?? "", right.node?.name ?? "") ||
    compareText(left.text, right.text);
  return order < 0;
}

/** The subnets of all nodes; undefined unless those of every node are known. */
function knownSubnets({ nodes }: ClusterNetwork): readonly IpRange[] | undefined {
  const subnets = nodes.map(node => node.subnets);
  if (subnets.length === 0 || subnets.includes(undefined)) return undefined;
  return distinct(subnets.flatMap(list => list ?? []).map(({ range }) => range));
}

/** What is around the nodes, for each family that every node has an address of. */
function guessedSubnets({ nodes }: ClusterNetwork): Partial<Record<IpFamily, readonly IpRange[]>> {
  const families = (["ipv4", "ipv6"] as const).filter(
    family =>
      nodes.length > 0 &&
      nodes.every(({ addresses }) => addresses.some(({ range }) => range.family === family)),
  );
  const around = (family: IpFamily): readonly IpRange[] =>
    distinct(
      nodes
        .flatMap(({ addresses }) => addresses.map(({ range }) => range))
        .filter(range => range.family === family)
        .map(({ first }) => toIpRange(toPrefix({ family, value: first }, GUESSED_BITS[family]))),
    );
  return Object.fromEntries(families.map(family => [family, around(family)]));
}

function distinct(ranges: readonly IpRange[]): readonly IpRange[] {
  const key = ({ family, first, last }: IpRange): string => `${family} ${first} ${last}`;
  return [...new Map(ranges.map(range => [key(range), range])).values()];
}

function readNode({ name, addresses = [], podCidrs = [], subnets }: NodeInfo): NodeNetwork {
  const node = { kind: "Node", namespace: "", name };
  return {
    addresses: addresses.flatMap(text => {
      const address = parseIpAddress(text);
      return address.ok ? [{ range: toSingle(address.value), text, node }] : [];
    }),
    podCidrs: toPrefixRanges(podCidrs, node),
    subnets: subnets && toPrefixRanges(subnets, node),
  };
}

function toPrefixRanges(texts: readonly string[], node?: ObjectRef): readonly Used[] {
  return texts.flatMap(text => {
    const prefix = parseIpPrefix(text);
    return prefix.ok ? [{ range: toIpRange(prefix.value), text, ...(node && { node }) }] : [];
  });
}

function toSingle(address: IpAddress): IpRange {
  return toIpRange(toPrefix(address, addressBits(address.family)));
}
