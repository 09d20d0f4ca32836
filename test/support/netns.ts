/** Network namespaces for tests: a segment is a bridge in a namespace of its own, with hosts on it by veth pairs. Needs root. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface HostOptions {
  readonly name: string;
  readonly mac: string;
  /** With prefix length: `192.0.2.1/24`, `2001:db8::1/64`. */
  readonly addresses: readonly string[];
}

/** What a program said and how it ended. */
export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** One network namespace with interface `eth0` on the segment. */
export class Host {
  readonly name: string;
  readonly namespace: string;
  readonly mac: string;

  constructor(name: string, namespace: string, mac: string) {
    this.name = name;
    this.namespace = namespace;
    this.mac = mac;
  }

  /** Runs the program in the namespace and waits for it; whatever its exit code, the caller judges. */
  run(command: string, ...args: readonly string[]): CommandResult {
    const result = spawnSync("ip", ["netns", "exec", this.namespace, command, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    return { stdout: result.stdout, stderr: result.stderr, code: result.status };
  }

  /** Runs the program in the namespace with that standard input, without blocking the test; resolves with what it printed. */
  async feed(input: string, command: string, ...args: readonly string[]): Promise<string> {
    const argv = ["netns", "exec", this.namespace, command, ...args];
    const child = spawn("ip", argv, { stdio: ["pipe", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stdin.end(input);
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`${command} ended with ${code}`);
    return stdout;
  }

  /** `ip …` in the namespace; throws when it fails. */
  ip(...args: readonly string[]): string {
    return ip("-n", this.namespace, ...args);
  }

  /** What the neighbor table says about the address: MAC in lower case and state, or undefined without entry. */
  neighbor(address: string): { mac: string | undefined; state: string } | undefined {
    const line = this.ip("neigh", "show", "to", address).trim();
    if (line === "") return undefined;
    const words = line.split(/\s+/);
    const macIndex = words.indexOf("lladdr");
    return {
      mac: macIndex < 0 ? undefined : words[macIndex + 1],
      state: words.at(-1) ?? "",
    };
  }
}

/** A running tcpdump: the lines that it printed so far, one for each packet. */
export class Capture {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  #rest = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (this.#rest + text).split("\n");
      this.#rest = parts.pop() ?? "";
      this.lines.push(...parts);
    });
  }

  /** Begins to capture on the host's `eth0`; resolves when tcpdump listens. */
  static async start(host: Host, filter: string): Promise<Capture> {
    const tcpdump = ["tcpdump", "--immediate-mode", "-l", "-n", "-e", "-tt", "-i", "eth0", filter];
    const child = spawn("ip", ["netns", "exec", host.namespace, ...tcpdump], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    const capture = new Capture(child);
    await eventually("tcpdump listens", 5000, () => complaints.includes("listening on"));
    return capture;
  }

  /** Resolves when all that was captured is in `lines`. */
  async stop(): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    await closed;
  }
}

/** One Ethernet segment; `destroy` removes everything it made. */
export class Segment {
  readonly hosts = new Map<string, Host>();
  readonly #prefix: string;
  readonly #bridge: string;

  /** `prefix` begins the names of all namespaces; two segments at once need different ones. */
  constructor(prefix: string, hosts: readonly HostOptions[]) {
    requireRoot();
    this.#prefix = `${prefix}-${process.pid}`;
    this.#bridge = `${this.#prefix}-br`;
    ip("netns", "add", this.#bridge);
    try {
      ip("-n", this.#bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
      ip("-n", this.#bridge, "link", "set", "br0", "up");
      for (const host of hosts) this.add(host);
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  /** Adds a host: interface `eth0` up with its addresses, its cable is interface `name` at the bridge. */
  add({ name, mac, addresses }: HostOptions): Host {
    const namespace = `${this.#prefix}-${name}`;
    ip("netns", "add", namespace);
    const host = new Host(name, namespace, mac);
    this.hosts.set(name, host);
    ip("-n", namespace, "link", "set", "lo", "up");
    const peer = ["peer", "name", name, "netns", this.#bridge];
    ip("-n", namespace, "link", "add", "eth0", "address", mac, "type", "veth", ...peer);
    ip("-n", this.#bridge, "link", "set", name, "master", "br0", "up");
    ip("-n", namespace, "link", "set", "eth0", "up");
    for (const address of addresses) {
      const noDad = address.includes(":") ? ["nodad"] : [];
      ip("-n", namespace, "address", "add", address, "dev", "eth0", ...noDad);
    }
    return host;
  }

  host(name: string): Host {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  /** Another segment between all hosts, which have it as interface `name`; a cable is called after its host and the interface. */
  addSegment(name: string): void {
    const bridge = `br-${name}`;
    ip("-n", this.#bridge, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0");
    ip("-n", this.#bridge, "link", "set", bridge, "up");
    for (const host of this.hosts.values()) {
      const cable = `${host.name}-${name}`;
      host.ip("link", "add", name, "type", "veth", "peer", "name", cable, "netns", this.#bridge);
      ip("-n", this.#bridge, "link", "set", cable, "master", bridge, "up");
      host.ip("link", "set", name, "up");
    }
  }

  /** Takes the host's cable out or puts it back: its `eth0` loses or regains carrier. */
  setCable(name: string, isPlugged: boolean): void {
    ip("-n", this.#bridge, "link", "set", name, isPlugged ? "up" : "down");
  }

  /** Puts the other end of a host's new `eth0`, named as the host, into the bridge. */
  plug(name: string): void {
    ip("-n", this.#bridge, "link", "set", name, "master", "br0", "up");
  }

  destroy(): void {
    for (const { namespace } of this.hosts.values()) {
      spawnSync("ip", ["netns", "del", namespace]);
    }
    spawnSync("ip", ["netns", "del", this.#bridge]);
  }
}

/** Polls until the value is neither undefined nor false; throws after the deadline with what was awaited. */
export async function eventually<Value>(
  what: string,
  withinMs: number,
  probe: () => Value | undefined | false,
): Promise<Value> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** The machine cannot make network namespaces otherwise; a skipped test would look like a passed one. */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error("the lab tests make network namespaces and need root");
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
