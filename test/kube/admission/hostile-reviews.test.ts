/** Requests that no API server would send, straight to the webhooks of the built admission process (faults: AdmissionReview). */
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WEBHOOK_SECRET } from "../../../capabilities/admission/webhook-secret";
import { freePorts, startApiServer, type ApiServer } from "../../../lab/api-server";
import { install } from "../../../lab/install";
import { accountKubeconfig, Part } from "./part";

const NAMESPACE = "metallb-system";

let stateDir: string;
let server: ApiServer;
let admission: Part;
let webhook = 0;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), "herald-kube-hostile-"));
  server = await startApiServer({ stateDir });
  const [port = 0, metrics = 0, probe = 0] = await freePorts(3);
  webhook = port;
  const admissionUrl = `https://127.0.0.1:${port}`;
  await install({ kubectl: server.kubectl.bind(server), admissionUrl });
  const kubeconfig = await accountKubeconfig(server, "admission", stateDir);
  const flags = [`--webhook-port=${port}`, `--port=${metrics}`, `--health-probe-port=${probe}`];
  admission = Part.start("admission", flags, { KUBECONFIG: kubeconfig });
  await admission.untilReady(probe);
});

afterAll(async () => {
  await admission.end("SIGKILL");
  await server.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

describe("asked by somebody who knows the token", () => {
  const review = (uid: string, fields: object = {}): string =>
    JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid,
        kind: { group: "metallb.io", version: "v1beta1", kind: "IPAddressPool" },
        resource: { group: "metallb.io", version: "v1beta1", resource: "ipaddresspools" },
        operation: "CREATE",
        name: "asked",
        namespace: NAMESPACE,
        object: {
          apiVersion: "metallb.io/v1beta1",
          kind: "IPAddressPool",
          metadata: { name: "asked", namespace: NAMESPACE },
          spec: { addresses: ["10.200.0.0/24"] },
        },
        ...fields,
      },
    });

  async function ask(body: string): Promise<{ readonly status: number; readonly text: string }> {
    const which = [
      "get",
      "secret",
      WEBHOOK_SECRET,
      "-n",
      NAMESPACE,
      "-o",
      "jsonpath={.data.token}",
    ];
    const token = Buffer.from((await server.kubectl(which)).stdout, "base64").toString();
    const url = `https://127.0.0.1:${webhook}/validate/${token}`;
    const headers = { "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const options = { method: "POST", rejectUnauthorized: false, headers };
      const asked = request(url, options, answer => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["20 MiB", `{"x":"${"x".repeat(20 * 1024 * 1024)}"}`],
    ["no request", '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'],
    ["a list", "[]"],
    ["null for the object", review("7", { object: null })],
    ["an update without the old object", review("7", { operation: "UPDATE" })],
    ["a deletion without the old object", review("7", { operation: "DELETE", object: null })],
    ["another operation", review("7", { operation: "PROXY" })],
    ["a kind of numbers", review("7", { kind: 5 })],
  ])("%s is answered, or turned away, and the process lives on", async (_what, body) => {
    const { status, text } = await ask(body).catch((error: unknown) => ({
      status: 0,
      text: String(error),
    }));
    if (status === 200) expect(text).toMatch(/"uid":"7"|"allowed":false/);
    else expect(text).not.toContain('"allowed":true');
    expect(admission.isRunning).toBe(true);
    const good = await ask(review("good"));
    expect(JSON.parse(good.text)).toMatchObject({ response: { uid: "good", allowed: true } });
  });

  it("a hundred at once are all answered", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        ask(index % 2 === 0 ? review(`u${index}`) : '{"request":{}}'),
      ),
    );
    const good = answers.filter((_, index) => index % 2 === 0);
    for (const [index, { text }] of good.entries()) {
      expect(JSON.parse(text)).toMatchObject({
        response: { uid: `u${index * 2}`, allowed: true },
      });
    }
    expect(admission.isRunning).toBe(true);
  });
});

it("answers nobody who does not know the token", async () => {
  const url = `https://127.0.0.1:${webhook}/validate/wrong`;
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(url, { method: "POST", rejectUnauthorized: false }, answer => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.on("error", reject);
    asked.end();
  });
  expect(status).toBe(401);
});
