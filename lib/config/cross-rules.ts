/** The rules about several objects, in the order in which they rest on each other. */
import { PoolSummaries, refuseLocalPrefConflicts, refuseWideAggregates } from "./bgp-conflicts";
import { readClusterNetwork, warnAddressesInUse, warnOutsideSubnets } from "./cluster-network";
import {
  coveredPools,
  warnUncoveredPools,
  warnUnknownNamespaces,
  warnUnknownPeers,
  warnUnmatchedNodes,
  warnUnmatchedPreferences,
} from "./cross-references";
import { NodeDirectory } from "./node-directory";
import { refuseMissingProfile, refuseMissingSecret, warnSameSession } from "./peer-references";
import { usableConfigs, type ReadResources, type View } from "./read-all";
import type { ConfigurationResources } from "./resources";
import { refuseEchoOverIpv6 } from "./run-time-rules";
import { warnShadowedPools } from "./shadowed-pools";

/** Reports on the subjects what is wrong between objects, and takes pools away from advertisements that must not have them. */
export function applyCrossRules(
  read: ReadResources,
  resources: ConfigurationResources,
  view: View,
): void {
  const nodes = new NodeDirectory(resources.nodes);
  const namespaces = new NodeDirectory(resources.namespaces);
  judgePeers(read, { resources, nodes, view });
  judgeBgp(read, nodes, view);
  for (const { subject, config } of [...read.peers, ...read.l2, ...read.bgp]) {
    warnUnmatchedNodes(subject, config.nodeSelectors, nodes);
  }
  const names = resources.namespaces && new Set(resources.namespaces.map(({ name }) => name));
  for (const pool of read.pools) warnUnknownNamespaces(pool, namespaces, names);
  for (const { subject, config } of read.l2) {
    warnUnmatchedPreferences(subject, config.preferredNodes, nodes);
  }
  judgePools(read, resources, view);
}

function judgePools(read: ReadResources, resources: ConfigurationResources, view: View): void {
  const onLayer2 = coveredPools(usableConfigs(read.l2, view));
  const onBgp = coveredPools(usableConfigs(read.bgp, view));
  warnUncoveredPools(read.pools, new Set([...onLayer2, ...onBgp]));
  warnShadowedPools(read.pools);
  const network = readClusterNetwork(resources, view.memo);
  warnAddressesInUse(read.pools, read.claims, network);
  // A pool that BGP announces too may be on layer 2 only because an advertisement of all pools is.
  const onLayer2Alone = new Set([...onLayer2].filter(name => !onBgp.has(name)));
  warnOutsideSubnets(read.pools, onLayer2Alone, network);
}

interface Surroundings {
  readonly resources: ConfigurationResources;
  readonly nodes: NodeDirectory;
  readonly view: View;
}

function judgePeers(read: ReadResources, { resources, nodes, view }: Surroundings): void {
  const profiles = new Set(usableConfigs(read.profiles, view).map(({ name }) => name));
  for (const peer of read.peers) {
    refuseMissingProfile(peer, profiles);
    refuseMissingSecret(peer, resources.secrets);
  }
  warnSameSession(
    read.peers.filter(({ subject }) => view.isUsable(subject)),
    nodes,
  );
}

function judgeBgp(read: ReadResources, nodes: NodeDirectory, view: View): void {
  const summaries = new PoolSummaries(read.directory);
  const peerNames = new Set(read.peers.map(({ subject }) => subject.ref.name));
  for (const advertisement of read.bgp) {
    warnUnknownPeers(advertisement, peerNames);
    refuseWideAggregates(advertisement, summaries);
  }
  const isUsable = ({ subject }: (typeof read.bgp)[number]): boolean => view.isUsable(subject);
  refuseLocalPrefConflicts(read.bgp, { summaries, nodes }, isUsable);
  refuseEchoOverIpv6(read.peers, usableConfigs(read.profiles, view), {
    advertisements: read.bgp.filter(isUsable),
    summaries,
  });
}
