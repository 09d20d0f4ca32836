/**
 * A packet thread with ten thousand addresses beside a main thread that lists all Services again and again: what a relist may cost the
 * answers. `relist-program.ts <packet thread bundle> <first address> <addresses>`; kubeconfig by KUBECONFIG. Ends by SIGTERM.
 */
import { ApiClient } from "../capabilities/cluster/api-client";
import { loadClusterAccess } from "../capabilities/cluster/cluster-access";
import { formatIpAddress, parseIpAddress } from "../lib/net/ip-address";
import { assert } from "../lib/net/result";
import { PacketThread } from "../node/packet-thread-handle";

async function main(): Promise<void> {
  const [bundlePath = "", firstText = "", count = "1"] = process.argv.slice(2);
  const first = parseIpAddress(firstText);
  assert(first.ok, `no address: ${firstText}`);
  const { family, value } = first.value;
  const thread = await PacketThread.start({ bundlePath, nodeName: "n1" });
  thread.post({
    type: "configure",
    nodeName: "n1",
    heartbeat: { port: 7946, bindAddresses: [], peers: [], namespace: "bench" },
    excludedInterfaces: ["^lo$", "^veth.*"],
  });
  const entries = Array.from({ length: Number(count) }, (_, index) => ({
    address: formatIpAddress({ family, value: value + BigInt(index) }),
    interfaces: "all" as const,
    candidates: ["n1"],
  }));
  thread.post({ type: "announce", entries });
  const client = new ApiClient(loadClusterAccess({ kubeconfig: undefined, env: process.env }));
  for (;;) {
    const list = await client.get<{ items: readonly unknown[] }>("/api/v1/services");
    process.stdout.write(`${list.items.length}\n`);
  }
}

void main();
