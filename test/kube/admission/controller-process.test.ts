/** The controller's process without a Pod: what Pepr needs is waited for, and an API server that is away does not end it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { poll } from "../../../lab/run";
import { Part } from "./part";

/** Pepr's own limit (5 attempts) is reached after less than half of it. */
const OUTAGE_MS = 25_000;

let stateDir: string;
let server: ApiServer;
let controller: Part;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-controller-"));
  server = await startApiServer({ stateDir });
  const [metrics = 0, probe = 0] = await freePorts(2);
  const flags = [`--port=${metrics}`, `--health-probe-port=${probe}`];
  controller = Part.start("controller", flags, { KUBECONFIG: server.kubeconfigPath });
});

afterAll(async () => {
  await controller.end("SIGKILL");
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

it("waits for Pepr's store to be defined and says so", async () => {
  await controller.until(() => controller.output.includes("waiting for"), { what: "waiting" });
  expect(controller.output).toContain("Pepr's store");
  await install({ kubectl: server.kubectl.bind(server) });
  const describe = () => `no store:\n${controller.output}`;
  expect(await poll(storeExists, { timeoutMs: 20_000, describe })).toBe(true);
});

it("outlives an API server that is away for 25 s", async () => {
  await server.kill();
  await sleep(OUTAGE_MS);
  expect(controller.isRunning).toBe(true);
  await server.restart();
  await sleep(3_000);
  expect(controller.isRunning).toBe(true);
  expect(controller.output).not.toContain("GiveUp");
});

it("ends with 0 within two seconds of SIGTERM", async () => {
  const { code, signal, tookMs } = await controller.end("SIGTERM");
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(tookMs).toBeLessThan(2_000);
});
