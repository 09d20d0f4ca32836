/** `kubectl herald convert` with several files: each finding and each object says which one it is of. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { runConvert } from "../../../../cli/convert";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "herald-convert-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function convert(...argv: readonly string[]) {
  const written = { out: "", error: "" };
  const exit = await runConvert(argv, {
    env: {},
    isColoured: false,
    write: text => (written.out += text),
    writeError: text => (written.error += text),
    readStandardInput: () => Promise.resolve(Buffer.from("")),
  });
  return { exit, ...written };
}

/** A ConfigMap with one pool. */
function configMap(pool: string): string {
  const config = `address-pools: [${pool}]`;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "config", namespace: "metallb-system" },
    data: { config },
  });
}

const LAYER2 = "{name: lan, protocol: layer2, addresses: [10.0.0.0/24]}";
const BGP = "{name: wan, protocol: bgp, addresses: [198.51.100.0/24]}";

interface Report {
  readonly exitCode: number;
  readonly resources: readonly { readonly file: string; readonly object: { kind: string } }[];
  readonly problems: readonly { readonly file: string; readonly message: string }[];
}

it("names the file of every object and finding in JSON", async () => {
  const [a, b] = [write("a.json", configMap(LAYER2)), write("b.json", configMap(BGP))];
  const { exit, out } = await convert("-f", a, "-f", b, "-o", "json");
  const { resources } = JSON.parse(out) as Report;
  expect(exit).toBe(0);
  expect(resources.map(({ file, object }) => [file, object.kind])).toEqual([
    [a, "IPAddressPool"],
    [b, "IPAddressPool"],
    [b, "BGPAdvertisement"],
    [a, "L2Advertisement"],
  ]);
});

it("names the file of a finding, in JSON and for people", async () => {
  const good = write("good.json", configMap(LAYER2));
  const bad = write("bad.json", configMap(BGP.replace("bgp", "bpg")));
  const json = await convert("-f", good, "-f", bad, "-o", "json");
  const { problems, resources } = JSON.parse(json.out) as Report;
  expect([json.exit, resources]).toEqual([1, []]);
  expect(problems.map(({ file }) => file)).toEqual([bad]);
  const { error } = await convert("-f", good, "-f", bad);
  expect(error).toMatch(new RegExp(`^refused: ${bad}: ConfigMap "config" `));
});

it("refuses files that become objects of one name, and says which", async () => {
  const [a, b] = [write("a.json", configMap(LAYER2)), write("b.json", configMap(LAYER2))];
  const { exit, error, out } = await convert("-f", a, "-f", b);
  expect([exit, out]).toEqual([1, ""]);
  expect(error).toContain(`becomes IPAddressPool "lan", which ${a} becomes too`);
  const c = write("c.yaml", `${configMap(LAYER2)}\n---\n${configMap(LAYER2)}\n`);
  const together = await convert("-f", c);
  expect([together.exit, together.out]).toEqual([1, ""]);
  expect(together.error).toContain('becomes L2Advertisement "l2advertisement1", which another');
});

it("writes a comment above the resource for which a choice was made, and above no other", async () => {
  const pool = "{name: My_Pool, protocol: layer2, addresses: [10.0.0.0/24]}";
  const { exit, out } = await convert("-f", write("named.json", configMap(pool)));
  expect(exit).toBe(0);
  const [, ...documents] = out.split("---\n");
  expect(documents.map(text => /^# (.*)$/m.exec(text)?.[1])).toEqual([
    expect.stringContaining('"My_Pool" becomes pool "my-pool"'),
    undefined,
  ]);
});
