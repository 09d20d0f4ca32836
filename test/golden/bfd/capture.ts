/**
 * Writes the golden vectors of this folder: `npx tsx test/golden/bfd/capture.ts` as root. BIRD and FRR talk to each other in
 * network namespaces, tcpdump listens and says what it reads in each packet; that, and not our own decoder, is what the vectors
 * expect. One file for each sender, state and set of flags. Discriminators are random: the files change with every run.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BirdDaemon } from "../../../lab/routers/bird-daemon";
import { FrrDaemons } from "../../../lab/routers/frr-daemons";
import { ensureRouters } from "../../../lab/routers/packages";
import { birdBfd, frrBfd } from "../../lab/bfd/peers";
import { eventually, Segment } from "../../support/netns";

const BIRD = "192.0.2.1";
const FRR = "192.0.2.2";

interface Captured {
  readonly source: string;
  readonly port: number;
  /** Of the UDP datagram. */
  readonly payload: string;
  readonly frame: string;
  /** What tcpdump says. */
  readonly words: string;
}

async function main(): Promise<void> {
  await ensureRouters(["bird", "frr"]);
  const versions: Readonly<Record<string, string>> = { [BIRD]: birdVersion(), [FRR]: frrVersion() };
  mkdirSync(join(__dirname, "echo"), { recursive: true });
  const control = await record("udp port 3784 or udp port 4784", talk);
  for (const packet of control) writeControl(packet, versions[packet.source] ?? "");
  const echoes = await record("udp port 3785", echo);
  const [sent] = echoes;
  if (sent !== undefined) writeEcho(sent, versions[FRR] ?? "");
}

/** Both daemons through every state: up, ended by one, by the other, killed. */
async function talk(segment: Segment): Promise<void> {
  const birdConfig = birdBfd({ node: FRR, local: BIRD, intervalMs: 100, multiplier: 5 });
  const frrConfig = frrBfd({ node: BIRD, local: FRR, intervalMs: 150 });
  const bird = await BirdDaemon.start({
    namespace: segment.host("bird").namespace,
    config: birdConfig,
  });
  const frr = await FrrDaemons.start({
    namespace: segment.host("frr").namespace,
    daemons: ["bfdd"],
    config: frrConfig,
  });
  const pause = async (ms: number): Promise<void> =>
    new Promise(resolve => setTimeout(resolve, ms));
  await pause(4_000);
  const peer = `bfd\n peer ${BIRD} local-address ${FRR}\n`;
  await frr.configure(`${peer}  receive-interval 300\n  transmit-interval 300\n`);
  await pause(2_000);
  await frr.configure(`${peer}  shutdown\n`);
  await pause(1_500);
  await frr.configure(`${peer}  no shutdown\n`);
  await pause(4_000);
  await bird.command("disable", "bfd1");
  await pause(1_500);
  await bird.command("enable", "bfd1");
  await pause(4_000);
  frr.signal("bfdd", "SIGSTOP");
  await pause(2_000);
  frr.signal("bfdd", "SIGCONT");
  await pause(3_000);
  bird.signal("SIGSTOP");
  await pause(2_000);
  await bird.stop();
  await frr.stop();
}

/** FRR's echoes, returned by the forwarding of a plain host. */
async function echo(segment: Segment): Promise<void> {
  for (const name of ["bird", "frr"]) segment.host(name).run("sysctl", "-w", "net.ipv4.ip_forward=1");
  const start = async (name: string, local: string, node: string): Promise<FrrDaemons> =>
    FrrDaemons.start({
      namespace: segment.host(name).namespace,
      daemons: ["bfdd"],
      config: frrBfd({ node, local, intervalMs: 300, echoIntervalMs: 100 }),
    });
  const one = await start("frr", FRR, BIRD);
  const other = await start("bird", BIRD, FRR);
  await new Promise(resolve => setTimeout(resolve, 5_000));
  await one.stop();
  await other.stop();
}

/** What tcpdump heard on the cable of FRR's host while `act` ran. */
async function record(
  filter: string,
  act: (segment: Segment) => Promise<void>,
): Promise<readonly Captured[]> {
  const segment = new Segment("bfdgold", [
    { name: "bird", mac: "02:00:5e:00:53:01", addresses: [`${BIRD}/24`] },
    { name: "frr", mac: "02:00:5e:00:53:02", addresses: [`${FRR}/24`] },
  ]);
  const directory = mkdtempSync(join(tmpdir(), "herald-capture-"));
  const path = join(directory, "pcap");
  const argv = ["netns", "exec", segment.host("frr").namespace, "tcpdump"];
  const options = ["-U", "-n", "-w", path, "-i", "eth0", filter];
  const tcpdump = spawn("ip", [...argv, ...options], { stdio: ["ignore", "ignore", "pipe"] });
  let complaints = "";
  tcpdump.stderr.setEncoding("utf8").on("data", (part: string) => (complaints += part));
  try {
    await eventually("tcpdump listens", 5_000, () => complaints.includes("listening on"));
    await act(segment);
  } finally {
    const exited = once(tcpdump, "exit");
    tcpdump.kill("SIGTERM");
    await exited;
    segment.destroy();
  }
  writeFileSync(path, withoutBroadcom(readFileSync(path)));
  const text = execFileSync("tcpdump", ["-n", "-vv", "-xx", "-r", path], { encoding: "utf8" });
  rmSync(directory, { recursive: true });
  return text
    .split(/\n(?=\d\d:\d\d:\d\d)/)
    .map(parse)
    .filter(packet => packet !== undefined);
}

