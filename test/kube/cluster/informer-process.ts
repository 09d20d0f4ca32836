/** A process with nothing but a copy of all Services, which says what memory it takes; see informer.test.ts. */
import { pino } from "pino";
import { ApiClient } from "../../../capabilities/cluster/api-client";
import { loadClusterAccess } from "../../../capabilities/cluster/cluster-access";
import { Informer } from "../../../capabilities/cluster/informer";

const informer = new Informer({
  client: new ApiClient(loadClusterAccess({ env: process.env })),
  path: "/api/v1/services",
  // What a controller keeps: the whole object without what only other programs read.
  store: ({ metadata, spec, status }: { metadata?: object; spec?: object; status?: object }) => ({
    metadata: { ...metadata, managedFields: undefined },
    spec,
    status,
  }),
  log: pino({ level: "silent" }),
});

function measure(): void {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send?.({ rssMb: Math.round(rss / 1e6), heapMb: Math.round(heapUsed / 1e5) / 10 });
}

process.on("message", command => {
  if (command === "measure") measure();
  else void informer.refresh().then(measure);
});
informer.start();
void informer.whenSynced().then(measure);
