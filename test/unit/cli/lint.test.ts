import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bfdProfile, ipAddressPool } from "../../support/resources";
import { ADVERTISEMENT, documents, lint, lintLines, POOL, withFolder } from "./support";

const OVERLAP = POOL.replace("first", "second").replace("192.168.1.240/28", "192.168.1.250/32");

describe("exit codes", () => {
  it("is 0 when everything would be accepted", async () => {
    const run = await lint(["-f", "-"], { input: documents(POOL, ADVERTISEMENT) });
    expect(run).toEqual({ code: 0, output: "2 objects checked: all accepted.\n", errors: "" });
  });

  it("is 1 when something would be refused", async () => {
    const run = await lint(["-f", "-"], { input: documents(POOL, OVERLAP, ADVERTISEMENT) });
    expect(run.code).toBe(1);
  });

  it("is 0 with warnings alone, unless warnings are to fail", async () => {
    expect((await lint(["-"], { input: POOL })).code).toBe(0);
    expect((await lint(["-", "--fail-on", "warn"], { input: POOL })).code).toBe(1);
    expect((await lint(["-", "--fail-on=refuse"], { input: POOL })).code).toBe(0);
  });

  it("is 2 when an input cannot be read, whatever else was found", async () => {
    const run = await lint(["-f", "-", "-f", "/nowhere"], { input: OVERLAP });
    expect(run.code).toBe(2);
    expect(run.output).toContain("/nowhere: unreadable: There is no such file or folder.");
  });

  it("is 2 when there is nothing in the input: the command before the pipe has failed", async () => {
    const run = await lint(["-f", "-"], { input: "# nothing\n" });
    expect(run).toMatchObject({ code: 2, output: "There is no document in what was given.\n" });
  });

  it("is 0 when there are only objects of others", async () => {
    const run = await lint(["-f", "-"], { input: "apiVersion: v1\nkind: Service\n" });
    const output = "No object of Herald's kinds (1 of other kinds ignored).\n";
    expect(run).toMatchObject({ code: 0, output });
  });

  it.each([
    [[], "No manifest is named"],
    [["-f", "-", "-o", "xml"], "--output must be"],
    [["-f", "-", "--fail-on", "never"], "--fail-on must be"],
    [["-f", "-", "--wrong"], "--wrong"],
    [["-f"], "argument missing"],
    [["-f", ""], "-f is empty"],
    [["-f", "-", "--kubeconfig", "x"], "without --live"],
  ])("is 2 for the command line %j", async (argv, text) => {
    const run = await lint(argv);
    expect(run.code).toBe(2);
    expect(run.errors).toContain(text);
    expect(run.output).toBe("");
  });

  it("is 2 when the cluster cannot be reached", async () => {
    const run = await lint(["-f", "-", "--live", "--kubeconfig", "/nowhere"], { input: POOL });
    expect(run).toMatchObject({ code: 2, output: "" });
    expect(run.errors).toContain("/nowhere");
  });

  it("is 0 for --help, which names the exit codes", async () => {
    const run = await lint(["--help"]);
    expect(run.code).toBe(0);
    expect(run.output).toContain("exit codes");
  });
});

describe("the report for people", () => {
  it("names place, severity, object, field, value, rule and the other object", async () => {
    const lines = await lintLines(documents(POOL, OVERLAP, ADVERTISEMENT));
    expect(lines[0]).toMatch(
      /^stdin:17:7: refused: IPAddressPool "second": spec\.addresses\[0\] "192.+ \(V-L4\)$/,
    );
    expect(lines[1]).toBe('  stdin:4:9: IPAddressPool "first" is here');
    expect(lines[2]).toBe("3 objects checked: 1 refused.");
  });

  it("is coloured for a terminal alone", async () => {
    const given = { input: documents(POOL, OVERLAP) };
    expect((await lint(["-"], given)).output).not.toContain("\u001b");
    const coloured = await lint(["-"], { ...given, isColoured: true });
    expect(coloured.output).toContain("\u001b[31mrefused\u001b[0m");
  });

  it("shows foreign text so that it cannot disguise itself", async () => {
    const input = POOL.replace("192.168.1.240/28", '"\\e[31m\\u202e10.0.0.0/8\\n"');
    const lines = await lintLines(documents(input, ADVERTISEMENT));
    expect(lines[0]).toContain("\\u001b[31m\\u202e10.0.0.0/8\\u000a");
    expect(lines).toHaveLength(2);
  });
});

