import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { admissionOptions } from "../../../../capabilities/admission/options";
import {
  completeSecret,
  servingHosts,
  type Serving,
} from "../../../../capabilities/admission/webhook-secret";
import type { ApiClient } from "../../../../capabilities/cluster/api-client";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import { parseOptions } from "../../../../capabilities/cluster/options";
import { ServingMaterial } from "../../../../scripts/loaders/serving-material";

const secret = await completeSecret({}, servingHosts("metallb-system", "a"), Date.now());

/** A cluster with the Secret alone, which notes what is asked of it. */
function cluster(): { readonly asked: string[]; readonly client: ApiClient } {
  const asked: string[] = [];
  const data = Object.fromEntries(
    Object.entries(secret).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  );
  const metadata = { name: "mine", namespace: "here", resourceVersion: "1" };
  const get = (path: string): Promise<unknown> => {
    asked.push(path);
    if (path.endsWith("/secrets")) return Promise.resolve({ items: [{ metadata, data }] });
    if (path.includes("/secrets/")) return Promise.resolve({ metadata, data });
    return Promise.reject(new ApiError("nothing there", { code: "status", status: 404 }));
  };
  const stream = () => Promise.reject(new ApiError("no watch", { code: "network" }));
  return { asked, client: { get, stream } as unknown as ApiClient };
}

let folder: string;
let started: ServingMaterial[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "herald-serving-"));
  writeFileSync(join(folder, "tls.crt"), "certificate");
  writeFileSync(join(folder, "tls.key"), "key");
  started = [];
});

afterEach(() => {
  for (const material of started) material.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const program = { name: "admission", table: admissionOptions, retired: [] };
  const parsed = parseOptions(program, { argv, env });
  if (parsed.type !== "options") throw new Error(parsed.text);
  const { asked, client } = cluster();
  const adopted: Serving[] = [];
  const adopt = (serving: Serving) => void adopted.push(serving);
  const log = pino({ level: "silent" });
  started.push(await ServingMaterial.start(parsed.options, env, { client, log, adopt }));
  return { asked, adopted };
}

describe("ServingMaterial", () => {
  it("takes the files and the token that the variables name and asks nobody", async () => {
    const env = {
      SSL_CERT_PATH: join(folder, "tls.crt"),
      SSL_KEY_PATH: join(folder, "tls.key"),
      PEPR_API_PATH: "given",
    };
    const { asked, adopted } = await start([], env);
    expect(adopted).toEqual([{ certificate: "certificate", key: "key", tokens: ["given"] }]);
    expect(asked).toEqual([]);
  });

  it("takes the folder of --cert-dir, and the token from the Secret", async () => {
    const { asked, adopted } = await start([`--cert-dir=${folder}`], {});
    expect(adopted).toEqual([{ certificate: "certificate", key: "key", tokens: [secret.token] }]);
    expect(asked).toContain("/api/v1/namespaces/metallb-system/secrets");
  });

  it("takes all of it from the Secret, of any name and place", async () => {
    const { asked, adopted } = await start(["--webhook-secret=mine", "--namespace=here"], {});
    const { "tls.crt": certificate, "tls.key": key, token } = secret;
    expect(adopted).toEqual([{ certificate, key, tokens: [token] }]);
    expect(asked).toContain("/api/v1/namespaces/here/secrets");
  });

  it("prefers a given token to the Secret's", async () => {
    const { adopted } = await start([], { PEPR_API_PATH: "given" });
    expect(adopted[0]?.tokens).toEqual(["given"]);
  });

  it("says so when files cannot be read", async () => {
    renameSync(join(folder, "tls.key"), join(folder, "elsewhere"));
    const env = { PEPR_API_PATH: "given" };
    await expect(start([`--cert-dir=${folder}`], env)).rejects.toThrow("tls.key");
  });
});
