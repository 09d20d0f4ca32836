/** Holds the arrows between the rooms (CONTRIBUTING.md), the purity of lib/ and how files are named. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { complaints, importsOf, resolveFrom } from "../support/architecture";

const top = resolve(__dirname, "../..");

function sourcesBelow(folder: string): readonly string[] {
  if (!existsSync(join(top, folder))) return [];
  const names = readdirSync(join(top, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter(name => name.endsWith(".ts") && !name.split("/").includes("generated"))
    .map(name => `${folder}/${name}`)
    .sort();
}

function read(path: string): string {
  return readFileSync(join(top, path), "utf8");
}

const shipped = ["pepr.ts", ...["capabilities", "node", "lib", "cli"].flatMap(sourcesBelow)];

describe("the rooms", () => {
  it("are there", () => {
    const tops = new Set(shipped.map(path => path.split("/").slice(0, 2).join("/")));
    expect([...tops]).toEqual(
      expect.arrayContaining(["capabilities/admission", "capabilities/cluster", "lib/net"]),
    );
    expect(shipped.length).toBeGreaterThan(40);
  });

  it.each(shipped)("hold in %s", path => {
    expect(complaints(path, read(path))).toEqual([]);
  });
});

describe("names", () => {
  const others = ["bench", "lab", "scripts", "test"].flatMap(sourcesBelow);

  it("are kebab-case everywhere", () => {
    const wrong = others.filter(
      path => !/(^|\/)[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)?\.ts$/.test(path),
    );
    expect(wrong).toEqual([]);
  });
});

describe("the programs of a node", () => {
  /** Everything that a file pulls in at run time: own files by path, packages by name. */
  function closure(entry: string): ReadonlySet<string> {
    const reached = new Set<string>([entry]);
    for (const path of reached) {
      if (!path.endsWith(".ts")) continue;
      const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2023, true);
      for (const { target } of importsOf(source).filter(({ isType }) => !isType)) {
        reached.add(target.startsWith(".") ? `${resolveFrom(path, target)}.ts` : target);
      }
    }
    return reached;
  }

  const programs = ["capabilities/speaker/main.ts", "node/packet-thread.ts", "node/bgp-thread.ts"];

  it.each(programs.filter(path => existsSync(join(top, path))))("%s carries no Pepr", entry => {
    const packages = [...closure(entry)].filter(name => !name.endsWith(".ts"));
    expect(packages).not.toContain("pepr");
    expect(packages).not.toContain("kubernetes-fluent-client");
  });

  it("are followed through their imports", () => {
    expect([...closure("capabilities/admission/index.ts")]).toEqual(
      expect.arrayContaining(["pepr", "lib/config/check.ts", "lib/net/ip-address.ts"]),
    );
  });
});

describe("a planted violation is found:", () => {
  it.each([
    ["lib/net/a.ts", 'import fs from "node:fs";', "lib/ is pure and imports no package: node:fs"],
    ["lib/net/a.ts", 'import type { Pool } from "../config/pools";', "lib/net → lib/config"],
    ["lib/arp/a.ts", 'import { x } from "../ndp/codec";', "lib/arp → lib/ndp"],
    ["lib/bgp/a.ts", 'export { x } from "../../node/clock";', "lib/bgp → node"],
    ["lib/net/a.ts", "export const now = () => Date.now();", "Date.now"],
    ["lib/net/a.ts", "export const now = () => new Date();", "new Date()"],
    ["lib/net/a.ts", "export const f = async () => 1;", "async"],
    ["lib/net/a.ts", "export const f = `${Math.random()}`;", "Math.random"],
    ["lib/net/a.ts", "export class A { async f() {} }", "async"],
    ["lib/net/a.ts", "export const f = () => setTimeout(f, 1);", "setTimeout"],
    ["lib/net/a.ts", "export const f = process.env;", "process.env"],
    ["node/a.ts", 'import { Log } from "pepr";', "does not carry Pepr: pepr"],
    [
      "node/a.ts",
      'import { x } from "../capabilities/speaker/main";',
      "node → capabilities/speaker",
    ],
    [
      "capabilities/admission/a.ts",
      'import { x } from "../controller/main";',
      "→ capabilities/con",
    ],
    ["capabilities/cluster/a.ts", 'import { K8s } from "kubernetes-fluent-client";', "carry Pepr"],
    ["capabilities/speaker/main.ts", 'import { Capability } from "pepr";', "does not carry Pepr"],
    [
      "capabilities/speaker/a.ts",
      'const k = requireNative("koffi");',
      "native code lives in node/",
    ],
    ["capabilities/controller/a.ts", 'import { x } from "../../node/clock";', "controller → node"],
    ["cli/a.ts", 'import { x } from "../capabilities/admission/review";', "cli → capabilities/adm"],
    ["cli/a.ts", 'import { x } from "../test/support/golden";', "cli → test/support/golden"],
    ["node/a.ts", 'import { x } from "./b.js";', "no suffix"],
    ["lib/net/index.ts", "export const x = 1;", "a barrel"],
    ["lib/net/IpAddress.ts", "export const x = 1;", "not kebab-case"],
    ["lib/net/utils.ts", "export const x = 1;", "says nothing"],
    ["node/a.ts", "export default function f() {}", "a default export"],
    ["node/a.ts", "export enum E { a }", "an enum: E"],
  ])("%s with %s", (path, text, complaint) => {
    expect(complaints(path, text).join("\n")).toContain(complaint);
  });

  it("and what is allowed is not", () => {
    const allowed: readonly [string, string][] = [
      ["capabilities/cluster/a.ts", 'import type { kind } from "kubernetes-fluent-client";'],
      [
        "capabilities/speaker/a.ts",
        'import { PacketThread } from "../../node/packet-thread-handle";',
      ],
      ["lib/net/a.ts", 'import { createHash } from "node:crypto";'],
      [
        "lib/net/a.ts",
        "/** No Date.now here, and nothing async . */\nexport const x = 'Math.random';",
      ],
      [
        "node/a.ts",
        'import { createRequire } from "node:module";\ncreateRequire(__filename)("koffi");',
      ],
      ["pepr.ts", 'import { description } from "./package.json";'],
    ];
    expect(allowed.flatMap(([path, text]) => complaints(path, text))).toEqual([]);
  });
});
