import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { admissionOptions } from "../../../../capabilities/admission/options";
import type { ApiReader } from "../../../../capabilities/cluster/api-client";
import { parseOptions } from "../../../../capabilities/cluster/options";
import { findServingMaterial } from "../../../../scripts/loaders/serving-material";

const secret = { "tls.crt": "certificate", "tls.key": "key", token: "from-secret" };

function cluster(): { readonly asked: string[]; readonly client: ApiReader } {
  const asked: string[] = [];
  const data = Object.fromEntries(
    Object.entries(secret).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
  );
  const get = (path: string): Promise<unknown> => {
    asked.push(path);
    return Promise.resolve({ data });
  };
  return { asked, client: { get } as ApiReader };
}

async function find(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const program = { name: "admission", table: admissionOptions, retired: [] };
  const parsed = parseOptions(program, { argv, env });
  if (parsed.type !== "options") throw new Error(parsed.text);
  const { asked, client } = cluster();
  const log = pino({ level: "silent" });
  return { asked, material: await findServingMaterial(parsed.options, env, { client, log }) };
}

describe("findServingMaterial", () => {
  it("takes the files and the token that the variables name and asks nobody", async () => {
    const env = { SSL_CERT_PATH: "/a.crt", SSL_KEY_PATH: "/a.key", PEPR_API_PATH: "given" };
    const { asked, material } = await find([], env);
    expect(material.env).toEqual({ SSL_CERT_PATH: "/a.crt", SSL_KEY_PATH: "/a.key" });
    expect(asked).toEqual([]);
  });

  it("takes the folder of --cert-dir, and the token from the Secret", async () => {
    const { asked, material } = await find(["--cert-dir=/certs"], {});
    expect(material.env).toEqual({
      SSL_CERT_PATH: "/certs/tls.crt",
      SSL_KEY_PATH: "/certs/tls.key",
      PEPR_API_PATH: "from-secret",
    });
    expect(asked).toEqual(["/api/v1/namespaces/metallb-system/secrets/metallb-webhook-cert"]);
  });

  it("writes the Secret's pair where only we can read it, and removes it again", async () => {
    const { asked, material } = await find(["--webhook-secret=mine", "--namespace=here"], {});
    const { SSL_CERT_PATH: certificate = "", SSL_KEY_PATH: key = "" } = material.env;
    expect(asked).toEqual(["/api/v1/namespaces/here/secrets/mine"]);
    expect(readFileSync(certificate, "utf8")).toBe("certificate");
    expect(readFileSync(key, "utf8")).toBe("key");
    expect(statSync(key).mode & 0o077).toBe(0);
    expect(material.env["PEPR_API_PATH"]).toBe("from-secret");
    material.dispose();
    expect(existsSync(dirname(key))).toBe(false);
  });

  it("prefers a given token to the Secret's", async () => {
    const { material } = await find([], { PEPR_API_PATH: "given" });
    expect(material.env["PEPR_API_PATH"]).toBeUndefined();
    material.dispose();
  });
});
