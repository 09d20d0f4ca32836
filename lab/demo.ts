/**
 * `npm run demo`: the main job from beginning to end, nothing simulated. Each step says what it proves; the exit status is 0
 * only if all of it was seen. With `--keep` the lab stays.
 */
import { parseArgs } from "node:util";
import { electionHash } from "../lib/announcement/election";
import { ArpWatch } from "./arp-watch";
import { HeraldInLab, HERALD_NAMESPACE } from "./herald";
import { Lab } from "./lab";
import { REPOSITORY } from "./paths";
import { consoleProgress, during } from "./progress";
import { LabError, poll, run } from "./run";
import { checkLabName } from "./topology";
import { badPool, firstPool, nginx } from "./demo-manifests";

const EXPECTED_ADDRESS = "192.168.1.240";
const TAKEOVER_LIMIT_MS = 10_000;

const HELP = `usage: npm run demo [-- --keep] [--name <lab>]

Brings up a real Kubernetes (one control plane, three nodes), installs Herald, and shows an nginx
Service answering on its own address. Needs root. The first run builds Kubernetes (about 5 minutes).

  --keep        leave the lab up and say how to look around
  --name <lab>  name of the lab (default demo)`;

async function main(): Promise<void> {
  const options = {
    keep: { type: "boolean" },
    name: { type: "string" },
    help: { type: "boolean" },
  } as const;
  const { values } = parseArgs({ args: process.argv.slice(2), options });
  if (values.help === true) {
    console.log(HELP);
    return;
  }
  const name = checkLabName(values.name ?? "demo");
  const abort = new AbortController();
  const interrupt = (): void => abort.abort(new LabError("interrupted", "Interrupted."));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  const build = [process.execPath, "--import", "tsx", "scripts/build.ts"];
  const what = "building Herald's programs";
  await during(consoleProgress(), { number: 1, of: 1, what, usualSeconds: 10 }, () =>
    run(build, { cwd: REPOSITORY }),
  );
  const lab = await Lab.up({ name, nodes: 3, progress: consoleProgress(), signal: abort.signal });
  try {
    await Promise.race([show(lab), whenAborted(abort.signal)]);
    if (values.keep === true) await keep(lab);
  } finally {
    if (values.keep !== true || abort.signal.aborted) {
      await lab.down();
      console.log("\nThe lab is gone; nothing was left behind.");
    }
  }
}

async function show(lab: Lab): Promise<void> {
  const herald = await HeraldInLab.start(lab);
  say("1. Herald runs", [
    "controller and admission beside the API server, a speaker on each of n1, n2, n3; all say they are ready",
  ]);
  await showAdmission(lab);
  const address = await showAddress(lab);
  const owner = await showAnnouncer(lab, address);
  await showPage(lab, address, owner);
  await showFailover(lab, herald, address, owner);
}

async function showAdmission(lab: Lab): Promise<void> {
  const refused = await lab.kubectl(["create", "-f", "-"], { input: badPool, check: false });
  if (refused.status === 0) throw new LabError("demo", "A pool with a wrong address was accepted.");
  await lab.apply(firstPool);
  say("2. A pool that cannot work is refused, a good one is accepted", [
    "$ kubectl create -f bad-pool.yaml",
    ...refused.stderr.trim().split("\n"),
    "$ kubectl create -f first-pool.yaml",
    "ipaddresspool first-pool (192.168.1.240/28), l2advertisement first-pool: accepted by our webhooks",
  ]);
}

async function showAddress(lab: Lab): Promise<string> {
  await lab.apply(nginx);
  await lab.kubectl(["rollout", "status", "deployment/nginx", "--timeout=60s"]);
  const path = "jsonpath={.status.loadBalancer.ingress[0].ip}";
  const address = await poll(
    async () => (await lab.kubectl(["get", "service", "nginx", "-o", path])).stdout || undefined,
    { timeoutMs: 30_000, describe: () => "The Service nginx got no address within 30 s." },
  );
  const table = await lab.kubectl(["get", "service", "nginx"]);
  say("3. The Service has an address: the first free one of the pool", [
    "$ kubectl get service nginx",
    ...table.stdout.trim().split("\n"),
  ]);
  if (address === EXPECTED_ADDRESS) return address;
  throw new LabError("demo", `Expected ${EXPECTED_ADDRESS}, the Service has ${address}.`);
}

async function showAnnouncer(lab: Lab, address: string): Promise<string> {
  const owner = await poll(() => announcerOf(lab), {
    timeoutMs: 15_000,
    describe: () => `Nobody announces ${address}; see ${lab.directory}/logs.`,
  });
  const events = await lab.kubectl([
    ...[
      "get",
      "events",
      "--field-selector=involvedObject.kind=Service,involvedObject.name=nginx",
      "--no-headers",
    ],
    ...["-o", "custom-columns=REASON:.reason,MESSAGE:.message"],
  ]);
  say(`4. ${owner} announces it`, [
    `Every speaker ranks the nodes by SHA-256 of "<node>#${address}"; the first one alive answers:`,
    ...rankLines(lab.nodes, address),
    "$ kubectl get events (of the Service)",
    ...events.stdout.trim().split("\n"),
  ]);
  return owner;
}

