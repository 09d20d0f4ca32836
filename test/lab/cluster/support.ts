/** What the tests of the lab share: what of a lab is still on the machine, and what Pods they run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { LabCgroups } from "../../../lab/cgroups";
import type { Lab } from "../../../lab/lab";
import type { ProcessId } from "../../../lab/processes";
import { identify, isAlive } from "../../../lab/processes";
import { labDirectory } from "../../../lab/registry";
import { poll } from "../../../lab/run";
import { processesIn } from "../../../lab/teardown";

/** A name that no other run on this machine uses at the same time. */
export function labName(purpose: string): string {
  return `${purpose}-${process.pid}`;
}

/** All processes of a running lab, those in Pods included. */
export function processesOf(lab: Lab): ProcessId[] {
  const namespaces = ["lan", ...lab.hosts.map(host => host.name)].map(name => lab.netns(name));
  const inCgroups = new LabCgroups(lab.name).processes().map(pid => identify(pid));
  return [...processesIn(namespaces), ...inCgroups.filter(id => id !== undefined)];
}

/** Everything of a lab that can still be found on the machine; empty when it is gone. */
export function remains(name: string, processes: readonly ProcessId[] = []): string[] {
  const mentions = (text: string) => text.includes(labDirectory(name)) || text.includes(`${name}-`);
  const commandLines = readdirSync("/proc")
    .filter(entry => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map(pid => readText(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
  return [
    ...processes.filter(isAlive).map(id => `process ${id.pid}`),
    ...commandLines.filter(line => line.includes(labDirectory(name))),
    ...(existsSync("/run/netns") ? readdirSync("/run/netns").filter(mentions) : []),
    ...readText("/proc/self/mountinfo").split("\n").filter(mentions),
    ...readdirSync("/sys/fs/cgroup").flatMap(each =>
      [`/sys/fs/cgroup/${each}`, `/sys/fs/cgroup/${each}/herald-${name}`].filter(
        path => path.endsWith(`herald-${name}`) && existsSync(path),
      ),
    ),
    ...(existsSync(labDirectory(name)) ? [labDirectory(name)] : []),
  ];
}

/** An nginx on every node, and a dual-stack Service before it. */
export const WEB = [
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "web" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: "nginx",
              image: "herald.lab/nginx:1",
              readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: {
      type: "LoadBalancer",
      ipFamilyPolicy: "RequireDualStack",
      selector: { app: "web" },
      ports: [{ port: 80 }],
    },
  },
];

/** The body that `http://<address>/<path>` gives on a host; rejects if there is none within 5 s. */
export async function get(lab: Lab, host: string, address: string, path = "/"): Promise<string> {
  const authority = address.includes(":") ? `[${address}]` : address;
  const curl = ["curl", "--silent", "--fail", "--max-time", "1", `http://${authority}${path}`];
  return poll(
    async () => {
      const { status, stdout } = await lab.exec(host, curl, { check: false });
      return status === 0 ? stdout : undefined;
    },
    { timeoutMs: 5_000, describe: () => `no answer from ${address} on ${host}` },
  );
}

/** Resolves when the node's Ready condition has that status ("True", "False", "Unknown"). */
export async function untilReady(lab: Lab, node: string, isReady: boolean): Promise<void> {
  const path = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
  await poll(
    async () => {
      const { stdout } = await lab.kubectl(["get", "node", node, "-o", path]);
      return (stdout === "True") === isReady ? true : undefined;
    },
    { timeoutMs: 40_000, everyMs: 300, describe: () => `${node} does not become ${isReady}` },
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
