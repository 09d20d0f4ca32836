/**
 * The lab's cgroups: `/herald-<lab>/<node>` in every hierarchy that is mounted, with a child `daemons` that the node's
 * processes start in; kubelet makes the Pods' beside it. Tried with cgroup v1 (one hierarchy a controller, and a bare v2
 * beside them). A machine with v2 alone takes the same way with one hierarchy and enabled controllers: not tried yet.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LabError, poll } from "./run";

/** A mounted hierarchy. */
export interface CgroupHierarchy {
  readonly mountPoint: string;
  readonly version: 1 | 2;
  /** Controllers of a v1 hierarchy, such as "cpuset"; empty for v2. */
  readonly controllers: readonly string[];
}

const V1_CONTROLLERS: ReadonlySet<string> = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "blkio",
  "pids",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
]);

/** Fields of proc(5): mount ID, parent, device, root, mount point, options … - type, source, super options. */
const MOUNT_INFO = /^\d+ \d+ (\S+) \S+ (\S+) .* - (cgroup2?) \S+ (\S+)/;

/** The hierarchies in a /proc/PID/mountinfo; each once, however often it is mounted. */
export function parseHierarchies(mountInfo: string): readonly CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>();
  for (const line of mountInfo.split("\n")) {
    const match = MOUNT_INFO.exec(line);
    const [, device = "", mountPoint = "", type, superOptions = ""] = match ?? [];
    if (match === null || found.has(device)) continue;
    const controllers = superOptions.split(",").filter(option => V1_CONTROLLERS.has(option));
    found.set(
      device,
      type === "cgroup2"
        ? { mountPoint, version: 2, controllers: [] }
        : { mountPoint, version: 1, controllers },
    );
  }
  return [...found.values()];
}

/** The cgroups of one lab. */
export class LabCgroups {
  readonly #hierarchies: readonly CgroupHierarchy[];
  readonly #root: string;

  constructor(lab: string, mountInfo = readFileSync("/proc/self/mountinfo", "utf8")) {
    this.#hierarchies = parseHierarchies(mountInfo);
    this.#root = `herald-${lab}`;
    if (this.#hierarchies.length === 0) {
      throw new LabError("no-cgroups", "No cgroup hierarchy is mounted: nodes cannot run here.");
    }
  }

  /** The name by which kubelet knows a node's cgroup, the same in all hierarchies. */
  rootOf(node: string): string {
    return `/${this.#root}/${node}`;
  }

  /** Makes a node's cgroups and returns the files into which a process writes its number to be in them. */
  create(node: string): readonly string[] {
    return this.#hierarchies.map(hierarchy => {
      let directory = hierarchy.mountPoint;
      for (const name of [this.#root, node, "daemons"]) {
        this.#delegate(hierarchy, directory);
        const child = join(directory, name);
        mkdirSync(child, { recursive: true });
        if (hierarchy.controllers.includes("cpuset")) inheritCpuset(directory, child);
        directory = child;
      }
      return join(directory, "cgroup.procs");
    });
  }

  /** v2: controllers reach a child only if its parent says so; beside v1 hierarchies there are none to hand on. */
  #delegate(hierarchy: CgroupHierarchy, directory: string): void {
    if (hierarchy.version !== 2) return;
    const offered = readFileSync(join(directory, "cgroup.controllers"), "utf8").trim();
    for (const name of offered.split(" ").filter(word => word !== "")) {
      try {
        writeFileSync(join(directory, "cgroup.subtree_control"), `+${name}`);
      } catch {
        // Some cannot be handed on at some moments; kubelet names those it misses.
      }
    }
  }

  /** The files into which a process writes its number to be among a node's daemons. */
  entrances(node: string): readonly string[] {
    return this.#directories(node)
      .map(directory => join(directory, "daemons", "cgroup.procs"))
      .filter(file => existsSync(file));
  }

  /** Stops (or lets go on) every process of a node at once, as a hung machine would. */
  async setFrozen(node: string, isFrozen: boolean): Promise<void> {
    const v1 = this.#hierarchies.find(each => each.controllers.includes("freezer"));
    if (v1 === undefined) {
      for (const directory of this.#directories(node)) {
        writeFileSync(join(directory, "cgroup.freeze"), isFrozen ? "1" : "0");
      }
      return;
    }
    const file = join(v1.mountPoint, this.#root, node, "freezer.state");
    const wanted = isFrozen ? "FROZEN" : "THAWED";
    await poll(
      () => {
        writeFileSync(file, wanted);
        return readFileSync(file, "utf8").trim() === wanted ? true : undefined;
      },
      { timeoutMs: 5_000, describe: () => `Node ${node} does not become ${wanted}.` },
    );
  }

  /** Numbers of all processes in the cgroups of a node, or of the whole lab. */
  processes(node?: string): number[] {
    const found = new Set<number>();
    for (const directory of this.#directories(node)) {
      for (const child of descendants(directory)) {
        for (const pid of readLines(join(child, "cgroup.procs"))) found.add(Number(pid));
      }
    }
    return [...found];
  }

  /** Removes the cgroups of a node, or all of the lab's. Processes in them must have been killed. */
  async remove(node?: string): Promise<void> {
    await poll(() => (this.#directories(node).every(removeTree) ? true : undefined), {
      timeoutMs: 10_000,
      describe: () => `Cgroups stay busy: ${this.#directories(node).join(", ")}`,
    });
  }

  #directories(node?: string): string[] {
    const path = node === undefined ? this.#root : join(this.#root, node);
    return this.#hierarchies
      .map(hierarchy => join(hierarchy.mountPoint, path))
      .filter(directory => existsSync(directory));
  }
}

function inheritCpuset(parent: string, child: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    writeFileSync(join(child, file), readFileSync(join(parent, file)));
  }
}

/** The folder and everything below, children before parents. */
function descendants(directory: string): string[] {
  try {
    const children = readdirSync(directory, { withFileTypes: true }).filter(each =>
      each.isDirectory(),
    );
    return [...children.flatMap(child => descendants(join(directory, child.name))), directory];
  } catch {
    return [];
  }
}

function removeTree(directory: string): boolean {
  for (const child of descendants(directory)) {
    try {
      rmdirSync(child);
    } catch {
      // Busy for a moment after its processes ended: the caller tries again.
    }
  }
  return !existsSync(directory);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter(line => line !== "");
  } catch {
    return [];
  }
}
