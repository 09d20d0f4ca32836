import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeImage } from "../../../lab/images";
import { Lab } from "../../../lab/lab";
import { consoleProgress } from "../../../lab/progress";
import { nodeStates } from "../../../lab/readiness";
import { poll } from "../../../lab/run";
import { get, labName, processesOf, remains, untilReady, WEB } from "./support";

const name = labName("nodes");
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.up({ name, nodes: 3, progress: consoleProgress() });
});

afterAll(async () => {
  await lab.down();
});

async function isAnswering(host: string, address: string): Promise<boolean> {
  const arping = ["arping", "-c", "1", "-W", "0.5", "-I", "eth0", address];
  return (await lab.exec(host, arping, { check: false })).status === 0;
}

it("has three Ready nodes with addresses of both families", async () => {
  expect((await nodeStates(lab)).map(state => [state.name, state.isReady, state.taints])).toEqual([
    ["n1", true, 0],
    ["n2", true, 0],
    ["n3", true, 0],
  ]);
  const addresses = 'jsonpath={.status.addresses[?(@.type=="InternalIP")].address}';
  const { stdout } = await lab.kubectl(["get", "node", "n2", "-o", addresses]);
  expect(stdout).toBe("192.168.1.12 fd00:1::12");
});

it("runs nginx in a real Pod on each node, and each node reaches the Service in both families", async () => {
  await lab.apply(WEB);
  await lab.kubectl(["rollout", "status", "daemonset/web", "--timeout=60s"]);
  const path = "jsonpath={.spec.clusterIPs[*]}";
  const clusterIps = (await lab.kubectl(["get", "service", "web", "-o", path])).stdout.split(" ");
  expect(clusterIps).toHaveLength(2);
  for (const node of lab.nodes) {
    for (const address of clusterIps) {
      expect(await get(lab, node, address)).toContain("Welcome to nginx!");
    }
  }
});

it("carries an external address from the client to a Pod once a node answers for it", async () => {
  const status = { status: { loadBalancer: { ingress: [{ ip: "192.168.1.240" }] } } };
  const patch = ["patch", "service", "web", "--subresource=status", "-p", JSON.stringify(status)];
  await lab.kubectl(patch);
  const { mac } = lab.host("n3");
  // Here a line in the client's neighbour table; Herald's speaker answers the question instead.
  const neighbour = ["192.168.1.240", "lladdr", mac, "dev", "eth0"];
  await lab.exec("client", ["ip", "neighbour", "replace", ...neighbour]);
  expect(await get(lab, "client", "192.168.1.240")).toContain("Welcome to nginx!");
  await lab.exec("client", ["ip", "neighbour", "del", "192.168.1.240", "dev", "eth0"]);
});

it("reads a Pod's log and runs a command in a node through kubelet and namespaces", async () => {
  const { stdout } = await lab.kubectl(["logs", "daemonset/web", "--tail=50"]);
  expect(stdout).toContain("GET / HTTP/1.1");
  expect((await lab.execNode("n2", ["hostname"])).stdout).toBe("n2\n");
  await expect(lab.execNode("client", ["true"])).rejects.toThrow("no node");
});

it("starts a process on a node's network, in the node's cgroup, and ends it with the node", async () => {
  const asleep = lab.spawn("n3", ["sleep", "1000"]);
  const addresses = await lab.exec("n3", ["ip", "-brief", "address", "show", "eth0"]);
  expect(addresses.stdout).toContain("192.168.1.13/24");
  const ended = lab.spawn("client", ["sh", "-c", "trap 'exit 7' TERM; sleep 60 & wait"]);
  expect(await isAnswering("client", "192.168.1.13")).toBe(true);
  expect(await ended.stop()).toEqual({ status: 7, signal: undefined });

  await lab.powerOff("n3");
  expect(await asleep.exited).toEqual({ status: undefined, signal: "SIGKILL" });
  expect(lab.isPowered("n3")).toBe(false);
});

it("is silent on the network from the moment its power is cut, and NotReady ten seconds later", async () => {
  expect(await isAnswering("client", "192.168.1.13")).toBe(false);
  await untilReady(lab, "n3", false);
});

it("boots again with its old disk: Ready, and the same Pod runs", async () => {
  const which = ["get", "pods", "--field-selector=spec.nodeName=n3", "-o"];
  const before = (await lab.kubectl([...which, "jsonpath={.items[*].metadata.name}"])).stdout;
  await lab.powerOn("n3");
  await untilReady(lab, "n3", true);
  const restarts =
    "jsonpath={.items[*].metadata.name} {.items[*].status.containerStatuses[*].ready}{.items[*].status.containerStatuses[*].restartCount}";
  await poll(
    async () =>
      (await lab.kubectl([...which, restarts])).stdout === `${before} true1` ? true : undefined,
    { timeoutMs: 30_000, describe: () => "the Pod does not run again" },
  );
  expect(before).toMatch(/^web-\w+$/);
});

it("loses and gets back a host when its cable is cut and plugged in", async () => {
  await lab.cutCable("n2");
  expect(await isAnswering("client", "192.168.1.12")).toBe(false);
  expect(lab.isPowered("n2")).toBe(true);
  await lab.plugCable("n2");
  await poll(async () => ((await isAnswering("client", "192.168.1.12")) ? true : undefined), {
    timeoutMs: 5_000,
    describe: () => "n2 does not come back",
  });
  expect((await lab.exec("client", ["ndisc6", "-1", "-q", "fd00:1::12", "eth0"])).stdout).toBe(
    "02:00:C0:A8:01:0C\n",
  );
});

it("gives nodes an image that is made of a folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "image-"));
  try {
    mkdirSync(join(folder, "root"));
    writeFileSync(join(folder, "root", "hello"), "hello");
    const archive = join(folder, "image.tar");
    const root = { rootDirectory: join(folder, "root"), command: ["/hello"] };
    await writeImage(archive, { references: ["herald.lab/hello:1"], ...root });
    await lab.importImage(archive);
    for (const node of lab.nodes) {
      const list = ["ctr", "--namespace", "k8s.io", "images", "ls", "--quiet"];
      expect((await lab.execNode(node, list)).stdout).toContain("herald.lab/hello:1");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("stops a node's processes without its kernel when it is frozen", async () => {
  const counter = lab.spawn("n1", ["sh", "-c", "while :; do echo tick; sleep 0.05; done"]);
  const ticks = async () => (await lab.exec("client", ["wc", "-l", counter.logPath])).stdout;
  await lab.freeze("n1");
  const [first, isKernelThere] = [await ticks(), await isAnswering("client", "192.168.1.11")];
  expect(await ticks()).toBe(first);
  expect(isKernelThere).toBe(true);
  await lab.thaw("n1");
  await poll(async () => ((await ticks()) === first ? undefined : true), {
    timeoutMs: 5_000,
    describe: () => "n1 does not go on",
  });
});

it("serves again on the old data when the API server was killed", async () => {
  await lab.killPart("kube-apiserver");
  lab.startPart("kube-apiserver");
  await lab.whenReady();
  expect((await lab.kubectl(["get", "service", "web", "-o", "name"])).stdout).toBe("service/web\n");
});

it("leaves no process, namespace, mount, cgroup or file when it is taken down, also twice", async () => {
  const processes = processesOf(lab);
  expect(processes.length).toBeGreaterThan(20);
  expect(remains(name, processes)).not.toEqual([]);
  await lab.down();
  expect(remains(name, processes)).toEqual([]);
  await lab.down();
  expect(() => Lab.open(name)).toThrow(`No lab ${name} runs`);
});
