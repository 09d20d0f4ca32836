/** What BFD does to BGP, with FRR: both threads of the speaker, joined as the speaker joins them. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { FrrDaemons } from "../../../lab/routers/frr-daemons";
import { ensureRouters } from "../../../lab/routers/packages";
import type { BgpReport, BgpSessionReport } from "../../../node/bgp-protocol";
import type { PacketReport } from "../../../node/packet-protocol";
import { eventually, type Segment } from "../../support/netns";
import { settingsOf } from "./bfd-node";
import { NODE, PEER, newSegment } from "./support";

const ROOT = join(__dirname, "..", "..", "..");
const outdir = join(ROOT, "node_modules", ".cache", "herald", `bfd-bgp-${process.pid}`);
const FRR_CONFIG = `
router bgp 65002
 bgp router-id ${PEER}
 no bgp ebgp-requires-policy
 neighbor ${NODE} remote-as 65001
 neighbor ${NODE} bfd 3 100 100
exit
bfd
exit
`;

let segment: Segment;
let frr: FrrDaemons;
let node: ChildProcess;
let sessions: (BgpSessionReport & { readonly atMs: number })[];
let bfdStates: string[];

beforeAll(async () => {
  await ensureRouters(["frr"]);
  mkdirSync(outdir, { recursive: true });
  await build({
    entryPoints: {
      "packet-thread": join(ROOT, "node/packet-thread.ts"),
      "bgp-thread": join(ROOT, "node/bgp-thread.ts"),
      program: join(ROOT, "test/lab/bfd/bgp-node-program.ts"),
    },
    outdir,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "error",
  });
});
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

beforeEach(async () => {
  segment = newSegment("bfdbgp");
  frr = await FrrDaemons.start({
    namespace: segment.host("peer").namespace,
    daemons: ["bfdd", "bgpd"],
    config: FRR_CONFIG,
  });
  sessions = [];
  bfdStates = [];
  const bundles = ["program", "packet-thread", "bgp-thread"].map(name =>
    join(outdir, `${name}.js`),
  );
  const argv = ["netns", "exec", segment.host("node").namespace, process.execPath, ...bundles];
  node = spawn("ip", argv, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  node.on("message", (report: BgpReport | PacketReport) => {
    if (report.type === "session") sessions.push({ ...report, atMs: Date.now() });
    if (report.type === "bfdState") bfdStates.push(`${report.from} ${report.to}`);
  });
});
afterEach(async () => {
  if (node.exitCode === null && node.signalCode === null) {
    const exited = once(node, "exit");
    node.kill("SIGKILL");
    await exited;
  }
  await frr.stop();
  segment.destroy();
});

function startBgp(): void {
  const configuration = {
    localAs: 65_001,
    expectedAs: { type: "exactly", as: 65_002 },
    bgpIdentifier: 0xc000_0201,
    holdTimeSeconds: 90,
    keepaliveSeconds: 30,
    families: ["ipv4-unicast"],
    offersExtendedNextHop: false,
    offersExtendedMessages: false,
  } as const;
  const target = { type: "address", address: PEER } as const;
  const spec = { name: "router", target, port: 179, isMultihop: false, configuration };
  node.send({ type: "sessions", sessions: [{ ...spec, bfd: settingsOf(100) }] });
}

/** FRR makes its BFD session anew when BGP has connected, and ends BGP for that once: waits until all is quiet. */
async function whenUp(): Promise<void> {
  await eventually("BGP and BFD are up for two seconds", 30_000, () => {
    const last = sessions.at(-1);
    const isQuiet = last?.state === "Established" && Date.now() - last.atMs > 2_000;
    return isQuiet && bfdStates.at(-1)?.endsWith("Up");
  });
}

it("a BFD that falls silent ends the session at once though TCP is well, and it comes back", async () => {
  startBgp();
  await whenUp();
  const cutMs = Date.now();
  frr.signal("bfdd", "SIGSTOP");
  const down = await eventually("BGP is down", 5_000, () => {
    const last = sessions.at(-1);
    return last?.state === "Established" ? undefined : last;
  });
  // The hold time is 90 s.
  expect(down.atMs - cutMs).toBeLessThan(1_500);
  expect(down.lastSent).toMatchObject({ code: 6, subcode: 10 });
  const routers = JSON.parse(await frr.show(`show bgp neighbors ${NODE} json`, "bgpd")) as object;
  expect(JSON.stringify(routers)).toMatch(/BFD/i);
  frr.signal("bfdd", "SIGCONT");
  await eventually("BGP is back", 20_000, () => sessions.at(-1)?.state === "Established");
});

it("the BGP thread hears of it while the main thread is blocked", async () => {
  startBgp();
  await whenUp();
  node.send({ type: "block", forMs: 3_000 });
  frr.signal("bfdd", "SIGSTOP");
  const cutMs = Date.now();
  // What main reports comes late; FRR itself says when the session ended.
  await eventuallyAsync(2_500, async () => {
    const text = await frr.show(`show bgp neighbors ${NODE} json`, "bgpd");
    return !text.includes('"bgpState":"Established"');
  });
  expect(Date.now() - cutMs).toBeLessThan(2_500);
  frr.signal("bfdd", "SIGCONT");
});

it("AdminDown from the router ends nothing (D15)", async () => {
  startBgp();
  await whenUp();
  await frr.configure(`bfd\n peer ${NODE} local-address ${PEER} interface eth0\n  shutdown\n`);
  await frr.configure(`bfd\n peer ${NODE}\n  shutdown\n`);
  await eventually("BFD is Down", 8_000, () => bfdStates.at(-1)?.endsWith("Down"));
  await new Promise(resolve => setTimeout(resolve, 1_500));
  expect(sessions.at(-1)?.state).toBe("Established");
});

async function eventuallyAsync(withinMs: number, probe: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await probe())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms`);
  }
}
