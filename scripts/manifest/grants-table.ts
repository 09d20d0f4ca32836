import { ACCOUNTS, grants, type Scope } from "./grants";

const SCOPES: Readonly<Record<Scope, string>> = {
  cluster: "everywhere",
  namespace: "own namespace",
  store: "pepr-system",
};

/** The grants as the table of docs/security.md. */
export function grantsTable(): string {
  const rows = ACCOUNTS.flatMap(account =>
    Object.entries(SCOPES).flatMap(([scope, where]) =>
      grants[account][scope as Scope].map(({ group, resources, verbs, names, why, onlyWith }) => {
        const what = resources.map(resource => (group === "" ? resource : `${resource}.${group}`));
        const only = names === undefined ? "" : ` (${names.join(", ")})`;
        const reason = onlyWith === undefined ? why : `${why}, with ${onlyWith}`;
        return `| ${account} | ${where} | ${what.join(", ")}${only} | ${verbs.join(", ")} | ${reason} |`;
      }),
    ),
  );
  const head = ["| Account | Where | What | May | For |", "|---|---|---|---|---|"];
  return `${[...head, ...rows].join("\n")}\n`;
}
