/**
 * The image as an archive in OCI layout (image-spec v1.1), with Docker's own index beside it: `ctr images import`, `docker load`,
 * `podman load`, `skopeo copy oci-archive:` all take it. The same folder gives the same octets.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { APPLICATION_FOLDER } from "./root-folder";

export interface ImageIdentity {
  /** As it is written in a Pod: `herald:0.1.0`. */
  readonly reference: string;
  readonly version: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const TAR = ["--sort=name", "--mtime=@0", "--numeric-owner", "--format=posix"];
const PLAIN = ["--pax-option=delete=atime,delete=ctime"];
const MODULES = `./${APPLICATION_FOLDER}/node_modules`;

/** What seldom changes comes first, so that an upgrade moves the last layer alone. */
const LAYERS: readonly { readonly owner: string; readonly select: readonly string[] }[] = [
  { owner: "0", select: [`--exclude=./${APPLICATION_FOLDER}`, "."] },
  { owner: "0", select: [MODULES] },
  // Pepr's Deployments run as 65532 and write here; uid 0 without DAC_OVERRIDE gets in through the group.
  { owner: "65532", select: [`--exclude=${MODULES}`, `./${APPLICATION_FOLDER}`] },
];

/** Writes `target` in one step. Resolves with the octets of all layers, which are not compressed. */
export async function writeArchive(
  root: string,
  target: string,
  identity: ImageIdentity,
): Promise<number> {
  const work = mkdtempSync(`${target}.tmp-`);
  try {
    const blobs = join(work, "blobs/sha256");
    mkdirSync(blobs, { recursive: true });
    const layers: Descriptor[] = [];
    for (const layer of LAYERS) layers.push(await writeLayer(root, blobs, layer));
    const config = writeBlob(blobs, "config", configuration(identity, layers));
    const manifest = writeBlob(blobs, "manifest", {
      schemaVersion: 2,
      mediaType: mediaType("manifest"),
      config,
      layers,
    });
    writeIndexes(work, { identity, manifest, config, layers });
    const archive = `${target}.partial`;
    execFileSync("tar", [
      ...TAR,
      ...PLAIN,
      "--owner=0",
      "--group=0",
      "-C",
      work,
      "-cf",
      archive,
      ".",
    ]);
    renameSync(archive, target);
    return layers.reduce((sum, layer) => sum + layer.size, 0);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function writeLayer(
  root: string,
  blobs: string,
  { owner, select }: (typeof LAYERS)[number],
): Promise<Descriptor> {
  const file = join(blobs, "layer");
  const who = [`--owner=${owner}`, "--group=0"];
  execFileSync("tar", [...TAR, ...PLAIN, ...who, "-C", root, "-cf", file, ...select]);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  const hex = hash.digest("hex");
  const { size } = statSync(file);
  renameSync(file, join(blobs, hex));
  return {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: `sha256:${hex}`,
    size,
  };
}

function configuration({ version }: ImageIdentity, layers: readonly Descriptor[]): object {
  return {
    architecture: { x64: "amd64" }[process.arch as string] ?? process.arch,
    os: "linux",
    config: {
      User: "65534:65534",
      WorkingDir: `/${APPLICATION_FOLDER}`,
      Entrypoint: ["/usr/local/bin/node"],
      Env: ["PATH=/usr/local/bin", "NODE_ENV=production"],
      Labels: {
        "org.opencontainers.image.title": "herald",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: "1970-01-01T00:00:00Z" })),
  };
}

function writeBlob(blobs: string, kind: "config" | "manifest", value: object): Descriptor {
  const text = JSON.stringify(value);
  const hex = createHash("sha256").update(text).digest("hex");
  writeFileSync(join(blobs, hex), text);
  return { mediaType: mediaType(kind), digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}

function mediaType(kind: "config" | "manifest"): string {
  return `application/vnd.oci.image.${kind}.v1+json`;
}

function writeIndexes(
  work: string,
  parts: {
    readonly identity: ImageIdentity;
    readonly manifest: Descriptor;
    readonly config: Descriptor;
    readonly layers: readonly Descriptor[];
  },
): void {
  const write = (name: string, value: object): void =>
    writeFileSync(join(work, name), JSON.stringify(value));
  const { reference } = parts.identity;
  const annotations = {
    "io.containerd.image.name": qualified(reference),
    "org.opencontainers.image.ref.name": reference.slice(reference.lastIndexOf(":") + 1),
  };
  const path = ({ digest }: Descriptor): string => `blobs/${digest.replace(":", "/")}`;
  write("oci-layout", { imageLayoutVersion: "1.0.0" });
  write("index.json", { schemaVersion: 2, manifests: [{ ...parts.manifest, annotations }] });
  write("manifest.json", [
    { Config: path(parts.config), RepoTags: [reference], Layers: parts.layers.map(path) },
  ]);
}

/** The full name, as a container runtime completes it: `docker.io/library/herald:0.1.0`. */
export function qualified(reference: string): string {
  const [first = "", ...rest] = reference.split("/");
  if (rest.length === 0) return `docker.io/library/${reference}`;
  const isHost = first.includes(".") || first.includes(":") || first === "localhost";
  return isHost ? reference : `docker.io/${reference}`;
}
