/** A peer that keeps what it is told: the slow, obvious reading of every message the Adj-RIB-Out sends. */
import { decodeMessage, type BgpMessage } from "../../../../../lib/bgp/codec/message";
import type { PathAttribute } from "../../../../../lib/bgp/codec/path-attribute";
import type { UpdateMessage } from "../../../../../lib/bgp/codec/update";
import type { NegotiatedSession } from "../../../../../lib/bgp/negotiation";
import type { NextHops } from "../../../../../lib/bgp/adj-rib-out";
import { formatIpPrefix, type IpPrefix } from "../../../../../lib/net/ip-prefix";
import { toAddress } from "./golden";

export const SESSION: NegotiatedSession = {
  localAs: 64_512,
  remoteAs: 65_002,
  remoteIdentifier: 0x0a00_0002,
  isExternal: true,
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  families: ["ipv4-unicast", "ipv6-unicast"],
  hasFourOctetAs: true,
  allowsIpv6NextHopForIpv4: false,
  maxMessageOctets: 4_096,
  hasEnhancedRouteRefresh: false,
};

export const NEXT_HOPS: NextHops = {
  "ipv4-unicast": { type: "classic", address: toAddress("192.0.2.1") },
  "ipv6-unicast": {
    type: "mp",
    address: toAddress("2001:db8::1"),
    linkLocal: toAddress("fe80::1"),
  },
};

export class ModelPeer {
  /** Prefix text to the JSON of its attributes. */
  readonly table = new Map<string, string>();
  /** What came, one word each: `announce 2`, `withdraw 1`, `end-of-rib ipv4-unicast`, `refresh 1`. */
  readonly log: string[] = [];
  octets = 0;
  updates = 0;
  readonly #session: NegotiatedSession;

  constructor(session: NegotiatedSession = SESSION) {
    this.#session = session;
  }

  /** Reads messages as a strict peer does; whatever is wrong throws. */
  read(messages: readonly Uint8Array[]): this {
    for (const octets of messages) {
      if (octets.length > this.#session.maxMessageOctets) throw new Error("message too long");
      const decoded = decodeMessage(octets, this.#session);
      if (!decoded.ok) throw new Error(decoded.error.reason);
      if (decoded.value.problems.length > 0) throw new Error(decoded.value.problems[0]?.reason);
      this.octets += octets.length;
      this.#apply(decoded.value.message);
    }
    return this;
  }

  #apply(message: BgpMessage): void {
    if (message.type === "routeRefresh") this.log.push(`refresh ${message.subtype}`);
    if (message.type !== "update") return;
    this.updates += 1;
    const announced: IpPrefix[][] = [[...message.nlri]];
    const withdrawn: IpPrefix[][] = [[...message.withdrawn]];
    let family = "ipv4-unicast";
    for (const attribute of message.attributes) {
      if (attribute.type === "mpReachNlri") announced.push([...attribute.nlri]);
      if (attribute.type !== "mpUnreachNlri") continue;
      withdrawn.push([...attribute.withdrawn]);
      ({ family } = attribute);
    }
    const filled = [...announced, ...withdrawn].filter(field => field.length > 0);
    if (filled.length > 1) throw new Error("two fields in one UPDATE (RFC 7606 §5.1)");
    this.#announce(announced.flat(), message);
    this.#withdraw(withdrawn.flat());
    if (filled.length === 0) this.log.push(`end-of-rib ${family}`);
  }

  #announce(prefixes: readonly IpPrefix[], message: UpdateMessage): void {
    if (prefixes.length === 0) return;
    this.log.push(`announce ${prefixes.length}`);
    for (const prefix of prefixes)
      this.table.set(formatIpPrefix(prefix), describe(message.attributes));
  }

  #withdraw(prefixes: readonly IpPrefix[]): void {
    if (prefixes.length === 0) return;
    this.log.push(`withdraw ${prefixes.length}`);
    for (const prefix of prefixes) this.table.delete(formatIpPrefix(prefix));
  }
}

/** Attributes without NLRI, as text that is equal for equal attributes. */
export function describe(attributes: readonly PathAttribute[]): string {
  return JSON.stringify(
    attributes.map(attribute =>
      attribute.type === "mpReachNlri" ? { ...attribute, nlri: [] } : attribute,
    ),
    (_key, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value),
  );
}
