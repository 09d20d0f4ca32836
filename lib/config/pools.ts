/** IPAddressPools: what one pool has to be by itself (rules V-L1 … V-L8); against other pools: pool-overlaps.ts. */
import type { IpFamily } from "../net/ip-address";
import { parseIpRange, type RangeParseError } from "../net/ip-prefix";
import { claimsOf, type Claim } from "./claims";
import type { Pool, PoolEntry, ServiceAllocation } from "./configuration";
import type { IPAddressPoolSpec } from "./generated/resources";
import { MAX_ENTRY_CHARACTERS } from "./limits";
import { refuseOwnOverlaps } from "./pool-overlaps";
import { readDistinct, readSelectors } from "./selectors";
import type { Subject } from "./subject";

/** A pool as far as it could be read, with the resource it comes from. */
export interface PoolSubject {
  readonly subject: Subject<Partial<IPAddressPoolSpec>>;
  readonly pool: Pool;
  /** Its addresses, sorted. */
  readonly claims: readonly Claim[];
  /** How many addresses it has of each family. */
  readonly sizes: Readonly<Record<IpFamily, bigint>>;
}

/** Reads one pool; everything that is wrong with it by itself is reported on the subject. */
export function readPool(subject: Subject<Partial<IPAddressPoolSpec>>): PoolSubject {
  const { spec, ref } = subject;
  const entries: PoolEntry[] = [];
  const indexes: number[] = [];
  for (const [index, text] of (spec.addresses ?? []).entries()) {
    if (subject.isFull) break;
    const entry = readEntry(subject, text, `spec.addresses[${index}]`);
    if (entry === undefined) continue;
    entries.push(entry);
    indexes.push(index);
  }
  if (spec.addresses?.length === 0) refuseEmpty(subject);
  const serviceAllocation = readServiceAllocation(subject);
  const pool: Pool = {
    name: ref.name,
    namespace: ref.namespace,
    entries,
    labels: subject.labels,
    autoAssign: spec.autoAssign ?? true,
    avoidBuggyIps: spec.avoidBuggyIPs ?? false,
    ...(serviceAllocation ? { serviceAllocation } : {}),
    ...readOptIns(spec),
  };
  const claims = claimsOf(ref, entries, indexes);
  refuseOwnOverlaps(subject, claims);
  return { subject, pool, claims, sizes: sizesOf(entries) };
}

function sizesOf(entries: readonly PoolEntry[]): Readonly<Record<IpFamily, bigint>> {
  const sizes = { ipv4: 0n, ipv6: 0n };
  for (const { range } of entries) sizes[range.family] += range.last - range.first + 1n;
  return sizes;
}

/** What MetalLB does not have; the schema has checked it. */
function readOptIns(
  spec: Partial<IPAddressPoolSpec>,
): Pick<Pool, "addressOrder" | "sharing" | "maxAddressesPerNamespace"> {
  const { addressOrder, sharing, maxAddressesPerNamespace } = spec;
  return {
    ...(addressOrder === undefined ? {} : { addressOrder }),
    ...(sharing === undefined ? {} : { sharing }),
    ...(maxAddressesPerNamespace === undefined ? {} : { maxAddressesPerNamespace }),
  };
}

const RANGE_RULES: Readonly<
  Record<RangeParseError["code"], { rule: string; reason: string; wayOut: string }>
> = {
  "not-a-range": {
    rule: "V-L2",
    reason: "is not an address, prefix or range",
    wayOut: "Write 192.0.2.0/24, 192.0.2.10-192.0.2.20 or 192.0.2.10.",
  },
  "bad-length": {
    rule: "V-L2",
    reason: "has an impossible prefix length",
    wayOut: "Write 0 to 32 behind the slash for IPv4, 0 to 128 for IPv6.",
  },
  "ends-reversed": {
    rule: "V-L3",
    reason: "ends before it begins",
    wayOut: "Write the lower address first.",
  },
  "mixed-families": {
    rule: "V-L8",
    reason: "begins in one address family and ends in the other",
    wayOut: "Both ends must be of one family: write one range for IPv4 and one for IPv6.",
  },
};

function readEntry<Spec>(
  subject: Subject<Spec>,
  text: string,
  field: string,
): PoolEntry | undefined {
  const range = parseIpRange(text.slice(0, MAX_ENTRY_CHARACTERS + 1));
  if (range.ok && text.length <= MAX_ENTRY_CHARACTERS) return { text, range: range.value };
  const code = range.ok ? "not-a-range" : range.error.code;
  subject.refuse({ ...RANGE_RULES[code], field, value: text });
  return undefined;
}

function refuseEmpty<Spec>(subject: Subject<Spec>): void {
  subject.refuse({
    rule: "V-L1",
    field: "spec.addresses",
    reason: "is empty, so the pool has no address to give",
    wayOut: "List at least one prefix, range or address, or delete the pool.",
  });
}

function readServiceAllocation(
  subject: Subject<Partial<IPAddressPoolSpec>>,
): ServiceAllocation | undefined {
  const given = subject.spec.serviceAllocation;
  if (given === undefined) return undefined;
  const field = "spec.serviceAllocation";
  const rules = { doubles: "V-L6", validity: "V-L7" };
  return {
    priority: given.priority ?? 0,
    namespaces: readDistinct(subject, given.namespaces, {
      field: `${field}.namespaces`,
      rule: "V-L5",
    }),
    namespaceSelectors: readSelectors(subject, given.namespaceSelectors, {
      field: `${field}.namespaceSelectors`,
      ...rules,
    }),
    serviceSelectors: readSelectors(subject, given.serviceSelectors, {
      field: `${field}.serviceSelectors`,
      ...rules,
    }),
  };
}
