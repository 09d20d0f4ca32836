/** The controller's process without a Pod: what Pepr needs is waited for, and an API server that is away does not end it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { poll } from "../../../lab/run";
import { accountKubeconfig, Part } from "./part";

/** Pepr's own limit (5 attempts) is reached after less than three quarters of it. */
const OUTAGE_MS = 20_000;

let stateDir: string;
let server: ApiServer;
let controller: Part;
let admission: Part | undefined;
let ports: readonly number[];

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-controller-"));
  server = await startApiServer({ stateDir });
  ports = await freePorts(5);
  const [metrics = 0, probe = 0] = ports;
  const flags = [`--port=${metrics}`, `--health-probe-port=${probe}`];
  controller = Part.start("controller", flags, { KUBECONFIG: server.kubeconfigPath });
});

afterAll(async () => {
  await controller.end("SIGKILL");
  await admission?.end("SIGKILL");
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

/** The store that Pepr makes once its module is loaded. */
async function storeExists(): Promise<true | undefined> {
  const which = [
    "get",
    "peprstore",
    "pepr-herald-store",
    "-n",
    "pepr-system",
    "--ignore-not-found",
  ];
  const { stdout } = await server.kubectl([...which, "-o", "name"]);
  return stdout.includes("pepr-herald-store") || undefined;
}

/** Creates a Service and resolves with the address it gets. */
async function addressOfNew(name: string): Promise<string> {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: { type: "LoadBalancer", ports: [{ port: 80 }] },
  };
  await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(service) });
  const address = async (): Promise<string | undefined> => {
    const which = ["get", "service", name, "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"];
    return (await server.kubectl(which)).stdout || undefined;
  };
  const describe = () => `no address for ${name}:\n${controller.output}`;
  return poll(address, { timeoutMs: 20_000, describe });
}

it("waits for Pepr's store to be defined and says so", async () => {
  await controller.until(() => controller.output.includes("waiting for"), { what: "waiting" });
  expect(controller.output).toContain("Pepr's store");
  const admissionUrl = `https://127.0.0.1:${ports[2]}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  const describe = () => `no store:\n${controller.output}`;
  expect(await poll(storeExists, { timeoutMs: 20_000, describe })).toBe(true);
});

it("outlives an API server that is away for 20 s", async () => {
  await server.kill();
  await sleep(OUTAGE_MS);
  expect(controller.isRunning).toBe(true);
  await server.restart();
  await controller.untilReady(ports[1]!);
  expect(controller.output).not.toContain("GiveUp");
});

it("gives a Service its address after the outage, from a pool that admission accepted", async () => {
  const [, , webhook = 0, metrics = 0, probe = 0] = ports;
  const flags = [`--webhook-port=${webhook}`, `--port=${metrics}`, `--health-probe-port=${probe}`];
  admission = Part.start("admission", flags, { KUBECONFIG: server.kubeconfigPath });
  await admission.untilReady(probe);
  const pool = {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: "first", namespace: "metallb-system" },
    spec: { addresses: ["192.168.1.240/28"] },
  };
  await server.kubectl(["create", "-f", "-"], { input: JSON.stringify(pool) });
  expect(await addressOfNew("web")).toBe("192.168.1.240");
});

it("ends with 0 within two seconds of SIGTERM", async () => {
  const { code, signal, tookMs } = await controller.end("SIGTERM");
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(tookMs).toBeLessThan(2_000);
});

it("needs no right that its account does not have", async () => {
  const [metrics = 0, probe = 0] = ports;
  const flags = [
    `--port=${metrics}`,
    `--health-probe-port=${probe}`,
    "--ml-secret-name=memberlist",
  ];
  const kubeconfig = await accountKubeconfig(server, "controller", stateDir);
  controller = Part.start("controller", flags, { KUBECONFIG: kubeconfig });
  await controller.untilReady(probe);
  expect(await addressOfNew("second")).toBe("192.168.1.241");
  const which = ["get", "secret", "memberlist", "-n", "metallb-system", "--ignore-not-found"];
  const secret = async () => (await server.kubectl([...which, "-o", "name"])).stdout || undefined;
  const describe = () => `no Secret:\n${controller.output}`;
  expect(await poll(secret, { timeoutMs: 10_000, describe })).toContain("memberlist");
  expect(controller.output).not.toMatch(/forbidden/i);
});
