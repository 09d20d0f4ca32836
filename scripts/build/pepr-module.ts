/**
 * `pepr build`: type check, bundle, manifest and chart. It is run in a folder of its own, dist/pepr, where its lint and format pass
 * over the whole project (npm run check does that) finds no file and its type check sees what pepr.ts reaches, no more. From there
 * `npx pepr deploy` works too: the package.json in it says what to grant.
 */
import { build } from "esbuild";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json";
import { peprRules } from "../manifest/added-by-controller";
import { DEFAULT_NAMESPACE, distFolder, repository } from "./paths";

const MAX_BUNDLE_OCTETS = 700_000;
const output = join(distFolder, "pepr-herald.js");
const manifest = join(distFolder, "pepr-module-herald.yaml");
const stamp = join(distFolder, ".pepr-herald.stamp");
const workFolder = join(distFolder, "pepr");

/**
 * Writes dist/pepr-herald.js, dist/pepr-module-herald.yaml and dist/herald-chart when a source of theirs has changed since the
 * last time. Resolves to what was done; rejects with the compiler's words when it fails.
 */
export async function buildPeprModule(options: { readonly isForced: boolean }): Promise<string> {
  const sources = await hashSources();
  if (!options.isForced && isFresh(sources)) return "unchanged";
  for (const path of [stamp, output, manifest]) rmSync(path, { force: true });
  prepareWorkFolder();
  const said = await runPepr();
  // Pepr ends with 0 after a type error; what it has written tells.
  if (!existsSync(output) || !existsSync(manifest)) throw new Error(essence(said));
  const octets = statSync(output).size;
  if (octets > MAX_BUNDLE_OCTETS) throw new Error(`${octets} octets do not fit Pepr's Secret`);
  writeFileSync(stamp, sources);
  return `built, ${Math.ceil(octets / 1024)} kB`;
}

function isFresh(sources: string): boolean {
  const isComplete = [stamp, output, manifest].every(path => existsSync(path));
  return isComplete && readFileSync(stamp, "utf8") === sources;
}

/** A digest of every file that takes part: what the bundle holds, and what steers the build. */
async function hashSources(): Promise<string> {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: ["pepr.ts"],
    bundle: true,
    packages: "external",
    platform: "node",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const steering = ["package.json", "package-lock.json", "tsconfig.json"];
  const own = ["scripts/build/pepr-module.ts"];
  const files = [...new Set([...Object.keys(metafile.inputs), ...steering, ...own])].sort();
  const rules = JSON.stringify(peprRules(DEFAULT_NAMESPACE));
  const hash = createHash("sha256").update(rules);
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(repository, file)));
  return hash.digest("hex");
}

/** What Pepr looks for in the current folder. */
function prepareWorkFolder(): void {
  mkdirSync(workFolder, { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(workFolder, name), text);
  const tsconfig = { extends: "../../tsconfig.json", files: ["../../pepr.ts"], include: [] };
  write("tsconfig.json", JSON.stringify(tsconfig));
  const { pepr, ...rest } = packageJson;
  const rbac = peprRules(DEFAULT_NAMESPACE);
  write("package.json", JSON.stringify({ ...rest, pepr: { ...pepr, rbac } }, null, 2));
  write("pepr.ts", 'import "../../pepr";\n');
  const modules = join(workFolder, "node_modules");
  if (!existsSync(modules)) symlinkSync("../../node_modules", modules);
}

function runPepr(): Promise<string> {
  const cli = join(repository, "node_modules/pepr/dist/cli.js");
  const argv = [cli, "build", "--output", ".."];
  return new Promise((resolve, reject) => {
    const options = { cwd: workFolder, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, argv, options, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`;
      if (error) reject(new Error(essence(said), { cause: error }));
      else resolve(said);
    });
  });
}

/** The compiler's lines when it is they that failed, else everything: Pepr prints its own stack around them. */
function essence(said: string): string {
  const typeErrors = said.split("\n").filter(line => /error TS\d+:/.test(line));
  return `pepr build\n${typeErrors.length > 0 ? typeErrors.join("\n") : said}`;
}
