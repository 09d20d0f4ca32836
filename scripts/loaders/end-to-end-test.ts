/**
 * The program of `helm test`: a bad pool has to be refused by admission; with `--address`, a Service of this Pod has to get that
 * address, has to be announced by a node, and has to answer on it. What was made is removed, whatever came out.
 */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ApiClient } from "../../capabilities/cluster/api-client";
import { ApiError } from "../../capabilities/cluster/api-error";
import { loadClusterAccess } from "../../capabilities/cluster/cluster-access";

const NAME = "herald-end-to-end-test";
const PORT = 8080;
const PAGE = `${NAME} on its own address\n`;
const LIMIT_MS = 30_000;
const RETRY_MS = 250;

interface TestOptions {
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly address: string | undefined;
  readonly loadBalancerClass: string | undefined;
}

interface Service {
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] };
  };
}

async function main(): Promise<void> {
  const options = readArguments(process.argv.slice(2));
  const access = loadClusterAccess({ env: process.env });
  const client = new ApiClient(access, { userAgent: NAME });
  await refusesBadPool(client, options.namespace);
  if (options.address === undefined) return;
  const made: string[] = [];
  try {
    await announces(client, options, made);
  } finally {
    for (const path of made.reverse()) await client.delete(path);
  }
}

function readArguments(argv: readonly string[]): TestOptions {
  const text = { type: "string" } as const;
  const options = { namespace: text, "pod-selector": text, address: text, "lb-class": text };
  const { values } = parseArgs({ args: [...argv], options });
  const [name = "", value = ""] = (values["pod-selector"] ?? "").split("=");
  return {
    namespace: values.namespace ?? "metallb-system",
    selector: { [name]: value },
    address: values.address,
    loadBalancerClass: values["lb-class"],
  };
}

async function refusesBadPool(client: ApiClient, namespace: string): Promise<void> {
  const bad = pool(namespace, "192.0.2.1-192.0.2.999");
  try {
    await client.post(`${collection(namespace, "ipaddresspools")}?dryRun=All`, bad);
  } catch (error) {
    if (!(error instanceof ApiError) || !error.message.includes("denied the request")) throw error;
    console.log(`a bad pool is refused: ${error.message}`);
    return;
  }
  throw new Error("a bad pool was accepted: admission does not work");
}

async function announces(client: ApiClient, options: TestOptions, made: string[]): Promise<void> {
  const { namespace, address = "" } = options;
  await new Promise<void>(resolve => {
    createServer((_, response) => response.end(PAGE)).listen(PORT, () => resolve());
  });
  const create = async (path: string, body: object): Promise<void> => {
    await client.post(path, body);
    made.push(`${path}/${NAME}`);
  };
  const bits = address.includes(":") ? 128 : 32;
  await create(collection(namespace, "ipaddresspools"), pool(namespace, `${address}/${bits}`));
  await create(collection(namespace, "l2advertisements"), advertisement(namespace));
  const services = `/api/v1/namespaces/${namespace}/services`;
  await create(services, service(options));
  await until(`the Service has the address ${address}`, async () => {
    const { status } = await client.get<Service>(`${services}/${NAME}`);
    return status?.loadBalancer?.ingress?.some(({ ip }) => ip === address) === true;
  });
  await until("a node announces it", async () => {
    const query = { labelSelector: `metallb.io/service-name=${NAME}` };
    const path = collection(namespace, "servicel2statuses");
    const { items } = await client.get<{ items: readonly unknown[] }>(path, { query });
    return items.length > 0;
  });
  await until("it answers", async () => (await fetchPage(address)) === PAGE);
}

async function fetchPage(address: string): Promise<string> {
  const host = address.includes(":") ? `[${address}]` : address;
  try {
    const answer = await fetch(`http://${host}/`, { signal: AbortSignal.timeout(2_000) });
    return await answer.text();
  } catch {
    return "";
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs)
      throw new Error(`not within ${LIMIT_MS / 1_000} s: ${what}`);
    await sleep(RETRY_MS);
  }
  console.log(what);
}

function collection(namespace: string, plural: string): string {
  return `/apis/metallb.io/v1beta1/namespaces/${namespace}/${plural}`;
}

function pool(namespace: string, addresses: string): object {
  return {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: NAME, namespace },
    spec: { addresses: [addresses], autoAssign: false },
  };
}

function advertisement(namespace: string): object {
  return {
    apiVersion: "metallb.io/v1beta1",
    kind: "L2Advertisement",
    metadata: { name: NAME, namespace },
    spec: { ipAddressPools: [NAME] },
  };
}

function service({ namespace, selector, address = "", loadBalancerClass }: TestOptions): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: NAME,
      namespace,
      annotations: { "metallb.io/address-pool": NAME },
    },
    spec: {
      type: "LoadBalancer",
      ipFamilies: [address.includes(":") ? "IPv6" : "IPv4"],
      selector,
      ports: [{ port: 80, targetPort: PORT }],
      ...(loadBalancerClass === undefined ? {} : { loadBalancerClass }),
    },
  };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