/** FRR's first source port belongs to another protocol in tcpdump's eyes: it reads BFD from any other. */
function withoutBroadcom(pcap: Buffer): Buffer {
  const [fileHeader, recordHeader, sourcePort] = [24, 16, 34];
  for (let offset = fileHeader; offset + recordHeader < pcap.length; ) {
    const frame = offset + recordHeader;
    const port = pcap.readUInt16BE(frame + sourcePort);
    if (port >= 49_152) pcap.writeUInt16BE(60_000, frame + sourcePort);
    offset = frame + pcap.readUInt32LE(offset + 8);
  }
  return pcap;
}

function parse(text: string): Captured | undefined {
  const ends = /(\d+\.\d+\.\d+\.\d+)\.\d+ > \d+\.\d+\.\d+\.\d+\.(\d+)/.exec(text);
  // tcpdump may print the payload of what it does not know before it prints the frame.
  const dump = text.slice(text.lastIndexOf("\t0x0000:"));
  const frame = [...dump.matchAll(/^\t0x[0-9a-f]+: {2}(.*)$/gm)]
    .map(([, line = ""]) => line.replace(/[^0-9a-f]/g, ""))
    .join("");
  if (ends === null || frame === "") return undefined;
  const [, source = "", port = ""] = ends;
  // Ethernet, IPv4 without options, UDP.
  return { source, port: Number(port), payload: frame.slice(84), frame, words: text };
}

function writeControl(packet: Captured, source: string): void {
  const decoded = toDecoded(packet.words);
  const sender = source.split(" ")[0]?.toLowerCase() ?? "";
  const flags = [decoded.isPoll ? "-poll" : "", decoded.isFinal ? "-final" : ""].join("");
  const diagnostic = decoded.diagnostic === 0 ? "" : `-diagnostic-${decoded.diagnostic}`;
  const stranger = decoded.yourDiscriminator === 0 ? "-unheard" : "";
  const name = `${sender}-${decoded.state.toLowerCase()}${flags}${diagnostic}${stranger}`;
  write(name, source, packet.payload.replace(/^(..)(..)(..)(..)/, "$1 $2 $3 $4 "), decoded);
}

function toDecoded(words: string) {
  const find = (pattern: RegExp): string => {
    const found = pattern.exec(words)?.[1];
    if (found === undefined) throw new Error(`tcpdump does not say ${pattern}: ${words}`);
    return found;
  };
  const flags = find(/Flags: \[(.*?)\]/);
  const us = (pattern: RegExp): number => Number(find(pattern)) * 1_000;
  return {
    diagnostic: Number(find(/Diagnostic: .*\((0x[0-9a-f]+)\)/)),
    state: find(/State (\w+)/),
    isPoll: flags.includes("Poll"),
    isFinal: flags.includes("Final"),
    isControlPlaneIndependent: flags.includes("Control Plane Independent"),
    isDemand: flags.includes("Demand"),
    detectMultiplier: Number(find(/Multiplier: (\d+)/)),
    myDiscriminator: Number(find(/My Discriminator: (0x[0-9a-f]+)/)),
    yourDiscriminator: Number(find(/Your Discriminator: (0x[0-9a-f]+)/)),
    desiredMinTxUs: us(/Desired min Tx Interval: +(\d+) ms/),
    requiredMinRxUs: us(/Required min Rx Interval: +(\d+) ms/),
    requiredMinEchoRxUs: us(/Required min Echo Interval: +(\d+) ms/),
  };
}

function writeEcho({ frame }: Captured, source: string): void {
  const hex = [28, 40, 16, 48].reduce(
    (parts, length) => ({ text: `${parts.text}${parts.rest.slice(0, length)} `, rest: parts.rest.slice(length) }),
    { text: "", rest: frame },
  );
  write("echo/frr-echo", source, hex.text.trim(), {
    address: FRR,
    myDiscriminator: Number.parseInt(frame.slice(92, 100), 16),
    seconds: Number.parseInt(frame.slice(100, 116), 16),
    microseconds: Number.parseInt(frame.slice(116, 132), 16),
  });
}

function write(name: string, source: string, hex: string, decoded: object): void {
  const vector = { name: name.split("/").at(-1), source: `capture, ${source}`, hex, decoded };
  writeFileSync(join(__dirname, `${name}.json`), `${JSON.stringify(vector, null, 2)}\n`);
}

function birdVersion(): string {
  return execFileSync("sh", ["-c", "/usr/sbin/bird --version 2>&1"], { encoding: "utf8" })
    .trim()
    .replace("BIRD version", "BIRD");
}

function frrVersion(): string {
  const text = execFileSync("/usr/lib/frr/bfdd", ["--version"], { encoding: "utf8" });
  return `FRR ${/version (\S+)/.exec(text)?.[1] ?? ""}`;
}

void main();
