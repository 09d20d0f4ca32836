/** Reads the imports of a source file and says which of them, and which of its other habits, the rooms do not allow. */
import ts from "typescript";

/** One import as written; `isType` when nothing of it is left at run time. */
export interface Import {
  readonly target: string;
  readonly isType: boolean;
}

const LIB_ROOMS = {
  net: [],
  config: ["net"],
  allocation: ["net", "config"],
  announcement: ["net", "config"],
  arp: ["net"],
  ndp: ["net"],
  liveness: ["net"],
  bgp: ["net"],
  bfd: ["net"],
} as const satisfies Record<string, readonly string[]>;

const anyLib = Object.keys(LIB_ROOMS).map(name => `lib/${name}`);

/** For each room the rooms that it may import, itself excepted. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "pepr.ts": ["capabilities/admission", "capabilities/controller", "capabilities/speaker"],
  "capabilities/admission": ["capabilities/cluster", ...anyLib],
  "capabilities/controller": ["capabilities/cluster", ...anyLib],
  "capabilities/speaker": ["capabilities/cluster", "node", ...anyLib],
  "capabilities/cluster": anyLib,
  node: anyLib,
  cli: ["capabilities/cluster", ...anyLib],
  ...Object.fromEntries(
    Object.entries(LIB_ROOMS).map(([name, others]) => [
      `lib/${name}`,
      others.map(other => `lib/${other}`),
    ]),
  ),
};

const NATIVE = ["koffi", "raw-socket"];
const PEPR = ["pepr", "kubernetes-fluent-client"];

/** The files whose process has Pepr's run time. */
const MAY_USE_PEPR = [
  /^pepr\.ts$/,
  /^capabilities\/(admission|controller)\//,
  /^capabilities\/speaker\/index\.ts$/,
];

/** The room of a file or of an import's target; undefined for a file outside of all rooms. */
export function roomOf(path: string): string | undefined {
  if (path === "pepr.ts" || path === "pepr") return "pepr.ts";
  const [top = "", second = ""] = path.split("/");
  if (top === "lib" || top === "capabilities") return `${top}/${second}`;
  return ["node", "cli"].includes(top) ? top : undefined;
}

/** Every complaint about one file; `path` is seen from the top of the repository. */
export function complaints(path: string, text: string): readonly string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return [
    ...complaintsAboutName(path),
    ...importsOf(source).flatMap(item => complaintsAboutImport(path, item)),
    ...complaintsAboutText(path, source),
  ].map(what => `${path}: ${what}`);
}

/** The imports and re-exports of a file, dynamic ones and `require` through createRequire included. */
export function importsOf(source: ts.SourceFile): readonly Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ target: node.moduleSpecifier.text, isType: isTypeImport(node.importClause) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const target = (node.moduleSpecifier as ts.StringLiteral).text;
      found.push({ target, isType: node.isTypeOnly });
    } else if (ts.isCallExpression(node)) {
      const [argument] = node.arguments;
      const isDynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      const isRequire = /require/i.test(node.expression.getText(source));
      if (argument && ts.isStringLiteral(argument) && (isDynamic || isRequire)) {
        found.push({ target: argument.text, isType: false });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined) return false;
  if (!ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every(element => element.isTypeOnly);
}

function complaintsAboutName(path: string): readonly string[] {
  const name = path.split("/").at(-1) ?? "";
  const problems: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name)) problems.push("the name is not kebab-case");
  if (name === "index.ts" && !/^capabilities\/[a-z]+\/index\.ts$/.test(path)) {
    problems.push("a barrel: index.ts is for capabilities alone");
  }
  if (/^(utils?|helpers?|common|misc)\.ts$/.test(name)) problems.push("the name says nothing");
  return problems;
}

function complaintsAboutImport(path: string, item: Import): readonly string[] {
  if (item.target.startsWith(".")) return complaintsAboutOwn(path, item.target);
  return complaintsAboutPackage(path, item);
}

function complaintsAboutPackage(path: string, { target, isType }: Import): readonly string[] {
  const room = roomOf(path) ?? "";
  if (room.startsWith("lib/") && target !== "node:crypto") {
    return [`lib/ is pure and imports no package: ${target}`];
  }
  const name = target.split("/")[0] ?? "";
  if (NATIVE.includes(name) && room !== "node") return [`native code lives in node/: ${target}`];
  if (!PEPR.includes(name) || mayUsePepr(path, isType)) return [];
  return [`this process does not carry Pepr: ${target}`];
}

/** Types may be named in all capabilities: nothing of them is left at run time. */
function mayUsePepr(path: string, isType: boolean): boolean {
  if (isType && path.startsWith("capabilities/")) return true;
  return MAY_USE_PEPR.some(pattern => pattern.test(path));
}

function complaintsAboutOwn(path: string, target: string): readonly string[] {
  const room = roomOf(path) ?? "";
  const reached = resolveFrom(path, target);
  if (reached === "package.json" && room === "pepr.ts") return [];
  if (/\.[cm]?[jt]s$/.test(target)) return [`imports have no suffix: ${target}`];
  const other = roomOf(reached);
  if (other === room) return [];
  if (other !== undefined && (ARROWS[room] ?? []).includes(other)) return [];
  return [`this arrow does not exist: ${room} → ${other ?? reached}`];
}

/** The path from the top of the repository that a relative import leads to. */
export function resolveFrom(path: string, target: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function complaintsAboutText(path: string, source: ts.SourceFile): readonly string[] {
  const isLib = path.startsWith("lib/");
  const problems: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isEnumDeclaration(node)) problems.push(`an enum: ${node.name.text}`);
    if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      problems.push("a default export");
    }
    const impure = isLib ? impurity(node) : undefined;
    if (impure !== undefined) problems.push(`lib/ is pure and synchronous: ${impure}`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return problems;
}

const IMPURE_OBJECTS = ["process", "console", "performance"];
const IMPURE_MEMBERS = ["Date.now", "Math.random"];
const IMPURE_FUNCTIONS = ["setTimeout", "setInterval", "setImmediate", "fetch"];

/** What a node does that lib/ may not; undefined for all others. */
function impurity(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return "async";
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    const isImpure = IMPURE_OBJECTS.includes(node.expression.getText());
    return isImpure || IMPURE_MEMBERS.includes(text) ? text : undefined;
  }
  if (ts.isCallExpression(node)) {
    const text = node.expression.getText();
    return IMPURE_FUNCTIONS.includes(text) ? text : undefined;
  }
  return ts.isNewExpression(node) && node.getText() === "new Date()" ? "new Date()" : undefined;
}