describe("what the API server refuses", () => {
  const pool = (change: (text: string) => string): Promise<readonly string[]> =>
    lintLines(documents(change(POOL), ADVERTISEMENT));

  it("is an unknown field, at its place", async () => {
    const lines = await pool(
      text => `${text.replace("metadata:", "metadata:\n  label: {}")}specs: {}\n`,
    );
    expect(lines[0]).toMatch(/^stdin:4:3: refused: .+metadata\.label is no field of this kind/);
    expect(lines[1]).toMatch(/^stdin:10:1: refused: .+ specs is no field of this kind/);
    expect(lines).toHaveLength(3);
  });

  it("is an unknown field in the spec, named once", async () => {
    const lines = await pool(text => `${text}  autoAsign: true\n`);
    expect(lines[0]).toMatch(/^stdin:9:3: refused: .+spec\.autoAsign is no field of this kind/);
    expect(lines).toHaveLength(2);
  });

  it("is a version or kind that is not served", async () => {
    const lines = await pool(text => text.replace("v1beta1", "v1"));
    expect(lines[0]).toMatch(/^stdin:1:13: refused: .+apiVersion "metallb.io\/v1" is not served/);
    const old = await lintLines(POOL.replace("IPAddressPool", "AddressPool"));
    expect(old[0]).toMatch(/^stdin:2:7: refused: .+kind "AddressPool" is no kind of metallb.io/);
    const none = await pool(text => text.replace(/^apiVersion.*\n/, ""));
    expect(none[0]).toMatch(/^stdin:1:1: refused: .+apiVersion is missing/);
  });

  it("is a name or label that Kubernetes does not take", async () => {
    const named = await pool(text => text.replace("first", "First_Pool"));
    expect(named[0]).toMatch(/^stdin:4:9: refused: .+metadata\.name "First_Pool"/);
    const unnamed = await pool(text => text.replace("  name: first\n", ""));
    expect(unnamed[0]).toMatch(/refused: .+metadata\.name is missing/);
    const labels = "metadata:\n  labels: {a: yes, b: -x, 'c d': e}\n  annotations: [a]";
    const labelled = await pool(text => text.replace("metadata:", labels));
    expect(labelled.map(line => /metadata\S+( \S+\])? ("[^"]*")?/.exec(line)?.[0])).toEqual([
      'metadata.labels[a] "true"',
      'metadata.labels[b] "-x"',
      'metadata.labels[c d] "c d"',
      "metadata.annotations ",
      undefined,
    ]);
  });

  it("is a field that is written twice, of which kubectl says nothing", async () => {
    const lines = await pool(text => `${text}  autoAssign: true\n  autoAssign: false\n`);
    expect(lines[0]).toMatch(/^stdin:10:3: refused: .+spec\.autoAssign is written twice/);
  });
});

describe("objects of one name", () => {
  it("are named, whatever version they have", async () => {
    const peer = (version: string): string =>
      `apiVersion: metallb.io/${version}\nkind: BGPPeer\nmetadata: {name: r}\nspec: {myASN: 1, peerASN: 2, peerAddress: 10.0.0.1}\n`;
    const lines = await lintLines(documents(peer("v1beta1"), peer("v1beta2")));
    expect(lines[0]).toMatch(
      /^stdin:8:18: refused: BGPPeer "r": metadata\.name "r" is the name of two/,
    );
    expect(lines[1]).toBe('  stdin:3:18: BGPPeer "r" is here');
    expect(lines).toHaveLength(3);
  });

  it("are two files; one file that is named twice is one", async () => {
    await withFolder({ "a.yaml": POOL, "b/c.yml": POOL, "d.yaml": ADVERTISEMENT }, async folder => {
      const a = join(folder, "a.yaml");
      expect((await lint([folder])).output).toContain(`${join(folder, "b/c.yml")}:4:9: refused`);
      expect((await lint(["-f", a, "-f", a, join(folder, "d.yaml")])).code).toBe(0);
    });
  });
});

