/** Every acceptance case of the documents has a test: one whose title begins with the number of the case. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

/** Cases of each document: 0 Konvoy, 1 kubespray, 2 Lokomotive, 3 the Dutch article, 4 the tutorial of 0.3, 5 conversion. */
const CASES = [8, 9, 12, 13, 12, 18];

const ALL = CASES.flatMap((count, document) =>
  Array.from({ length: count }, (_, index) => `${document}.${index + 1}`),
);

const FOLDERS = ["test/unit", "test/kube", "test/lab"];

function titles(): readonly string[] {
  const files = FOLDERS.flatMap(folder =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter(name => name.endsWith(".test.ts") && /(?:^|\/)(?:legacy|documents)\//.test(name))
      .map(name => join(folder, name)),
  );
  const text = files.map(file => readFileSync(file, "utf8")).join("\n");
  return [...text.matchAll(/\bit(?:\.each\([\s\S]*?\]\))?\(\s*"((?:\d\.\d+ )+)/g)].flatMap(match =>
    (match[1] ?? "").trim().split(" "),
  );
}

it("72 cases are listed", () => {
  expect(ALL).toHaveLength(72);
});

it("each has a test, and no test has a number that is none", () => {
  const covered = new Set(titles());
  expect(ALL.filter(id => !covered.has(id))).toEqual([]);
  expect([...covered].filter(id => !ALL.includes(id))).toEqual([]);
});
