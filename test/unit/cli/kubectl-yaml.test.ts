import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { readYaml } from "../../../cli/kubectl-yaml";

/** The content of each document, or the fault in its place. */
function contents(text: string): readonly unknown[] {
  return readYaml(text).map(read =>
    read.ok ? (read.value.document.toJS({ maxAliasCount: 100 }) as unknown) : read.error,
  );
}

describe("documents", () => {
  it("are separated by each line that begins with three dashes, whatever follows, as in kubectl", () => {
    const text = "a: 1\n--- # comment\nb: 2\n---   \nc: 3\n--- {d: 4}\n";
    expect(contents(text)).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }, { d: 4 }]);
  });

  it("are left out when there is nothing in them", () => {
    expect(contents("---\n---\n# Source: chart\n\n---\na: 1\n---\n~\n")).toEqual([{ a: 1 }]);
    expect(contents("")).toEqual([]);
  });

  it("may begin with directives, a byte order mark and carriage returns", () => {
    expect(contents("\uFEFF%YAML 1.2\r\n---\r\na: 1\r\n---\r\nb: 2\r\n")).toEqual([
      { a: 1 },
      { b: 2 },
    ]);
  });

  it("are not cut inside a block of text", () => {
    expect(contents("a: |\n  ---\n  x\n")).toEqual([{ a: "---\nx\n" }]);
  });

  it("may be JSON, with tabs", () => {
    expect(contents('{\n\t"a": [\n\t\t1\n\t]\n}')).toEqual([{ a: [1] }]);
  });
});

describe("plain scalars are what kubectl 1.34 makes of them", () => {
  it.each([
    ["yes", true],
    ["y", true],
    ["On", true],
    ["off", false],
    ["No", false],
    ["TRUE", true],
    ["014", 12],
    ["0o14", 12],
    ["064500", 26944],
    ["089", 89],
    ["0b11", 3],
    ["0x1F", 31],
    ["1_000", 1000],
    ["+12", 12],
    ["1e3", 1000],
    ["1:2", "1:2"],
    ["2026-01-01", "2026-01-01"],
    ["~", null],
    ["'yes'", "yes"],
  ])("%s", (text, value) => {
    expect(contents(`k: ${text}`)).toEqual([{ k: value }]);
  });

  it("merges maps and lets the last of two equal keys count", () => {
    expect(contents("a: &a {x: 1}\nb: {<<: *a, y: 2}")).toEqual([
      { a: { x: 1 }, b: { x: 1, y: 2 } },
    ]);
    expect(contents("a: 1\na: 2")).toEqual([{ a: 2 }]);
  });
});

describe("a document that cannot be read", () => {
  it("is named with line and column, and takes no other with it", () => {
    const [first, second, third] = contents("a: 1\n---\nb: [1, 2\n---\nc: 'x\n---\nd: 4\n").slice(
      1,
    );
    expect(first).toMatchObject({ line: 3, column: 9 });
    expect(second).toMatchObject({ line: 5 });
    expect(third).toEqual({ d: 4 });
  });

  it.each([
    ["flow", "[".repeat(100_000)],
    ["closed flow", "[".repeat(1_000) + "]".repeat(1_000)],
    ["lists", "- ".repeat(20_000) + "a"],
    ["keys", "? ".repeat(20_000) + "a"],
    ["colons", ": ".repeat(20_000)],
    ["maps", Array.from({ length: 3_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ])("is one that is nested too deeply: %s", (_what, text) => {
    expect(contents(`${text}\n---\na: 1\n`)).toEqual([
      expect.objectContaining({ reason: "it is nested too deeply" }),
      { a: 1 },
    ]);
  });

  it("is not one that is nested as deeply as the schemas of large definitions", () => {
    const text = Array.from({ length: 120 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n");
    expect(readYaml(text)).toEqual([expect.objectContaining({ ok: true })]);
    expect(readYaml("[".repeat(190) + "]".repeat(190))[0]?.ok).toBe(true);
  });

  it("takes no time to speak of with many keys, comments, quotes or anchors", () => {
    const startedMs = performance.now();
    for (const text of [
      Array.from({ length: 10_000 }, (_, index) => `k${index}: 1`).join("\n"),
      "# a\n".repeat(20_000) + "a: 1",
      "'\n".repeat(10_001),
      "&a ".repeat(10_001),
    ]) {
      readYaml(text);
    }
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  const piece = fc.constantFrom(
    "a",
    ": ",
    "- ",
    "[",
    "{",
    "}",
    "]",
    "'",
    '"',
    "\n",
    "---\n",
    "&x ",
  );
  const more = fc.constantFrom(
    "*x",
    "|\n",
    "<<: ",
    "!!x ",
    "%A\n",
    "\t",
    "# ",
    "\u2028",
    "\u0000",
    "? ",
  );
  test.prop([fc.array(fc.oneof(piece, more, fc.string()), { maxLength: 40 })])(
    "never throws, and places lie within the text",
    pieces => {
      const text = pieces.join("");
      const lines = text.split("\n").length;
      for (const read of readYaml(text)) {
        const at = read.ok ? read.value.toLineAndColumn(0) : read.error;
        expect(at.line).toBeGreaterThanOrEqual(1);
        expect(at.line).toBeLessThanOrEqual(lines + 1);
      }
    },
  );
});
