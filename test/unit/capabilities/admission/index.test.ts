import { describe, expect, it, vi } from "vitest";
import { admission } from "../../../../capabilities/admission";
import { isAdmissionProcess } from "../../../../capabilities/admission/main";

// Pepr says at info what is registered, while its module is loaded.
vi.hoisted(() => {
  process.env["LOG_LEVEL"] = "silent";
});

const kinds = [
  "BFDProfile",
  "BGPAdvertisement",
  "BGPPeer",
  "Community",
  "IPAddressPool",
  "L2Advertisement",
];

describe("the admission capability", () => {
  it("is registered for our six kinds and nothing else: never Services", () => {
    const registered = new Set(admission.bindings.map(({ kind }) => `${kind.group}/${kind.kind}`));
    expect([...registered].sort()).toEqual(kinds.map(kind => `metallb.io/${kind}`));
  });

  it.each(kinds)("validates %s on change and on deletion", kind => {
    const bindings = admission.bindings.filter(
      binding => binding.kind.kind === kind && binding.isValidate,
    );
    expect(bindings.map(({ event }) => event)).toEqual(["CREATEORUPDATE", "DELETE"]);
  });

  it("mutates what has a normal form on change, and nothing else", () => {
    const mutating = admission.bindings.filter(({ isMutate }) => isMutate);
    expect(mutating.map(({ kind, event }) => [kind.kind, event])).toEqual([
      ["IPAddressPool", "CREATEORUPDATE"],
      ["BGPPeer", "CREATEORUPDATE"],
    ]);
  });

  it("gives every registration an alias of its own", () => {
    const aliases = admission.bindings.filter(({ isValidate }) => isValidate).map(b => b.alias);
    expect(new Set(aliases).size).toBe(aliases.length);
    expect(aliases).not.toContain(undefined);
  });
});

describe("isAdmissionProcess", () => {
  it.each([
    { env: { PEPR_WATCH_MODE: "false" }, is: true },
    { env: { PEPR_WATCH_MODE: "true" }, is: false },
    { env: { PEPR_WATCH_MODE: "false", PEPR_MODE: "build" }, is: false },
    { env: {}, is: false },
  ])("is $is in $env", ({ env, is }) => {
    expect(isAdmissionProcess(env)).toBe(is);
  });
});
