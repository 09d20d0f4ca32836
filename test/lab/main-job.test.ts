/** The main job, everything real: webhooks, controller, speakers, kube-proxy, nginx in Pods, a client with curl. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArpWatch } from "../../lab/arp-watch";
import { badPool, firstPool, nginx } from "../../lab/demo-manifests";
import { HeraldInLab } from "../../lab/herald";
import { Lab } from "../../lab/lab";
import { poll } from "../../lab/run";

const ADDRESS = "192.168.1.240";
const PAGE = "Welcome to nginx!";
const MANY = 200;
const TAKEOVER_LIMIT_MS = 5_000;

const secondPools = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: dual, namespace: metallb-system}
spec: {addresses: ["fd00:1::f0/124", "192.168.1.230-192.168.1.231"], autoAssign: false}
---
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: many, namespace: metallb-system}
spec: {addresses: ["10.99.0.0/16"], autoAssign: false}
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: dual, namespace: metallb-system}
spec: {ipAddressPools: [dual]}
`;

const dualService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "dual", annotations: { "metallb.io/address-pool": "dual" } },
  spec: {
    type: "LoadBalancer",
    ipFamilyPolicy: "RequireDualStack",
    selector: { app: "nginx" },
    ports: [{ port: 80 }],
  },
};

let lab: Lab;
let herald: HeraldInLab;

beforeAll(async () => {
  lab = await Lab.up({ name: "main-job" });
  herald = await HeraldInLab.start(lab);
});

afterAll(() => lab.down());

interface SeenService {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly status: { readonly loadBalancer: { readonly ingress?: readonly { ip: string }[] } };
}

async function services(selector: string): Promise<readonly SeenService[]> {
  const { stdout } = await lab.kubectl(["get", "services", "-l", selector, "-o", "json"]);
  return (JSON.parse(stdout) as { items: readonly SeenService[] }).items;
}

async function addressesOf(name: string): Promise<string> {
  const path = "jsonpath={.status.loadBalancer.ingress[*].ip}";
  return poll(
    async () => (await lab.kubectl(["get", "service", name, "-o", path])).stdout || undefined,
    { timeoutMs: 20_000, describe: () => `${name} got no address` },
  );
}

/** The page as the client gets it; empty if there is none within 2 s. */
async function page(host: string): Promise<string> {
  const curl = ["curl", "-s", "-m", "2", `http://${host}/`];
  return (await lab.exec("client", curl, { check: false })).stdout;
}

async function untilPage(host: string): Promise<string> {
  return poll(async () => (await page(host)) || undefined, {
    timeoutMs: 20_000,
    describe: () => `no page from ${host}`,
  });
}

/** The node whose interface has that MAC address. */
function nodeOf(mac: string | undefined): string | undefined {
  return lab.hosts.find(host => host.mac === mac)?.name;
}

/** Asks for the address until somebody answers, and returns the node that did. */
async function answerer(address: string): Promise<string | undefined> {
  const watch = await ArpWatch.start(lab, address);
  const answer = watch.next(frame => frame.isReplyOf !== undefined, 20_000);
  const asking = lab.spawn("client", ["arping", "-q", "-W", "0.1", "-i", "eth0", address]);
  try {
    return nodeOf((await answer).isReplyOf);
  } finally {
    await asking.stop();
    await watch.stop();
  }
}

describe("the main job", () => {
  it("refuses a pool with a sentence that names object, field, value and way out", async () => {
    const refused = await lab.kubectl(["create", "-f", "-"], { input: badPool, check: false });
    expect(refused.status).not.toBe(0);
    for (const part of ["typing-error", "spec.addresses[0]", "192.168.1.2500", "Write "]) {
      expect(refused.stderr).toContain(part);
    }
  });

  it("gives an nginx Service the first address of the pool and the client its page", async () => {
    await lab.apply(firstPool);
    await lab.apply(nginx);
    expect(await addressesOf("nginx")).toBe(ADDRESS);
    await lab.kubectl(["rollout", "status", "deployment/nginx", "--timeout=60s"]);
    const watch = await ArpWatch.start(lab, ADDRESS);
    expect(await untilPage(ADDRESS)).toContain(PAGE);
    const answers = (await watch.stop()).filter(frame => frame.isReplyOf !== undefined);
    expect(answers.length).toBeGreaterThan(0);
    expect(lab.nodes).toContain(nodeOf(answers[0]?.isReplyOf));
  });

  it("answers on both addresses of a dual-stack Service", async () => {
    await lab.apply(secondPools);
    await lab.apply([dualService]);
    expect((await addressesOf("dual")).split(" ")).toEqual(["192.168.1.230", "fd00:1::f0"]);
    expect(await untilPage("192.168.1.230")).toContain(PAGE);
    expect(await untilPage("[fd00:1::f0]")).toContain(PAGE);
  });

  it("moves the address within a second when its speaker is killed, and serves the page from there", async () => {
    const owner = (await answerer(ADDRESS)) ?? "";
    const watch = await ArpWatch.start(lab, ADDRESS);
    const next = watch.next(frame => {
      const node = nodeOf(frame.isReplyOf);
      return node !== undefined && node !== owner;
    }, TAKEOVER_LIMIT_MS);
    herald.speakers.get(owner)?.kill("SIGKILL");
    const killedAtMs = Date.now();
    const tookMs = (await next).atMs - killedAtMs;
    await watch.stop();
    console.log(
      `SIGKILL of the speaker on ${owner}: announced elsewhere after ${tookMs.toFixed(0)} ms`,
    );
    expect(tookMs).toBeLessThan(1_000);
    expect(await page(ADDRESS)).toContain(PAGE);
    herald.startSpeaker(owner);
    await herald.whenReady();
  });

  it("serves the page again after the announcing node lost its power", async () => {
    const owner = (await answerer(ADDRESS)) ?? "";
    await lab.powerOff(owner);
    herald.speakers.delete(owner);
    expect(await untilPage(ADDRESS)).toContain(PAGE);
    expect(await answerer(ADDRESS)).not.toBe(owner);
    await lab.powerOn(owner);
    await lab.whenReady();
    herald.startSpeaker(owner);
    await herald.whenReady();
  });

  it("keeps 200 addresses and writes none of them again when the controller is killed and restarted", async () => {
    const many = Array.from({ length: MANY }, (_, index) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: `many-${index}`,
        labels: { many: "yes" },
        annotations: { "metallb.io/address-pool": "many" },
      },
      spec: {
        type: "LoadBalancer",
        allocateLoadBalancerNodePorts: false,
        ports: [{ port: 80 }],
      },
    }));
    await lab.apply(many);
    const before = await poll(
      async () => {
        const seen = await services("many=yes");
        const settled = seen.filter(({ status }) => status.loadBalancer.ingress !== undefined);
        return settled.length === MANY ? seen : undefined;
      },
      { timeoutMs: 30_000, describe: () => "not every Service got its address" },
    );
    const given = new Set(before.map(({ status }) => status.loadBalancer.ingress?.[0]?.ip));
    expect(given.size).toBe(MANY);
    herald.controller?.kill("SIGKILL");
    await herald.controller?.exited;
    herald.startController();
    await herald.whenReady();
    // A new Service that gets its address proves that the controller has adopted the others and works again.
    await lab.kubectl(["create", "service", "loadbalancer", "after", "--tcp=80:80"]);
    expect(await addressesOf("after")).toBe("192.168.1.241");
    const after = await services("many=yes");
    const essence = (list: readonly SeenService[]) =>
      list.map(({ metadata, status }) => [metadata.name, metadata.resourceVersion, status]);
    expect(essence(after)).toEqual(essence(before));
  });
});
