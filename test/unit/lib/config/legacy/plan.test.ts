/** What is written for an old configuration, beside what is stored. */
import { describe, expect, it } from "vitest";
import {
  CONVERTED_FROM_LABEL,
  FIELD_MANAGER,
  isOurs,
  planMigration,
  type MigrationPlan,
  type StoredObject,
} from "../../../../../lib/config/legacy/plan";
import { convert, NAMESPACE, SOURCE } from "./support";

const CONFIG = "address-pools: [{name: default, protocol: layer2, addresses: [10.0.0.0/24]}]";

function stored(
  kind: string,
  name: string,
  spec: object,
  made: { readonly by?: string; readonly label?: string } = {},
): StoredObject {
  const { by = FIELD_MANAGER, label } = made;
  const labels = label === undefined ? {} : { [CONVERTED_FROM_LABEL]: label };
  const managedFields = [
    { manager: by, fieldsV1: { "f:spec": {} } },
    { manager: "herald-controller", subresource: "status", fieldsV1: { "f:status": {} } },
  ];
  return { kind, metadata: { name, namespace: NAMESPACE, uid: name, labels, managedFields }, spec };
}

function plan(text: string, objects: readonly StoredObject[]): MigrationPlan {
  return planMigration(convert(text), objects, { source: SOURCE, label: "config" });
}

/** As `apply IPAddressPool default`. */
function stepsOf({ steps }: MigrationPlan): readonly string[] {
  return steps.map(step => {
    const { kind } = step.object;
    return `${step.type} ${kind} ${step.type === "apply" ? step.object.metadata.name : step.object.name}`;
  });
}

const OURS = { label: "config" };
const POOL = { addresses: ["10.0.0.0/24"] };

describe("a plan", () => {
  it("writes everything, labelled, where nothing is", () => {
    const made = plan(CONFIG, []);
    expect(stepsOf(made)).toEqual([
      "apply IPAddressPool default",
      "apply L2Advertisement l2advertisement1",
    ]);
    for (const step of made.steps) {
      if (step.type === "apply")
        expect(step.object.metadata.labels).toEqual({ [CONVERTED_FROM_LABEL]: "config" });
    }
  });

  it("removes what was made of the configuration and is not in it any more, last", () => {
    const made = plan(CONFIG, [
      stored("BGPPeer", "peer1", {}, OURS),
      stored("IPAddressPool", "default", POOL, OURS),
      stored("IPAddressPool", "users", { addresses: ["10.1.0.0/24"] }),
    ]);
    expect(stepsOf(made).at(-1)).toBe("delete BGPPeer peer1");
    expect(stepsOf(made).join()).not.toContain("users");
  });

  it("leaves alone what a user edited, and says so only where the two differ", () => {
    const edited = { by: "kubectl-edit", ...OURS };
    const same = plan(CONFIG, [
      stored("IPAddressPool", "default", { ...POOL, autoAssign: true }, edited),
    ]);
    expect(stepsOf(same)).toEqual(["apply L2Advertisement l2advertisement1"]);
    expect(same.problems).toEqual([]);
    const other = plan(CONFIG, [
      stored("IPAddressPool", "default", { addresses: ["10.0.0.0/25"] }, edited),
    ]);
    expect(stepsOf(other)).toEqual(["apply L2Advertisement l2advertisement1"]);
    expect(other.problems.map(({ rule, severity }) => [rule, severity])).toEqual([
      ["H-F9", "warn"],
    ]);
  });

  it("is empty when the whole cannot stand beside the users' objects", () => {
    const made = plan(CONFIG, [
      stored("IPAddressPool", "mine", { addresses: ["10.0.0.9/32"] }, { by: "kubectl" }),
    ]);
    expect(made.steps).toEqual([]);
    expect(made.problems[0]?.message).toContain("mine");
  });

  it("is empty when the configuration is refused, so that what is stored stays", () => {
    expect(
      plan(CONFIG.replace("layer2", "l2"), [stored("IPAddressPool", "default", POOL, OURS)]).steps,
    ).toEqual([]);
  });
});

describe("an object", () => {
  it("is Herald's with its label and as long as nobody else wrote its spec; a status does not count", () => {
    expect(isOurs(stored("IPAddressPool", "a", POOL, OURS), "config")).toBe(true);
    expect(isOurs(stored("IPAddressPool", "a", POOL, OURS), "metallb")).toBe(false);
    expect(isOurs(stored("IPAddressPool", "a", POOL), "config")).toBe(false);
    expect(isOurs(stored("IPAddressPool", "a", POOL, { by: "kubectl", ...OURS }), "config")).toBe(
      false,
    );
  });
});
