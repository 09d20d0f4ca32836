/** docs/install.md as a stranger follows it: its commands, typed as they stand there, and what they promise. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureHelm } from "../../../lab/helm/helm";
import { NGINX_IMAGE } from "../../../lab/images";
import { REPOSITORY } from "../../../lab/paths";
import { ADDRESS, World } from "./world";

const PAGE = readFileSync(join(REPOSITORY, "docs/install.md"), "utf8");
const BLOCKS = [...PAGE.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, text = ""]) => text);

/** Commands that the lab has carried out before, or that another run follows. */
const ELSEWHERE = [
  "npm ci && npm run build",
  "npm run image",
  // pepr-deploy.e2e.ts
  "kubectl delete namespace pepr-system metallb-system;",
];

/** The reader's own values: those of their MetalLB. */
const VALUES = join(REPOSITORY, "test/kube/chart/values/metallb-0.15.2.yaml");

const folder = mkdtempSync(join(tmpdir(), "herald-install-page-"));
const followed = new Set<string>();
let world: World;

beforeAll(async () => {
  symlinkSync(join(REPOSITORY, "dist"), join(folder, "dist"));
  copyFileSync(VALUES, join(folder, "values.yaml"));
  mkdirSync(join(folder, "bin"));
  symlinkSync(await ensureHelm(), join(folder, "bin/helm"));
  world = await World.up("e2e-page");
});

afterAll(async () => {
  await world.down();
  rmSync(folder, { recursive: true, force: true });
});

/** The block of the page that holds `text`. */
function blockWith(text: string): string {
  const found = BLOCKS.filter(block => block.includes(text));
  if (found.length === 0) throw new Error(`docs/install.md says nowhere: ${text}`);
  return found[0] ?? "";
}

/** Types a whole block, or of its lines the one that begins with `text`. Resolves with what is printed; a failure is one. */
async function type(text: string, part: "block" | "line" = "block"): Promise<string> {
  const lines = blockWith(text)
    .split("\n")
    .filter(line => part === "block" || line.startsWith(text));
  for (const line of lines) followed.add(line);
  // The only thing that is not as it stands there: the lab has no registry, and nginx under another name.
  const script = lines.join("\n").replace("--image=nginx", `--image=${NGINX_IMAGE}`);
  const path = `${join(folder, "bin")}:${world.lab.environment["PATH"] ?? ""}`;
  const { status, stdout, stderr } = await world.lab.exec("cp", ["bash", "-ec", script], {
    cwd: folder,
    env: { HOME: folder, PATH: path },
    check: false,
    timeoutMs: 200_000,
  });
  expect(status, `${script}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

describe("docs/install.md", () => {
  it("quick start: the Service answers on the address that the page promises", async () => {
    await type("kubectl rollout status");
    await type("kind: IPAddressPool");
    await type("kubectl expose deployment nginx");
    await world.answers(ADDRESS);
    expect(PAGE).toContain(`EXTERNAL-IP: ${ADDRESS}`);
    expect(await type("kubectl get service nginx", "line")).toContain(ADDRESS);
  });

  it("upgrade and uninstall of the manifest", async () => {
    await type("kubectl apply -f dist/install.yaml      ", "line");
    await world.answers(ADDRESS);
    await type("kubectl delete -f dist/install.yaml", "line");
    expect(await world.isClaimed(ADDRESS)).toBe(false);
  });

  it("Helm: installation, test, upgrade, rollback", async () => {
    await type("helm install metallb");
    await type("kind: IPAddressPool");
    await world.answers(ADDRESS);
    await type("helm upgrade metallb", "line");
    await type("helm rollback metallb", "line");
    await world.answers(ADDRESS);
  });

  it("uninstall of the release leaves the definitions, and the last command takes them", async () => {
    await type("helm uninstall metallb", "line");
    expect((await world.kubectl(["get", "ipaddresspools", "-A"])).stdout).toContain("first-pool");
    const command = "kubectl get crd -o name | grep metallb.io | xargs kubectl delete";
    expect(PAGE).toContain(`\`${command}\``);
    await world.command(["bash", "-ec", command]);
    expect((await world.kubectl(["get", "crd", "-o", "name"])).stdout).not.toContain("metallb.io");
  });

  it("has no command that nobody has followed", () => {
    const commands = BLOCKS.flatMap(block => block.split("\n")).filter(line => line !== "");
    const missed = commands.filter(line => !followed.has(line));
    expect(missed.filter(line => !ELSEWHERE.some(known => line.startsWith(known)))).toEqual([]);
  });
});
