/**
 * Container images without a registry: `pause` compiled here, `nginx` from the machine's (or Debian's) nginx, and any
 * folder as a docker-archive. Kept in the cache under the hash of what went in.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withLock } from "./file-lock";
import { findCommand } from "./packages";
import { cacheDirectory, REPOSITORY } from "./paths";
import { LabError, run } from "./run";

/** The image of a Pod's first container. */
export const PAUSE_IMAGE = "herald.lab/pause:1";
/** nginx with its own welcome page; also `/hostname` (the Pod that answers) and `/client` (who it sees asking). */
export const NGINX_IMAGE = "herald.lab/nginx:1";

/** What makes an image. */
export interface ImageRequest {
  /** The first name is the image's, the others are further tags. */
  readonly references: readonly string[];
  /** The folder that becomes the root of the only layer; owners become root, times are dropped. */
  readonly rootDirectory: string;
  readonly command: readonly string[];
  readonly environment?: readonly string[];
}

/** A change of how images are made must change this, so that old ones in the cache are not used. */
const FORMAT = "2";
const TAR = ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
const NGINX_CONFIGURATION = `daemon off;
user root;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 1024; }
http {
  include mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  server {
    listen 80;
    listen [::]:80;
    root /usr/share/nginx/html;
    location = /hostname { default_type text/plain; return 200 "$hostname\\n"; }
    location = /client { default_type text/plain; return 200 "$remote_addr\\n"; }
  }
}
`;

/** Guarantees the images every node needs and returns their archives. */
export async function ensureImages(): Promise<readonly string[]> {
  const folder = join(cacheDirectory(), "images");
  mkdirSync(folder, { recursive: true });
  return withLock(join(folder, ".lock"), () =>
    Promise.all([ensurePause(folder), ensureNginx(folder)]),
  );
}

