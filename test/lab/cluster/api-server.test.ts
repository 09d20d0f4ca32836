import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ApiServer } from "../../../lab/api-server";
import { startApiServer } from "../../../lab/api-server";
import { REPOSITORY } from "../../../lab/paths";
import { poll, run } from "../../../lab/run";

const stateDir = mkdtempSync(join(tmpdir(), "api-server-"));
let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer({ stateDir, apiServerArgs: ["--watch-cache=false"] });
});

afterAll(async () => {
  await server.stop();
  rmSync(stateDir, { recursive: true });
});

function commandLinesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter(entry => /^\d+$/.test(entry))
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .filter(line => /kube-apiserver|etcd/.test(line) && line.includes(text));
}

it("comes back on the same port with the same data after a crash", async () => {
  await server.kubectl(["create", "configmap", "kept"]);
  await server.kill();
  const get = ["get", "configmap", "kept", "-o", "name"];
  expect((await server.kubectl(get, { check: false })).status).not.toBe(0);
  await server.restart();
  expect((await server.kubectl(get)).stdout).toBe("configmap/kept\n");
});

it("answers 410 Gone for a resourceVersion that was compacted away", async () => {
  const raw = async (query: string) =>
    server.kubectl(["get", "--raw", `/api/v1/configmaps?${query}`], { check: false });
  const list = JSON.parse((await raw("limit=1")).stdout) as {
    metadata: { resourceVersion: string };
  };
  const old = list.metadata.resourceVersion;
  await server.kubectl(["create", "configmap", "newer"]);
  await server.compact();
  const answer = await raw(`resourceVersion=${old}&resourceVersionMatch=Exact`);
  expect(answer.stderr + answer.stdout).toMatch(/Expired|too old|410/);
});

it("ends with the process that started it, even if that is killed", async () => {
  const folder = join(stateDir, "orphan");
  const script = `
    const { startApiServer } = require(${JSON.stringify(join(REPOSITORY, "lab", "api-server.ts"))});
    startApiServer({ stateDir: ${JSON.stringify(folder)} }).then(() => process.kill(process.pid, "SIGKILL"));`;
  await run([process.execPath, "--import", "tsx", "--eval", script], {
    cwd: REPOSITORY,
    check: false,
  });
  expect(readdirSync(folder)).toContain("kube-apiserver.log");
  await poll(() => (commandLinesWith(folder).length === 0 ? true : undefined), {
    timeoutMs: 5_000,
    describe: () => `still there: ${commandLinesWith(folder).join("\n")}`,
  });
});
