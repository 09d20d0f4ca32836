import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadClusterAccess, TokenSource } from "../../../../capabilities/cluster/cluster-access";
import { ManualClock } from "./manual-clock";

const dir = mkdtempSync(join(tmpdir(), "herald-access-"));
afterAll(() => rmSync(dir, { recursive: true }));

function kubeconfig(name: string, server: string): string {
  const path = join(dir, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(
    path,
    `{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"x","user":"x"}}],` +
      `"clusters":[{"name":"x","cluster":{"server":"${server}"}}],"users":[{"name":"x","user":{"token":"t"}}]}`,
  );
  return path;
}

const serviceAccountDir = join(dir, "account");
mkdirSync(serviceAccountDir);
for (const [name, content] of [
  ["token", "pod-token\n"],
  ["ca.crt", "POD CA"],
  ["namespace", "metallb-system"],
] as const) {
  writeFileSync(join(serviceAccountDir, name), content);
}

const flag = kubeconfig("flag", "https://flag");
const listed = kubeconfig("listed", "https://listed");
kubeconfig("home/.kube/config", "https://home");
const pod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "6443" };
const env = { KUBECONFIG: `${join(dir, "absent")}:${listed}`, HOME: join(dir, "home"), ...pod };

describe("loadClusterAccess", () => {
  it("prefers the flag, then KUBECONFIG, then the Pod's account, then the home folder", () => {
    const server = (options: Parameters<typeof loadClusterAccess>[0]) =>
      loadClusterAccess({ serviceAccountDir, ...options }).server.href;
    expect(server({ kubeconfig: flag, env })).toBe("https://flag/");
    expect(server({ kubeconfig: "", env })).toBe("https://listed/");
    expect(server({ env: { ...env, KUBECONFIG: "" } })).toBe("https://10.96.0.1:6443/");
    expect(server({ env: { HOME: env.HOME } })).toBe("https://home/");
    expect(() => server({ env: {} })).toThrow("pass --kubeconfig, set KUBECONFIG, or run in a Pod");
  });

  it("knows the Pod's token, CA and namespace, and an IPv6 server", () => {
    const access = loadClusterAccess({
      env: { KUBERNETES_SERVICE_HOST: "fd00:96::1" },
      serviceAccountDir,
    });
    expect(access.server.href).toBe("https://[fd00:96::1]/");
    expect(access.tls).toEqual({ ca: "POD CA", rejectUnauthorized: true });
    expect(access.token?.current()).toBe("pod-token");
    expect(access.namespace).toBe("metallb-system");
  });

  it("reads the Pod's token again each minute, and keeps the last one while the file is gone", () => {
    const clock = new ManualClock();
    const access = loadClusterAccess({ env: pod, serviceAccountDir, clock });
    const path = join(serviceAccountDir, "token");
    writeFileSync(path, "next-token");
    clock.freeze(59_999);
    expect(access.token?.current()).toBe("pod-token");
    clock.freeze(1);
    expect(access.token?.current()).toBe("next-token");
    rmSync(path);
    clock.freeze(60_000);
    expect(access.token?.current()).toBe("next-token");
    writeFileSync(path, "pod-token\n");
  });

  it("refuses a Pod without an account, and a server that is no URL", () => {
    expect(() => loadClusterAccess({ env: pod, serviceAccountDir: "/absent" })).toThrow("/absent");
    const path = kubeconfig("no-url", "api.example");
    expect(() => loadClusterAccess({ kubeconfig: path, env: {} })).toThrow(
      'server "api.example" is no URL',
    );
  });
});

describe("TokenSource", () => {
  it("tells by its value whether a refused token has a successor", () => {
    let token = "first";
    const source = new TokenSource(() => token, new ManualClock());
    expect(source.refresh()).toBe("first");
    token = "second";
    expect(source.current()).toBe("first");
    expect(source.refresh()).toBe("second");
    token = "";
    expect(source.refresh()).toBe("second");
  });
});