/** Writes a docker-archive to `target`; the same folder gives the same octets. */
export async function writeImage(target: string, request: ImageRequest): Promise<void> {
  const work = mkdtempSync(`${target}.tmp-`);
  try {
    const layer = join(work, "layer.tar");
    await run([...TAR, "-C", request.rootDirectory, "-cf", layer, "."]);
    const digest = createHash("sha256").update(readFileSync(layer)).digest("hex");
    const config = imageConfiguration(request, digest);
    const manifest = [
      { Config: "config.json", RepoTags: request.references, Layers: ["layer.tar"] },
    ];
    writeFileSync(join(work, "config.json"), JSON.stringify(config));
    writeFileSync(join(work, "manifest.json"), JSON.stringify(manifest));
    const archive = join(work, "image.tar");
    const members = ["config.json", "layer.tar", "manifest.json"];
    await run([...TAR, "-C", work, "-cf", archive, ...members]);
    await rename(archive, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The image's configuration (OCI image specification) for one layer with that digest. */
export function imageConfiguration(request: ImageRequest, layerSha256: string): object {
  return {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: {
      Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...(request.environment ?? [])],
      Cmd: request.command,
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerSha256}`] },
    history: [],
  };
}

/** The paths in what `ldd` prints: the loader and the libraries that were found. */
export function parseLdd(printed: string): string[] {
  return printed
    .split("\n")
    .map(line => /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1])
    .filter(path => path !== undefined);
}

async function ensurePause(folder: string): Promise<string> {
  const source = join(REPOSITORY, "lab", "pause.c");
  const target = join(folder, `pause-${hash([readFileSync(source)])}.tar`);
  if (existsSync(target)) return target;
  return withRoot(target, async root => {
    await run(["gcc", "-Os", "-static", "-s", "-o", join(root, "pause"), source]);
    await writeImage(target, {
      references: [PAUSE_IMAGE],
      rootDirectory: root,
      command: ["/pause"],
    });
  });
}

async function ensureNginx(folder: string): Promise<string> {
  const source = await findNginx(folder);
  const libraries = parseLdd((await run(["ldd", source.program])).stdout);
  const contents = [source.program, ...libraries].map(path => readFileSync(path));
  const page = readFileSync(source.page);
  const target = join(folder, `nginx-${hash([...contents, page, NGINX_CONFIGURATION])}.tar`);
  if (existsSync(target)) return target;
  return withRoot(target, async root => {
    for (const path of libraries) copyInto(root, path, path);
    copyInto(root, source.program, "/usr/sbin/nginx");
    copyInto(root, source.mimeTypes, "/etc/nginx/mime.types");
    copyInto(root, source.page, "/usr/share/nginx/html/index.html");
    writeInto(root, "/etc/nginx/nginx.conf", NGINX_CONFIGURATION);
    writeInto(root, "/etc/passwd", "root:x:0:0:root:/:/bin/false\n");
    writeInto(root, "/etc/group", "root:x:0:\n");
    for (const path of ["/var/log/nginx", "/var/lib/nginx", "/run", "/tmp"]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    await writeImage(target, {
      references: [NGINX_IMAGE, "docker.io/library/nginx:latest"],
      rootDirectory: root,
      command: ["/usr/sbin/nginx"],
    });
  });
}

interface NginxFiles {
  readonly program: string;
  readonly mimeTypes: string;
  readonly page: string;
}

/**
 * The machine's nginx; else Debian's packages, unpacked in the cache: installing them would start a server on the
 * machine's port 80.
 */
async function findNginx(folder: string): Promise<NginxFiles> {
  const installed = findCommand("nginx");
  if (installed !== undefined) {
    const files = nginxFiles("/", realpathSync(installed));
    if (files !== undefined) return files;
  }
  const unpacked = join(folder, "nginx-debian");
  const program = join(unpacked, "usr/sbin/nginx");
  if (!existsSync(program)) await unpackNginx(unpacked);
  const files = nginxFiles(unpacked, program);
  if (files === undefined) throw missingNginx();
  return files;
}

function nginxFiles(root: string, program: string): NginxFiles | undefined {
  const mimeTypes = join(root, "etc/nginx/mime.types");
  const page = ["usr/share/nginx/html/index.html", "var/www/html/index.nginx-debian.html"]
    .map(path => join(root, path))
    .find(path => existsSync(path) && readFileSync(path, "utf8").includes("Welcome to nginx!"));
  return page !== undefined && existsSync(mimeTypes) ? { program, mimeTypes, page } : undefined;
}

async function unpackNginx(target: string): Promise<void> {
  if (findCommand("apt-get") === undefined) throw missingNginx();
  const work = mkdtempSync(`${target}.tmp-`);
  try {
    const download = ["apt-get", "download", "nginx-light", "nginx-common", "nginx"];
    const first = await run(download, { cwd: work, check: false });
    if (first.status !== 0) {
      await run(["apt-get", "update"], { check: false });
      await run(download, { cwd: work });
    }
    for (const name of readdirSync(work).filter(each => each.endsWith(".deb"))) {
      await run(["dpkg-deb", "-x", join(work, name), join(work, "root")]);
    }
    await rename(join(work, "root"), target);
  } catch (cause) {
    throw missingNginx(cause);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function missingNginx(cause?: unknown): LabError {
  const text = "nginx is missing and could not be fetched: install the Debian package nginx-light.";
  return new LabError("missing-packages", text, { cause });
}

async function withRoot(target: string, build: (root: string) => Promise<void>): Promise<string> {
  const root = mkdtempSync(`${target}.root-`);
  try {
    chmodSync(root, 0o755);
    await build(root);
    return target;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function copyInto(root: string, source: string, path: string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}

function writeInto(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function hash(parts: readonly (Uint8Array | string)[]): string {
  const digest = createHash("sha256").update(FORMAT);
  for (const part of parts) digest.update(part);
  return digest.digest("hex").slice(0, 16);
}
