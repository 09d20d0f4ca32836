/** Rules about several objects that only hold when the configuration is used (V-X1, V-X4). */
import type { ReadBgpAdvertisement } from "./bgp-advertisements";
import type { PoolSummaries } from "./bgp-conflicts";
import type { BfdProfileConfig } from "./configuration";
import type { ReadPeer } from "./peer-references";
import { formatObject } from "./problem";
import type { ConfigMapInfo } from "./resources";
import { Subject } from "./subject";

/** Rule V-X1: BFD's echo function is not spoken over IPv6, so such a peer cannot watch routes of IPv6 pools. */
export function refuseEchoOverIpv6(
  peers: readonly ReadPeer[],
  profiles: readonly BfdProfileConfig[],
  { advertisements, summaries }: Advertised,
): void {
  const echoing = new Set(
    profiles.filter(profile => profile.isEchoEnabled).map(profile => profile.name),
  );
  if (echoing.size === 0) return;
  const withIpv6 = advertisements.flatMap(advertisement => {
    const pool = advertisement.config.pools.find(name => summaries.get(name).ipv6 !== undefined);
    return pool === undefined ? [] : [{ advertisement, pool }];
  });
  for (const { subject, config } of peers) {
    const { bfdProfile = "", name } = config;
    if (!echoing.has(bfdProfile)) continue;
    const reaching = withIpv6.find(({ advertisement }) => {
      const named = advertisement.config.peers;
      return named.length === 0 || named.includes(name);
    });
    if (reaching === undefined) continue;
    const { namespace } = subject.ref;
    const pool = summaries.refOf(reaching.pool);
    subject.refuseForNow({
      rule: "V-X1",
      field: "spec.bfdProfile",
      value: bfdProfile,
      reason: `has echoMode, which does not work for the IPv6 addresses of ${formatObject(pool)} that this peer gets`,
      wayOut: "Turn echoMode off, or announce only IPv4 pools to this peer.",
      related: [
        { kind: "BFDProfile", namespace, name: bfdProfile },
        reaching.advertisement.subject.ref,
        pool,
      ],
    });
  }
}

interface Advertised {
  readonly advertisements: readonly ReadBgpAdvertisement[];
  readonly summaries: PoolSummaries;
}

/** Rule V-X4: raw text for FRR, which Herald does not use. */
export function judgeBgpExtras(configMap: ConfigMapInfo): Subject<unknown> {
  const { name, namespace } = configMap;
  const ref = { kind: "ConfigMap", namespace, name };
  const subject = new Subject(ref, { labels: {}, spec: {}, createdAt: "" });
  subject.refuse({
    rule: "V-X4",
    field: "data.extras",
    reason: "holds configuration for FRR, which Herald does not run",
    wayOut:
      "Delete the ConfigMap; what it did has to be expressed in BGPPeers and BGPAdvertisements.",
  });
  return subject;
}
