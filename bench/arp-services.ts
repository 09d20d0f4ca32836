/**
 * Makes the Services of `bench/arp.ts`: `arp-services.ts <from> <to>`, kubeconfig by KUBECONFIG. Each has an IPv4 and an IPv6 address and
 * an endpoint on n1, all written by hand; kube-proxy passes over them.
 */
import { ApiClient } from "../capabilities/cluster/api-client";
import { loadClusterAccess } from "../capabilities/cluster/cluster-access";

const WRITERS = 16;

async function main(from: number, to: number): Promise<void> {
  const access = loadClusterAccess({ kubeconfig: undefined, env: process.env });
  const client = new ApiClient(access, { maxSockets: WRITERS });
  let next = from;
  const writers = Array.from({ length: WRITERS }, async () => {
    while (next < to) {
      const index = next;
      next += 1;
      await create(client, index);
    }
  });
  await Promise.all(writers);
  client.close();
}

async function create(client: ApiClient, index: number): Promise<void> {
  const name = `bench-${index}`;
  const services = "/api/v1/namespaces/default/services";
  await client.post(services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: { "service.kubernetes.io/service-proxy-name": "none" } },
    spec: {
      type: "LoadBalancer",
      allocateLoadBalancerNodePorts: false,
      ports: [{ port: 80 }],
    },
  });
  await client.post("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 80 }],
    endpoints: [{ addresses: ["10.244.1.2"], nodeName: "n1", conditions: { ready: true } }],
  });
  const ipv4 = `10.50.${index >> 8}.${index & 255}`;
  const ipv6 = `fd00:50::${(index + 1).toString(16)}`;
  const status = { loadBalancer: { ingress: [{ ip: ipv4 }, { ip: ipv6 }] } };
  await client.patch(`${services}/${name}/status`, { status });
}

const [from, to] = process.argv.slice(2).map(Number);
void main(from ?? 0, to ?? 1);
