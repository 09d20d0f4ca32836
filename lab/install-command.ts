/** `npm run lab -- install`: for a lab, or for any cluster that a kubeconfig leads to. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LabCommand } from "./arguments";
import { ensureKubernetes } from "./binaries";
import { install, type Kubectl } from "./install";
import { Lab } from "./lab";
import { consoleProgress } from "./progress";
import { LabError, run } from "./run";

const USAGE =
  "install takes --kubeconfig <file>, --namespace <name> and --admission-url <https://host:port>";

/**
 * With `--name` the lab of that name; else the cluster of `--kubeconfig` or KUBECONFIG; else the lab with the usual name. Resolves
 * with the exit status.
 */
export async function installCommand(command: LabCommand): Promise<number> {
  const { kubeconfig, namespace, "admission-url": admissionUrl } = readArguments(command.rest);
  const path = kubeconfig ?? (command.isNamed ? undefined : process.env["KUBECONFIG"]);
  const kubectl =
    path === undefined || path === "" ? ofLab(Lab.open(command.name)) : await ofKubeconfig(path);
  await install({
    kubectl,
    ...(namespace === undefined ? {} : { namespace }),
    ...(admissionUrl === undefined ? {} : { admissionUrl }),
    report: line => process.stdout.write(`${line}\n`),
  });
  return 0;
}

function readArguments(argv: readonly string[]): {
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly "admission-url"?: string;
} {
  const text = { type: "string" } as const;
  const options = { kubeconfig: text, namespace: text, "admission-url": text };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (cause) {
    throw new LabError("usage", `${USAGE}.`, { cause });
  }
}

function ofLab(lab: Lab): Kubectl {
  return (argv, options = {}) => lab.exec("cp", [join(lab.binDir, "kubectl"), ...argv], options);
}

async function ofKubeconfig(path: string): Promise<Kubectl> {
  const binDir = await ensureKubernetes(consoleProgress(), ["kubectl"]);
  const command = [join(binDir, "kubectl"), `--kubeconfig=${path}`];
  return (argv, options = {}) => run([...command, ...argv], options);
}
