/** Whether a Service may be on an address beside others. */
import type { Pool } from "../config/configuration";
import type { Claim } from "./service";

/** Why a Service may not be on an address that others hold. `others` are their keys. */
export type Conflict =
  | { readonly type: "not-shared"; readonly others: readonly string[] }
  | { readonly type: "sharing-key"; readonly others: readonly string[] }
  | { readonly type: "backend"; readonly others: readonly string[] }
  | { readonly type: "namespace"; readonly others: readonly string[] }
  | { readonly type: "port"; readonly port: string; readonly others: readonly string[] };

/**
 * What forbids the claim beside the users of an address, itself left out; undefined when all may share. The users share among
 * themselves already, so their keys are the same.
 */
export function conflictBetween(
  claim: Claim,
  users: readonly Claim[],
  sharing: Pool["sharing"],
): Conflict | undefined {
  const others = users.filter(user => user.key !== claim.key);
  const [first] = others;
  if (first === undefined) return undefined;
  const keys = others.map(user => user.key);
  if (first.sharingKey === "" || (claim.sharingKey === "" && others.length === users.length)) {
    return { type: "not-shared", others: keys };
  }
  if (first.sharingKey !== claim.sharingKey) return { type: "sharing-key", others: keys };
  if (first.backendKey !== claim.backendKey) return { type: "backend", others: keys };
  const isStrict = sharing === "WithinNamespace";
  if (isStrict && !others.every(other => trustEachOther(claim, other))) {
    return { type: "namespace", others: keys };
  }
  const port = claim.ports.find(wanted => others.some(user => user.ports.includes(wanted)));
  return port === undefined ? undefined : { type: "port", port, others: keys };
}

function trustEachOther(one: Claim, other: Claim): boolean {
  if (one.namespace === other.namespace) return true;
  return one.sharesWith.includes(other.namespace) && other.sharesWith.includes(one.namespace);
}
