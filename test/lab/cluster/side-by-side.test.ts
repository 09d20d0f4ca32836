import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Lab } from "../../../lab/lab";
import { REPOSITORY } from "../../../lab/paths";
import { signal } from "../../../lab/processes";
import { listLabs, readRecord } from "../../../lab/registry";
import { poll, run } from "../../../lab/run";
import { labName, processesOf, remains } from "./support";

const names = [labName("left"), labName("right")] as const;
const crashed = labName("crash");
const tsx = createRequire(__filename).resolve("tsx/cli");
const main = [process.execPath, tsx, join(REPOSITORY, "lab", "main.ts")];
let left: Lab;
let right: Lab;

beforeAll(async () => {
  [left, right] = await Promise.all([
    Lab.up({ name: names[0], nodes: 1 }),
    Lab.up({ name: names[1], nodes: 1, proxyMode: "nftables" }),
  ]);
});

afterAll(async () => {
  for (const name of [...names, crashed]) await Lab.remove(name);
});

it("gives two labs the same addresses without their meeting", async () => {
  await left.kubectl(["create", "configmap", "only-left"]);
  const list = ["get", "configmap", "-o", "name"];
  expect((await left.kubectl(list)).stdout).toContain("only-left");
  expect((await right.kubectl(list)).stdout).not.toContain("only-left");

  await left.cutCable("n1");
  const arping = ["arping", "-c", "1", "-W", "0.5", "-I", "eth0", "192.168.1.11"];
  expect((await left.exec("client", arping, { check: false })).status).not.toBe(0);
  expect((await right.exec("client", arping, { check: false })).status).toBe(0);
  await left.plugCable("n1");
});

it("carries Services by nftables as well as by iptables", async () => {
  const curl = ["curl", "--insecure", "--silent", "--max-time", "2", "https://10.96.0.1/livez"];
  for (const lab of [left, right]) {
    await poll(
      async () =>
        (await lab.exec("n1", curl, { check: false })).stdout === "ok" ? true : undefined,
      { timeoutMs: 5_000, describe: () => `10.96.0.1 does not answer in lab ${lab.name}` },
    );
  }
  expect((await right.exec("n1", ["nft", "list", "tables"])).stdout).toContain("kube-proxy");
  expect((await left.exec("n1", ["iptables-save", "-t", "nat"])).stdout).toContain("KUBE-SVC");
});

it("is found again by another process, which is told that it runs", async () => {
  const { stdout } = await run([...main, "status", "--name", names[0]]);
  expect(stdout).toContain(`${names[0]}-n1`);
  expect(listLabs()).toEqual(expect.arrayContaining([...names]));
  const again = await run([...main, "up", "--name", names[0], "--nodes", "1"]);
  expect(again.stdout).toContain(`Lab ${names[0]} already runs (1 nodes)`);
  await expect(Lab.up({ name: names[0], nodes: 1 })).rejects.toMatchObject({
    code: "already-runs",
  });
});

it("passes commands, their status and kubectl on", async () => {
  const exec = ["exec", "client", "--name", names[1], "--", "sh", "-c", "exit 3"];
  expect((await run([...main, ...exec], { check: false })).status).toBe(3);
  const { stdout } = await run([
    ...main,
    "--name",
    names[1],
    "kubectl",
    "get",
    "nodes",
    "-o",
    "name",
  ]);
  expect(stdout).toBe("node/n1\n");
});

it("takes down one lab and leaves the other alone", async () => {
  const [leftProcesses, rightProcesses] = [processesOf(left), processesOf(right)];
  const { stdout } = await run([...main, "down", "--name", names[0]]);
  expect(stdout).toBe(`Lab ${names[0]} is gone.\n`);
  expect(remains(names[0], leftProcesses)).toEqual([]);
  expect(remains(names[1], rightProcesses)).not.toEqual([]);
  expect((await right.kubectl(["get", "--raw", "/readyz"])).stdout).toBe("ok");
  expect((await run([...main, "down", "--name", names[0]])).stdout).toContain("There is no lab");
});

it("leaves nothing when the process that builds it is killed with SIGKILL", async () => {
  const [program = "", ...args] = [...main, "up", "--name", crashed, "--nodes", "1"];
  // A group of its own: tsx runs the program in a child, and a crash takes both.
  const builder = spawn(program, args, { stdio: "ignore", detached: true });
  await poll(() => (remains(crashed).length > 5 ? true : undefined), {
    timeoutMs: 20_000,
    describe: () => "the lab is not being built",
  });
  process.kill(-builder.pid!, "SIGKILL");
  await poll(() => (remains(crashed).length === 0 ? true : undefined), {
    timeoutMs: 20_000,
    describe: () => `left behind: ${remains(crashed).join("\n")}`,
  });
  expect(readRecord(crashed)).toBeUndefined();
});

it("cleans up and says so when building is interrupted", async () => {
  const [program = "", ...args] = [...main, "up", "--name", crashed, "--nodes", "1"];
  const builder = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  builder.stdout.on("data", chunk => (printed += String(chunk)));
  await poll(() => (readRecord(crashed) === undefined ? undefined : true), {
    timeoutMs: 20_000,
    describe: () => "the lab is not being built",
  });
  builder.kill("SIGINT");
  const status = await new Promise(resolve => builder.once("close", resolve));
  expect({ status, printed }).toEqual({ status: 130, printed: "Nothing was left behind.\n" });
  expect(remains(crashed)).toEqual([]);
});

it("removes a leftover, which nobody cleaned up, before it builds one of that name", async () => {
  const [program = "", ...args] = [...main, "up", "--name", crashed, "--nodes", "1"];
  const builder = spawn(program, args, { stdio: "ignore", detached: true });
  const record = await poll(() => (remains(crashed).length > 5 ? readRecord(crashed) : undefined), {
    timeoutMs: 20_000,
    describe: () => "the lab is not being built",
  });
  signal(record.guard!, "SIGKILL");
  process.kill(-builder.pid!, "SIGKILL");
  expect(() => Lab.open(crashed)).toThrow("No lab");

  const lab = await Lab.up({ name: crashed, nodes: 1 });
  expect((await lab.kubectl(["get", "nodes", "-o", "name"])).stdout).toBe("node/n1\n");
  await lab.down();
  expect(remains(crashed)).toEqual([]);
});

it("refuses to take network namespaces that are somebody else's", async () => {
  const namespace = `${crashed}-gw`;
  await run(["ip", "netns", "add", namespace]);
  try {
    const up = Lab.up({ name: crashed, nodes: 1 });
    await expect(up).rejects.toThrow(`Network namespaces ${namespace} exist`);
    await expect(up).rejects.toMatchObject({ code: "namespace-taken" });
  } finally {
    await run(["ip", "netns", "del", namespace]);
  }
});