/** The address is announced as soon as a Pod is ready; kube-proxy takes up to a second more to send packets to it. */
async function untilServed(lab: Lab, address: string): Promise<void> {
  const argv = ["curl", "-sf", "-m", "1", "-o", "/dev/null", `http://${address}/`];
  await poll(
    async () => {
      const { status } = await lab.exec("client", argv, { check: false });
      return status === 0 ? true : undefined;
    },
    { timeoutMs: 15_000, describe: () => `${address} does not serve the page` },
  );
}

async function showPage(lab: Lab, address: string, owner: string): Promise<void> {
  await untilServed(lab, address);
  const watch = await ArpWatch.start(lab, address);
  await lab.exec("client", ["ip", "neigh", "flush", "all"]);
  const page = await lab.exec("client", ["curl", "-s", "-m", "5", `http://${address}/`]);
  const frames = await watch.stop();
  const { mac } = lab.host(owner);
  if (!frames.some(frame => frame.isReplyOf === mac)) {
    throw new LabError("demo", `No ARP answer from ${owner} (${mac}) was captured.`);
  }
  const title = /<h1>(.*)<\/h1>/.exec(page.stdout)?.[1] ?? "";
  if (title !== "Welcome to nginx!") throw new LabError("demo", `Not nginx's page: ${page.stdout}`);
  say("5. A client that knows nothing of Kubernetes gets the page", [
    `client# curl http://${address}/`,
    `  <h1>${title}</h1>`,
    `client# tcpdump -i eth0 arp    (${mac} is ${owner})`,
    ...frames.map(frame => `  ${frame.text}`),
  ]);
}

async function showFailover(
  lab: Lab,
  herald: HeraldInLab,
  address: string,
  owner: string,
): Promise<void> {
  const speaker = herald.speakers.get(owner);
  if (speaker === undefined) throw new LabError("demo", `No speaker on ${owner}.`);
  const watch = await ArpWatch.start(lab, address);
  // Asks every 20 ms, as long as the answer may take; ended as soon as it was seen.
  const asking = lab.spawn("client", ["arping", "-q", "-W", "0.02", "-i", "eth0", address], {});
  const ownMac = lab.host(owner).mac;
  await watch.next(frame => frame.isReplyOf === ownMac, TAKEOVER_LIMIT_MS);
  const killedAtMs = Date.now();
  speaker.kill("SIGKILL");
  const answer = await watch.next(
    frame => frame.isReplyOf !== undefined && frame.isReplyOf !== ownMac,
    TAKEOVER_LIMIT_MS,
  );
  await asking.stop();
  await watch.stop();
  const tookMs = Math.round(answer.atMs - killedAtMs);
  const heir = lab.hosts.find(host => host.mac === answer.isReplyOf)?.name ?? "?";
  const page = await lab.exec("client", ["curl", "-s", "-m", "5", `http://${address}/`]);
  if (!page.stdout.includes("Welcome to nginx!")) {
    throw new LabError("demo", "The page did not come after the take-over.");
  }
  say(`6. The speaker on ${owner} is killed (SIGKILL); ${heir} answers ${tookMs} ms later`, [
    answer.text,
    "the page comes from the same address as before",
  ]);
}

async function announcerOf(lab: Lab): Promise<string | undefined> {
  const statuses = await lab.kubectl([
    ...["get", "servicel2statuses", "-n", HERALD_NAMESPACE],
    ...["-l", "metallb.io/service-name=nginx", "-o", "jsonpath={.items[*].status.node}"],
  ]);
  const [only, ...more] = statuses.stdout.trim().split(" ");
  // Two while the address moves: there is one soon.
  return more.length === 0 && only !== "" ? only : undefined;
}

async function keep(lab: Lab): Promise<void> {
  await lab.keep();
  const command = `npm run lab -- --name ${lab.name}`;
  say("The lab stays", [
    `${command} status`,
    `${command} kubectl get servicel2statuses -A`,
    `${command} exec client -- curl -s http://${EXPECTED_ADDRESS}/`,
    `${command} logs n1-speaker`,
    `${command} down`,
  ]);
}

/** The nodes in the order of the election, with the beginning of their hashes. */
function rankLines(nodes: readonly string[], address: string): readonly string[] {
  const ranked = nodes.map(node => ({ node, hash: electionHash(node, address) }));
  ranked.sort((left, right) => (left.hash < right.hash ? -1 : 1));
  return ranked.map(({ node, hash }, index) => `  ${index + 1}. ${node}  ${hash.slice(0, 16)}…`);
}

function say(title: string, lines: readonly string[]): void {
  console.log(`\n${title}`);
  for (const line of lines) console.log(`   ${line}`);
}

async function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

main().catch((error: unknown) => {
  console.error(
    `\ndemo failed: ${error instanceof LabError ? error.message : String((error as Error).stack)}`,
  );
  process.exitCode = 1;
});
