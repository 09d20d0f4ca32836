import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { Binary } from "../../../lab/binaries";
import {
  ensureKubernetes,
  isSameMinor,
  kubernetesVersion,
  linkerFlags,
  requiredVersion,
} from "../../../lab/binaries";
import { silentProgress } from "../../../lab/progress";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderWith(versions: Partial<Record<Binary, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "binaries-"));
  folders.push(folder);
  for (const [name, version] of Object.entries(versions)) {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\necho "Kubernetes ${version}"\n`);
    chmodSync(path, 0o755);
  }
  return folder;
}

it("reads the version that go.mod requires, in a block or alone, direct or indirect", () => {
  expect(kubernetesVersion("require (\n\tk8s.io/kubernetes v1.34.4 // indirect\n)")).toBe(
    "v1.34.4",
  );
  expect(kubernetesVersion("require k8s.io/kubernetes v1.35.0\n")).toBe("v1.35.0");
  expect(kubernetesVersion("require k8s.io/kubernetes-x v1.35.0\n")).toBeUndefined();
  expect(requiredVersion()).toMatch(/^v1\.34\.\d+$/);
});

it("takes a command of the same minor version only", () => {
  expect(isSameMinor("Kubernetes v1.34.1\n", "v1.34.4")).toBe(true);
  expect(isSameMinor("Client Version: v1.34.0\nKustomize Version: v5.7.1\n", "v1.34.4")).toBe(true);
  expect(isSameMinor("Kubernetes v1.34.4-dirty", "v1.34.4")).toBe(true);
  expect(isSameMinor("Client Version: v1.32.9", "v1.34.4")).toBe(false);
  expect(isSameMinor("Kubernetes v1.3.4", "v1.34.4")).toBe(false);
  expect(isSameMinor("", "v1.34.4")).toBe(false);
});

it("gives the commands the version that Kubernetes' own build gives them", () => {
  const flags = linkerFlags("v1.34.4");
  expect(flags).toContain("-X k8s.io/component-base/version.gitVersion=v1.34.4");
  expect(flags).toContain("-X k8s.io/component-base/version.gitMajor=1");
  expect(flags).toContain("-X k8s.io/component-base/version.gitMinor=34");
});

it("uses KUBEBUILDER_ASSETS, then PATH, when every needed command is there in the right version", async () => {
  const needed: Binary[] = ["etcd", "kube-apiserver", "kubectl"];
  const right = { etcd: "3", "kube-apiserver": "v1.34.0", kubectl: "v1.34.2" };
  const [assets, onPath] = [folderWith(right), folderWith(right)];
  const both = { KUBEBUILDER_ASSETS: assets, PATH: `/nowhere:${onPath}` };
  await expect(ensureKubernetes(silentProgress, needed, { env: both })).resolves.toBe(assets);
  const path = { PATH: `/nowhere:${onPath}` };
  await expect(ensureKubernetes(silentProgress, needed, { env: path })).resolves.toBe(onPath);
});

it("passes over a folder with a missing command or one of another version", async () => {
  const needed: Binary[] = ["kubectl", "kube-apiserver"];
  const stray = folderWith({ kubectl: "v1.32.1", "kube-apiserver": "v1.34.0" });
  const half = folderWith({ kubectl: "v1.34.0" });
  const right = folderWith({ kubectl: "v1.34.0", "kube-apiserver": "v1.34.9" });
  const env = { KUBEBUILDER_ASSETS: stray, PATH: `${half}:${right}` };
  await expect(ensureKubernetes(silentProgress, needed, { env })).resolves.toBe(right);
});
