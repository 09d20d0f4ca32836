/** What has to be on the machine before a lab can be built: rights, packages, commands, images. */
import { readFileSync } from "node:fs";
import { ALL_BINARIES, ensureKubernetes } from "./binaries";
import { ensureImages } from "./images";
import { describeMissing, ensurePackages, missingPackages } from "./packages";
import type { Progress } from "./progress";
import { LabError } from "./run";

/** Guarantees that the machine can carry a lab; rejects with one clear line that says what is missing. */
export async function prepareMachine(
  progress: Progress,
  signal?: AbortSignal,
): Promise<{ binDir: string; images: readonly string[] }> {
  checkRights();
  await ensurePackages(progress);
  signal?.throwIfAborted();
  const binDir = await ensureKubernetes(progress, ALL_BINARIES, { signal });
  signal?.throwIfAborted();
  return { binDir, images: await ensureImages() };
}

/** Capabilities a lab cannot do without, by their number in capabilities(7). */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_CHROOT: 18, CAP_SYS_ADMIN: 21 } as const;

function checkRights(): void {
  if (process.getuid?.() !== 0) {
    const missing = missingPackages();
    const also = missing.length === 0 ? "" : ` ${describeMissing(missing)}`;
    throw new LabError(
      "not-root",
      `The lab needs root (network namespaces, mounts, cgroups): run it as root.${also}`,
    );
  }
  const lacking = missingCapabilities(readFileSync("/proc/self/status", "utf8"));
  if (lacking.length > 0) {
    throw new LabError("not-root", `The lab needs ${lacking.join(", ")}, which this root lacks.`);
  }
}

/** The needed capabilities that are not in the effective set of a /proc/PID/status. */
export function missingCapabilities(status: string): string[] {
  const text = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const effective = BigInt(`0x${text ?? "0"}`);
  return Object.entries(CAPABILITIES)
    .filter(([, bit]) => (effective & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
}
