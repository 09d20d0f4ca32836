import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repository } from "../../../../scripts/build/paths";
import { grantsTable } from "../../../../scripts/manifest/grants-table";

const page = join(repository, "docs/security.md");
const [begin, end] = ["<!-- grants -->\n", "<!-- /grants -->"] as const;

/** `HERALD_WRITE_DOCS=1` writes the table into the page. */
it("docs/security.md has every grant with its reason", () => {
  const text = readFileSync(page, "utf8");
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (process.env["HERALD_WRITE_DOCS"] === "1") {
    writeFileSync(page, text.slice(0, from) + grantsTable() + text.slice(to));
  }
  const written = readFileSync(page, "utf8");
  expect(written.slice(from, written.indexOf(end))).toBe(grantsTable());
});
