/** Installed with `kubectl apply -f install.yaml`: the first answer, admission, the rights of each part, and the end of it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNTS, grants, type Account, type Grant } from "../../../scripts/manifest/grants";
import { FOREIGN, PRIVILEGED, RARE } from "./rights";
import { ADDRESS, INSTALL_MANIFEST, NAMESPACE, pool, World } from "./world";

let world: World;

beforeAll(async () => {
  world = await World.up("e2e-manifest");
});

afterAll(async () => {
  await world.down();
});

describe("kubectl apply -f install.yaml", () => {
  it("gives a load balancer: a pool accepted, a Service that answers from outside", async () => {
    const startedMs = performance.now();
    const applied = await world.kubectl(["apply", "-f", INSTALL_MANIFEST]);
    expect(applied.stderr).toBe("");
    for (const workload of ["deploy/controller", "deploy/admission", "daemonset/speaker"]) {
      const wait = ["rollout", "status", workload, "-n", NAMESPACE, "--timeout=60s"];
      expect((await world.kubectl(wait)).stderr).toBe("");
    }
    const accepted = await world.kubectl(["apply", "-f", "-"], pool("first-pool", `${ADDRESS}/28`));
    expect(accepted.status).toBe(0);
    await world.exposeNginx();
    await world.answers();
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    console.log(`installed → first answer: ${seconds} s`);
  });

  it("refuses a pool that cannot work, through the Service of the webhooks", async () => {
    expect(await world.refusal()).toContain(
      'admission webhook "ipaddresspoolvalidationwebhook.metallb.io" denied the request',
    );
  });

  it("changes nothing when it is applied again: authority and token stay, nobody is refused", async () => {
    const read = async (): Promise<string> => {
      const what = ["get", "validatingwebhookconfiguration", "metallb-webhook-configuration"];
      return (await world.kubectl([...what, "-o", "jsonpath={.webhooks[*].clientConfig}"])).stdout;
    };
    const before = await read();
    await world.kubectl(["apply", "-f", INSTALL_MANIFEST]);
    expect(await read()).toBe(before);
    const changed = await world.kubectl(["apply", "-f", "-"], pool("second", "192.168.1.230/31"));
    expect(changed.stderr).not.toContain("failed calling webhook");
    expect(changed.status).toBe(0);
  });

  it("runs every part with its own rights and no others", async () => {
    for (const [part, uid, capabilities] of [
      ["controller", 65_534, "0000000000000000"],
      ["admission", 65_534, "0000000000000000"],
      ["speaker", 0, "0000000000002000"],
    ] as const) {
      const status = await statusOf(part);
      expect(status, part).toMatch(new RegExp(`^Uid:\\s+${uid}\\s`, "m"));
      expect(status, part).toMatch(new RegExp(`^CapEff:\\s+${capabilities}$`, "m"));
      expect(status, part).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status, part).toMatch(/^Seccomp:\s+2$/m);
    }
  });

  it("gives metrics to those who may read them, over HTTPS, and to nobody else", async () => {
    const role = ["create", "clusterrole", "reader", "--verb=get", "--non-resource-url=/metrics"];
    await world.kubectl(role);
    const account = "--serviceaccount=default:default";
    await world.kubectl([
      "create",
      "clusterrolebinding",
      "reader",
      "--clusterrole=reader",
      account,
    ]);
    const { stdout: token } = await world.kubectl(["create", "token", "default"]);
    for (const part of ACCOUNTS) {
      const path = "jsonpath={.items[0].status.podIP}";
      const pods = ["get", "pods", "-n", NAMESPACE, "-l", `component=${part}`, "-o", path];
      const url = `https://${(await world.kubectl(pods)).stdout}:9120/metrics`;
      expect(await scrape(url, token.trim()), part).toMatch(/^# HELP [^]* 200$/);
      expect(await scrape(url, "made-up"), part).toMatch(/ 401$/);
    }
  });

  it("lets controller and admission be admitted under Pod Security 'restricted'", async () => {
    for (const part of ["controller", "admission"]) {
      const { stdout } = await world.kubectl([
        "get",
        "deploy",
        part,
        "-n",
        NAMESPACE,
        "-o",
        "json",
      ]);
      const { spec } = JSON.parse(stdout) as { spec: { template: { spec: object } } };
      const enforce = "pod-security.kubernetes.io/enforce=restricted";
      await world.kubectl(["create", "namespace", `restricted-${part}`]);
      await world.kubectl(["label", "namespace", `restricted-${part}`, enforce]);
      const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: part, namespace: `restricted-${part}` },
        spec: { ...spec.template.spec, serviceAccountName: "default" },
      };
      const create = ["create", "--dry-run=server", "-f", "-"];
      const { stderr, status } = await world.kubectl(create, JSON.stringify(pod));
      expect(stderr).toBe("");
      expect(status).toBe(0);
    }
  });
});

describe("the grants of docs/security.md", () => {
  it("cover everything that the parts ask for: nothing was forbidden", () => {
    expect(world.audited().length).toBeGreaterThan(50);
    expect(world.audited().filter(({ status }) => status === 403)).toEqual([]);
  });

  it("are used, or are for what did not happen here", () => {
    const used = new Set(
      world
        .audited()
        .map(({ account, group, resource, verb }) => key(account, group, resource, verb)),
    );
    const unused = ACCOUNTS.flatMap(account =>
      Object.values(grants[account])
        .flat()
        .flatMap(grant => keysOf(account, grant))
        .filter(each => !used.has(each)),
    );
    expect(unused.filter(each => !RARE.has(withoutVerb(each)) && !RARE.has(each))).toEqual([]);
  });

  it("are all there is: what belongs to others is refused", async () => {
    const refused: string[] = [];
    for (const account of ACCOUNTS) {
      const user = `--as=system:serviceaccount:${NAMESPACE}:${account}`;
      const { stdout } = await world.kubectl(["auth", "can-i", "--list", user, "-n", NAMESPACE]);
      expect(stdout).not.toMatch(/\*\.\*|\[\*\]/);
      for (const question of FOREIGN[account]) {
        const { stdout: answer } = await world.kubectl(["auth", "can-i", ...question, user]);
        if (answer.trim() !== "no") refused.push(`${account}: ${question.join(" ")}`);
      }
    }
    expect(refused).toEqual([]);
  });
});

describe("a stolen token of a speaker", () => {
  it("is refused twenty privileged things", async () => {
    const create = ["create", "token", "speaker", "-n", NAMESPACE, "--duration=10m"];
    const token = (await world.kubectl(create)).stdout.trim();
    const allowed: string[] = [];
    for (const argv of PRIVILEGED) {
      const { status, stderr } = await world.kubectl([
        `--token=${token}`,
        ...withoutAdmin(),
        ...argv,
      ]);
      if (status === 0 || !/[Ff]orbidden/.test(stderr))
        allowed.push(`${argv.join(" ")}: ${stderr}`);
    }
    expect(PRIVILEGED).toHaveLength(20);
    expect(allowed).toEqual([]);
  });
});

describe("kubectl delete -f install.yaml", () => {
  it("withdraws the address and leaves nothing", async () => {
    expect(await world.isClaimed()).toBe(true);
    const { status } = await world.kubectl(["delete", "-f", INSTALL_MANIFEST, "--timeout=60s"]);
    expect(status).toBe(0);
    expect(await world.isClaimed()).toBe(false);
    const kinds = ["crd", "clusterrole", "clusterrolebinding", "namespace", "secret", "lease"];
    const webhooks = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];
    expect(await world.leftovers([...kinds, ...webhooks])).toEqual([]);
    const { stdout } = await world.kubectl(["get", "service", "nginx", "-o", "json"]);
    const { metadata } = JSON.parse(stdout) as { metadata: { finalizers?: readonly string[] } };
    expect((metadata.finalizers ?? []).filter(name => /metallb|herald/.test(name))).toEqual([]);
  });
});

/** What a node gets there, and after a blank the status. */
async function scrape(url: string, token: string): Promise<string> {
  const curl = ["curl", "-s", "-k", "-m", "5", "-w", " %{http_code}"];
  const header = ["-H", `Authorization: Bearer ${token}`];
  const [node = ""] = world.lab.nodes;
  return (await world.lab.exec(node, [...curl, ...header, url], { check: false })).stdout;
}

/** /proc/PID/status of a part's program, as the node sees it. */
async function statusOf(part: Account): Promise<string> {
  const script = `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -q "^/usr/local/bin/node /app/${part}.js" && cat $p/status && exit; done; exit 1`;
  for (const node of world.lab.nodes) {
    const { status, stdout } = await world.lab.exec(node, ["sh", "-c", script], {
      check: false,
      inside: true,
    });
    if (status === 0) return stdout;
  }
  throw new Error(`no node runs the ${part}`);
}

function key(account: string, group: string, resource: string, verb: string): string {
  return `${account} ${group}/${resource} ${verb}`;
}

function keysOf(account: Account, { group, resources, verbs }: Grant): readonly string[] {
  return resources.flatMap(resource => verbs.map(verb => key(account, group, resource, verb)));
}

function withoutVerb(text: string): string {
  return text.slice(0, text.lastIndexOf(" "));
}

/** An empty kubeconfig entry: the administrator's certificate would speak louder than the token. */
function withoutAdmin(): readonly string[] {
  return [
    "--kubeconfig=/dev/null",
    "--server=https://192.168.1.2:6443",
    "--insecure-skip-tls-verify",
  ];
}