describe("folders", () => {
  it("are read with everything below them but hidden things, links to folders and other endings", async () => {
    const json = JSON.stringify(ipAddressPool("other", ["10.0.0.0/24"]));
    const files = {
      "a.yaml": POOL,
      "deep/er/b.json": json,
      ".hidden/c.yaml": OVERLAP,
      "node_modules/d.yaml": OVERLAP,
      "e.txt": OVERLAP,
      "f.yaml": ADVERTISEMENT,
    };
    await withFolder(files, async folder => {
      symlinkSync(folder, join(folder, "round"));
      symlinkSync(join(folder, "e.txt"), join(folder, "link.yaml"));
      symlinkSync(join(folder, "gone"), join(folder, "dangling.yaml"));
      const { output } = await lint(["-f", folder]);
      expect(output).toContain(`${join(folder, "link.yaml")}:8:7: refused`);
      expect(output).toContain("4 objects checked: 1 refused.");
    });
  });

  it("hold unreadable files that are named while the rest is judged", async () => {
    const files = { "a.yaml": new Uint8Array([0xff, 0xfe, 0]), "b.yaml": "a: [", "c.yaml": POOL };
    await withFolder(files, async folder => {
      const { code, output } = await lint([folder]);
      expect(code).toBe(2);
      expect(output).toContain(`${join(folder, "a.yaml")}: unreadable: This is no text in UTF-8.`);
      expect(output).toContain(`${join(folder, "b.yaml")}:1:`);
      expect(output).toContain(`${join(folder, "c.yaml")}:4:9: warning:`);
    });
  });
});

describe("the report for programs", () => {
  it("is JSON with the places of all objects that take part", async () => {
    const input = documents(POOL, OVERLAP, ADVERTISEMENT, "a: [\n");
    const { code, output } = await lint(["-f", "-", "-o", "json"], { input });
    const report = JSON.parse(output) as Record<string, unknown>;
    expect(code).toBe(2);
    expect(report).toMatchObject({
      formatVersion: 1,
      exitCode: 2,
      isLive: false,
      checked: 3,
      ignored: 0,
      counts: { refuse: 1, warn: 0, inform: 0, unreadable: 1 },
      unreadable: [{ file: "stdin", line: 25 }],
      findings: [
        {
          severity: "refuse",
          rule: "V-L4",
          file: "stdin",
          line: 17,
          column: 7,
          object: { kind: "IPAddressPool", namespace: "metallb-system", name: "second" },
          field: "spec.addresses[0]",
          related: [{ kind: "IPAddressPool", name: "first", file: "stdin", line: 4, column: 9 }],
        },
      ],
    });
  });
});

it("judges objects in the namespace of the command, and refuses those elsewhere (V-W1)", async () => {
  const input = documents(POOL, ADVERTISEMENT).replaceAll("metallb-system", "other");
  const [here, there, byVariable] = await Promise.all([
    lint(["-", "-n", "other"], { input }),
    lint(["-"], { input }),
    lint(["-"], { input, env: { METALLB_NAMESPACE: "other" } }),
  ]);
  expect([here.code, there.code, byVariable.code]).toEqual([0, 1, 0]);
  expect(there.output).toMatch(/^stdin:5:14: refused: .+metadata\.namespace "other".+\(V-W1\)$/m);
});

it("judges 1,000 pools in a time that nobody minds", async () => {
  const pools = Array.from({ length: 1_000 }, (_, index) =>
    JSON.stringify(ipAddressPool(`p${index}`, [`10.${index >> 8}.${index & 255}.0/24`])),
  );
  const input = documents(
    ...pools.map(text => `${text}\n`),
    ADVERTISEMENT,
    JSON.stringify(bfdProfile("x")),
  );
  const startedMs = performance.now();
  const { output } = await lint(["-"], { input });
  expect(output).toContain("1002 objects checked");
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
