/** A process that wants the Lease and says every few milliseconds whether it holds it; stopped and woken by lease.test.ts. */
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../../capabilities/cluster/cluster-access";
import { Lease } from "../../../capabilities/cluster/lease";
import { quietLog } from "./support";

const client = new ApiClient(loadClusterAccess({ env: process.env }));
const lease = new Lease({
  client,
  namespace: "default",
  name: "stopped",
  identity: "child",
  durationMs: 1_500,
  renewMs: 300,
  graceMs: 500,
  log: quietLog(),
});
lease.start();
setInterval(() => process.stdout.write(`${Date.now()} ${lease.isHeld() ? "held" : "not"}\n`), 2);
process.on("SIGTERM", () => process.exit(0));
