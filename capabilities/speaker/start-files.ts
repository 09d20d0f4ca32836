/** The files that a speaker reads at its start, with sentences for what is wrong with them. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { LivenessProfile } from "../../lib/liveness/timers";
import { parseExcludeList } from "./exclude-list";
import { parseMemberlistProfile } from "./liveness-settings";

/** A reason to end the start, as a sentence for the user. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
  }
}

const POLL_MS = 5_000;
const SECRET_FILE = "secretkey";

/** The excluded interfaces; none when there is no such file. Throws StartError when the list cannot be used. */
export function readExcludeList(path: string): readonly string[] {
  const text = readIfThere(path);
  if (text === undefined) return [];
  const parsed = parseExcludeList(text.toString("utf8"));
  if (parsed.ok) return parsed.value;
  throw new StartError(`${path} cannot be used: ${parsed.error.message}`);
}

/** Calls back when the file says something else; a list that cannot be used changes nothing. Returns how to end it. */
export function followExcludeList(
  path: string,
  log: Logger,
  onChange: (patterns: readonly string[]) => void,
): () => void {
  let known = JSON.stringify(readExcludeList(path));
  const read = (): void => {
    try {
      const patterns = readExcludeList(path);
      // A file that is not there is reported once although nothing changed.
      if (JSON.stringify(patterns) === known) return;
      known = JSON.stringify(patterns);
      log.info({ path, patterns }, "the list of excluded interfaces changed");
      onChange(patterns);
    } catch (error) {
      log.error({ path, err: error }, "the list of excluded interfaces stays as it was");
    }
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, read);
  return () => unwatchFile(path, read);
}

/** The octets of the heartbeats' secret; undefined when no directory is named. Throws StartError when it is not readable. */
export function readHeartbeatSecret(directory: string | undefined): Uint8Array | undefined {
  if (directory === undefined) return undefined;
  const path = join(directory, SECRET_FILE);
  const secret = readIfThere(path);
  if (secret === undefined || secret.length === 0) {
    throw new StartError(`${path}, the secret of the heartbeats, does not exist or is empty`);
  }
  return new Uint8Array(secret);
}

/**
 * Calls back when the secret's file holds another one (the kubelet follows the Secret, a minute late); one that cannot be used
 * changes nothing. Returns how to end it.
 */
export function followHeartbeatSecret(
  directory: string | undefined,
  log: Logger,
  onChange: (secret: Uint8Array) => void,
): () => void {
  let known = readHeartbeatSecret(directory);
  if (directory === undefined) return () => undefined;
  const path = join(directory, SECRET_FILE);
  const read = (): void => {
    try {
      const secret = readHeartbeatSecret(directory);
      if (secret === undefined || known === undefined) return;
      if (Buffer.compare(secret, known) === 0) return;
      known = secret;
      log.info({ path }, "the secret of the heartbeats changed");
      onChange(secret);
    } catch (error) {
      log.error({ path, err: error }, "the secret of the heartbeats stays as it was");
    }
  };
  watchFile(path, { interval: POLL_MS, persistent: false }, read);
  return () => unwatchFile(path, read);
}

/** The profile that MetalLB's memberlist file asks for; undefined without one, or with one that cannot be used. */
export function readMemberlistProfile(path: string, log: Logger): LivenessProfile | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const parsed = parseMemberlistProfile(text.toString("utf8"));
  if (parsed.ok) {
    const msg = "of the memberlist settings only ProbeInterval and SuspicionMult count";
    log.info({ path, profile: parsed.value }, msg);
    return parsed.value;
  }
  log.warn({ path }, `the memberlist settings cannot be used: ${parsed.error}`);
  return undefined;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new StartError(`${path} cannot be read`, { cause });
  }
}
