import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { ClusterAccessError, readKubeconfig } from "../../../../capabilities/cluster/kubeconfig";

const dir = mkdtempSync(join(tmpdir(), "herald-kubeconfig-"));
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;
function file(content: unknown): string {
  files += 1;
  const path = join(dir, `config-${files}`);
  writeFileSync(path, typeof content === "string" ? content : stringify(content));
  return path;
}

function config(cluster: object, user: object) {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "lab",
    contexts: [{ name: "lab", context: { cluster: "c", user: "u", namespace: "team" } }],
    clusters: [{ name: "c", cluster: { server: "https://api.example:6443", ...cluster } }],
    users: [{ name: "u", user }],
  };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("readKubeconfig", () => {
  it("reads inline certificates", () => {
    const path = file(
      config(
        { "certificate-authority-data": base64("CA PEM") },
        { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") },
      ),
    );
    expect(readKubeconfig([path])).toEqual({
      server: "https://api.example:6443",
      namespace: "team",
      ca: "CA PEM",
      clientCertificate: "CERT",
      clientKey: "KEY",
      serverName: undefined,
      isVerifyingServer: true,
      token: undefined,
      tokenFile: undefined,
    });
  });

  it("reads files relative to the folder of the kubeconfig; inline data comes first", () => {
    writeFileSync(join(dir, "ca.crt"), "CA FILE");
    writeFileSync(join(dir, "client.crt"), "CERT FILE");
    const path = file(
      config(
        { "certificate-authority": "ca.crt", "tls-server-name": "kubernetes" },
        {
          "client-certificate": "client.crt",
          "client-key": "absent.key",
          "client-key-data": base64("KEY"),
          tokenFile: "token",
        },
      ),
    );
    expect(readKubeconfig([path])).toMatchObject({
      ca: "CA FILE",
      clientCertificate: "CERT FILE",
      clientKey: "KEY",
      serverName: "kubernetes",
      tokenFile: join(dir, "token"),
    });
  });

  it("reads a token and the wish not to verify the server", () => {
    const path = file(config({ "insecure-skip-tls-verify": true }, { token: "secret" }));
    expect(readKubeconfig([path])).toMatchObject({ token: "secret", isVerifyingServer: false });
  });

  it("merges several files, skips missing ones, and takes a context by name", () => {
    const first = file({ contexts: [{ name: "two", context: { cluster: "c2", user: "u" } }] });
    const second = file({
      ...config({}, { token: "t" }),
      clusters: [
        { name: "c", cluster: { server: "https://one" } },
        { name: "c2", cluster: { server: "https://two" } },
      ],
    });
    const paths = [join(dir, "absent"), first, second];
    expect(readKubeconfig(paths).server).toBe("https://one");
    expect(readKubeconfig(paths, "two").server).toBe("https://two");
  });

  const refusals: Record<string, [object, object, string]> = {
    exec: [{}, { exec: { command: "aws" } }, "credential plugins are not run"],
    "auth-provider": [{}, { "auth-provider": { name: "gcp" } }, "not supported"],
    username: [{}, { username: "admin", password: "x" }, "no passwords"],
    "proxy-url": [{ "proxy-url": "http://proxy" }, {}, "proxies are not supported"],
  };
  it.each(Object.entries(refusals))("refuses %s and says what to use", (field, parts) => {
    const [cluster, user, why] = parts;
    const path = file(config(cluster, user));
    const read = () => readKubeconfig([path]);
    expect(read).toThrow(ClusterAccessError);
    expect(read).toThrow(`kubeconfig ${path} uses "${field}"`);
    expect(read).toThrow(why);
    expect(read).toThrow("use a token, tokenFile or client certificate");
  });

  const broken: Record<string, [unknown, string]> = {
    "no YAML": ["a: [", "is no YAML"],
    "empty file": ["", "has no current-context"],
    "unknown context": [{ "current-context": "x" }, 'has no context "x"'],
    "unknown user": [{ ...config({}, {}), users: null }, 'has no user "u"'],
    "no server": [config({ server: "" }, {}), "has no server"],
    "missing certificate": [config({ "certificate-authority": "nowhere.crt" }, {}), "nowhere.crt"],
  };
  it.each(Object.entries(broken))("names what is wrong: %s", (_title, [content, message]) => {
    expect(() => readKubeconfig([file(content)])).toThrow(message);
    expect(() => readKubeconfig([file(content)])).toThrow(ClusterAccessError);
  });

  it("says where it looked when there is no file", () => {
    expect(() => readKubeconfig(["/absent/a", "/absent/b"])).toThrow(
      "no kubeconfig file at /absent/a or /absent/b",
    );
  });
});
