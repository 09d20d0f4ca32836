/** Where the lab keeps things: never in the work tree. */
import { homedir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder for what can be made again: binaries, images. `XDG_CACHE_HOME` is honoured if it is absolute. */
export function cacheDirectory(env: Environment = process.env): string {
  return join(absoluteOr(env["XDG_CACHE_HOME"], join(homedir(), ".cache")), "herald");
}

/** The folder for the state of running labs. `XDG_STATE_HOME` is honoured if it is absolute. */
export function stateDirectory(env: Environment = process.env): string {
  return join(absoluteOr(env["XDG_STATE_HOME"], join(homedir(), ".local", "state")), "herald");
}

/** The root of the work tree. */
export const REPOSITORY = join(__dirname, "..");

function absoluteOr(path: string | undefined, otherwise: string): string {
  return path?.startsWith("/") === true ? path : otherwise;
}
