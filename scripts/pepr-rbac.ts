/** Prints `pepr.rbac` for package.json: what `pepr deploy` has to grant. With `--write` it is written there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_NAMESPACE } from "./build/installation";
import { repository } from "./build/paths";
import { peprRules } from "./manifest/added-by-controller";

const rules = peprRules(DEFAULT_NAMESPACE);
if (process.argv.includes("--write")) {
  const path = join(repository, "package.json");
  const json = JSON.parse(readFileSync(path, "utf8")) as { pepr: Record<string, unknown> };
  json.pepr["rbac"] = rules;
  writeFileSync(path, `${JSON.stringify(json, null, 2)}\n`);
} else {
  console.log(JSON.stringify(rules, null, 2));
}
