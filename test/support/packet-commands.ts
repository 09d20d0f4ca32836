/** Builders of commands for packet threads in tests. */
import type {
  AnnouncementEntry,
  ConfigureCommand,
  HeartbeatConfig,
} from "../../node/packet-protocol";

/** A configuration without peers and without encryption; heartbeats from 192.0.2.1. */
export function configure(
  nodeName: string,
  heartbeat: Partial<HeartbeatConfig> = {},
  excludedInterfaces: readonly string[] = [],
): ConfigureCommand {
  return {
    type: "configure",
    nodeName,
    heartbeat: {
      port: 7946,
      bindAddresses: ["192.0.2.1"],
      peers: [],
      namespace: "metallb-system",
      ...heartbeat,
    },
    excludedInterfaces,
  };
}

/** An address for `candidates` on every interface. */
export function entry(
  address: string,
  candidates: readonly string[],
  interfaces: AnnouncementEntry["interfaces"] = "all",
): AnnouncementEntry {
  return { address, interfaces, candidates };
}
