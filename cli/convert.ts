/** `kubectl herald convert`: old configurations become resources, on paper or in the cluster. */
import { ApiClient } from "../capabilities/cluster/api-client";
import { loadClusterAccess } from "../capabilities/cluster/cluster-access";
import type { LegacySource } from "../capabilities/cluster/legacy-sources";
import { isLost } from "../lib/config/legacy/effect";
import { isRefused, type Conversion } from "../lib/config/legacy/resources";
import { convertInput } from "./convert-input";
import { applyPlan, planLive, readSources, retire, type LivePlan } from "./convert-live";
import { mergeConversions, type FileConversion } from "./convert-merge";
import { CONVERT_HELP, parseConvertOptions, type ConvertCommand } from "./convert-options";
import { formatConversion, formatEffects, formatFindings } from "./convert-report";
import { findManifests } from "./find-manifests";
import type { Surroundings } from "./lint";

/** Documented in docs/convert.md. */
export const ConvertExit = { converted: 0, refused: 1, unreadable: 2 } as const;

type Exit = (typeof ConvertExit)[keyof typeof ConvertExit];

/** Runs the command with the words after `convert`; resolves to the exit code and never rejects for what comes from outside. */
export async function runConvert(argv: readonly string[], around: Surroundings): Promise<Exit> {
  const parsed = parseConvertOptions(argv, around.env);
  if (parsed.type === "help") {
    around.write(`${CONVERT_HELP}\n`);
    return ConvertExit.converted;
  }
  if (parsed.type === "wrong") {
    around.writeError(`${parsed.text}\nkubectl herald convert --help shows what can be given.\n`);
    return ConvertExit.unreadable;
  }
  const { options } = parsed;
  return options.isLive || options.mayApply
    ? withCluster(options, around)
    : convertFiles(options, around);
}

async function convertFiles(options: ConvertCommand, around: Surroundings): Promise<Exit> {
  const read = await readFiles(options, around);
  if (read === undefined) return ConvertExit.unreadable;
  const exit = isRefused(read.problems) ? ConvertExit.refused : ConvertExit.converted;
  around.writeError(formatFindings(read.problems, around.isColoured));
  around.write(formatConversion(read, { output: options.output, exitCode: exit }));
  return exit;
}

/** All inputs as one conversion; undefined, and told, when one cannot be read or there is nothing in them. */
async function readFiles(
  { files, from, namespace }: ConvertCommand,
  around: Surroundings,
): Promise<Conversion | undefined> {
  const input = files.includes("-") ? await around.readStandardInput() : undefined;
  const parts: FileConversion[] = [];
  let isReadable = true;
  for (const found of findManifests(files, input)) {
    if (found.ok) {
      const { file } = found.value;
      for (const conversion of convertInput({ ...found.value, from, namespace }))
        parts.push({ file, conversion });
    } else {
      around.writeError(`${found.error.file}: ${found.error.message}\n`);
      isReadable = false;
    }
  }
  if (!isReadable) return undefined;
  if (parts.length === 0) {
    around.writeError("There is no old configuration in what was given: see --from in --help.\n");
    return undefined;
  }
  return mergeConversions(parts, namespace);
}

async function withCluster(options: ConvertCommand, around: Surroundings): Promise<Exit> {
  const { kubeconfig, context } = options;
  let client: ApiClient | undefined;
  try {
    const access = loadClusterAccess({ kubeconfig, context, env: around.env });
    client = new ApiClient(access, { userAgent: "kubectl-herald" });
    const sources = await findSources(client, options, around);
    if (sources === undefined) return ConvertExit.unreadable;
    return await convertSources(client, sources, { options, around });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    around.writeError(`The cluster did not do as it was asked: ${reason}\n`);
    return ConvertExit.unreadable;
  } finally {
    client?.close();
  }
}

async function findSources(
  client: ApiClient,
  options: ConvertCommand,
  around: Surroundings,
): Promise<readonly LegacySource[] | undefined> {
  const { isLive, files, namespace, configMaps } = options;
  if (isLive) {
    const sources = await readSources(client, namespace, configMaps);
    if (sources.length > 0) return sources;
    const names = configMaps.join(" or ");
    around.writeError(
      `There is no ConfigMap ${names} to be converted in ${namespace}, and no AddressPool.\n`,
    );
    return undefined;
  }
  const conversion = await readFiles(options, around);
  if (conversion === undefined) return undefined;
  const source = { kind: "File", namespace, name: files.join(" ") };
  // A label that no object carries: nothing in the cluster counts as made of this file.
  return [{ source, label: "", text: "", conversion }];
}

async function convertSources(
  client: ApiClient,
  sources: readonly LegacySource[],
  { options, around }: { readonly options: ConvertCommand; readonly around: Surroundings },
): Promise<Exit> {
  let exit: Exit = ConvertExit.converted;
  for (const source of sources) {
    const plan = await planLive(client, options.namespace, source);
    const isBad = isRefused(plan.problems) || plan.effects.some(isLost);
    if (isBad) exit = ConvertExit.refused;
    around.writeError(formatFindings(plan.problems, around.isColoured));
    around.writeError(formatEffects(plan));
    const code = isBad ? ConvertExit.refused : ConvertExit.converted;
    const { output } = options;
    if (!options.mayApply)
      around.write(formatConversion(source.conversion, { output, exitCode: code, plan }));
    else if (!isBad) await switchOver(client, source, { plan, around });
  }
  return exit;
}

async function switchOver(
  client: ApiClient,
  source: LegacySource,
  { plan, around }: { readonly plan: LivePlan; readonly around: Surroundings },
): Promise<void> {
  await retire(client, source);
  await applyPlan(client, plan, line => around.write(`${line}\n`));
  if (source.source.kind !== "ConfigMap") return;
  around.write(
    `ConfigMap "${source.source.name}" is not read any more; delete it when you like. The resources are yours.\n`,
  );
}
