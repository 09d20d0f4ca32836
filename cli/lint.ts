/** `kubectl herald lint`: reads manifests, judges them as admission would, reports. */
import { ApiClient } from "../capabilities/cluster/api-client";
import { loadClusterAccess } from "../capabilities/cluster/cluster-access";
import { findManifests } from "./find-manifests";
import { judgeManifests } from "./judge";
import { LINT_HELP, parseLintOptions, type LintOptions } from "./lint-options";
import { ExitCode, toExitCode, type LintResult } from "./lint-result";
import { readLiveConfiguration, type LiveConfiguration } from "./live-configuration";
import type { Reading } from "./manifest";
import { ManifestReader } from "./read-manifests";
import { formatForPeople } from "./report-human";
import { formatAsJson } from "./report-json";

/** What surrounds a command. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the output goes to a terminal that shows colours. */
  readonly isColoured: boolean;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly readStandardInput: () => Promise<Uint8Array>;
}

/** Runs the command with the words after `lint`; resolves to the exit code and never rejects for what comes from outside. */
export async function runLint(argv: readonly string[], around: Surroundings): Promise<ExitCode> {
  const parsed = parseLintOptions(argv, around.env);
  if (parsed.type === "help") {
    around.write(`${LINT_HELP}\n`);
    return ExitCode.accepted;
  }
  if (parsed.type === "wrong") {
    around.writeError(`${parsed.text}\nkubectl herald lint --help shows what can be given.\n`);
    return ExitCode.unreadable;
  }
  return lint(parsed.options, around);
}

async function lint(options: LintOptions, around: Surroundings): Promise<ExitCode> {
  const { namespace, output, failOn, isLive } = options;
  const reading = await readAll(options, around);
  const live = isLive ? await readLive(options, around) : NOTHING_LIVE;
  if (live === undefined) return ExitCode.unreadable;
  for (const notice of live.notices) around.writeError(`${notice}\n`);
  const findings = judgeManifests(reading.manifests, { namespace, live: live.resources });
  const result: LintResult = { ...reading, findings, isLive };
  around.write(
    output === "json" ? formatAsJson(result, failOn) : formatForPeople(result, around.isColoured),
  );
  return toExitCode(result, failOn);
}

const NOTHING_LIVE: LiveConfiguration = { resources: {}, notices: [] };

async function readAll({ files, namespace }: LintOptions, around: Surroundings): Promise<Reading> {
  const input = files.includes("-") ? await around.readStandardInput() : undefined;
  const reader = new ManifestReader(namespace);
  for (const found of findManifests(files, input)) {
    if (found.ok) reader.add(found.value.file, found.value.text);
    else reader.addUnreadable(found.error);
  }
  return reader.reading;
}

/** Undefined when it cannot be read; why has been written then. */
async function readLive(
  { kubeconfig, context, namespace }: LintOptions,
  { env, writeError }: Surroundings,
): Promise<LiveConfiguration | undefined> {
  let client: ApiClient | undefined;
  try {
    const access = loadClusterAccess({ kubeconfig, context, env });
    client = new ApiClient(access, { userAgent: "kubectl-herald" });
    return await readLiveConfiguration(client, namespace);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    writeError(`The cluster's configuration cannot be read: ${reason}\n`);
    return undefined;
  } finally {
    client?.close();
  }
}
