import { describe, expect, it } from "vitest";
import type { ManifestObject } from "../../../../scripts/manifest/rbac";
import { WEBHOOK_CONFIGURATION } from "../../../../capabilities/admission/webhook-configurations";
import { mutationConditions } from "../../../../scripts/manifest/mutation-conditions";
import { webhookConfigurations } from "../../../../scripts/manifest/webhooks";

interface Made extends ManifestObject {
  readonly webhooks: readonly Record<string, unknown>[];
}

function rule(resource: string, operations: readonly string[]): object {
  return {
    apiGroups: ["metallb.io"],
    apiVersions: ["v1beta1"],
    operations,
    resources: [resource],
  };
}

function fromPepr(kind: string, rules: readonly object[]): ManifestObject {
  const webhook = {
    name: "pepr-herald.pepr.dev",
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    timeoutSeconds: 10,
    clientConfig: { service: { name: "pepr-herald" } },
    rules,
  };
  const apiVersion = "admissionregistration.k8s.io/v1";
  return { apiVersion, kind, metadata: { name: "pepr-herald" }, webhooks: [webhook] };
}

const changes = ["CREATE", "UPDATE"];
const manifest: readonly ManifestObject[] = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "pepr-system" } },
  fromPepr("MutatingWebhookConfiguration", [
    rule("ipaddresspools", changes),
    rule("communities", changes),
  ]),
  fromPepr("ValidatingWebhookConfiguration", [
    rule("ipaddresspools", changes),
    rule("bfdprofiles", ["DELETE"]),
    rule("ipaddresspools", ["DELETE"]),
  ]),
];

describe("webhookConfigurations", () => {
  const reach = (path: string) => ({ url: `https://127.0.0.1:3000${path}`, caBundle: "Q0E=" });
  const made = webhookConfigurations(manifest, "token", reach) as readonly Made[];
  const [mutating, validating] = made;

  it("takes the two configurations and gives both MetalLB's name", () => {
    expect(made.map(({ kind }) => kind)).toEqual([
      "MutatingWebhookConfiguration",
      "ValidatingWebhookConfiguration",
    ]);
    expect(made.map(({ metadata }) => metadata.name)).toEqual([
      WEBHOOK_CONFIGURATION,
      WEBHOOK_CONFIGURATION,
    ]);
  });

  it("names one webhook for each kind, as MetalLB does", () => {
    expect(mutating?.webhooks.map(({ name }) => name)).toEqual([
      "ipaddresspoolmutationwebhook.metallb.io",
      "communitymutationwebhook.metallb.io",
    ]);
    expect(validating?.webhooks.map(({ name }) => name)).toEqual([
      "ipaddresspoolvalidationwebhook.metallb.io",
      "bfdprofiledeletionwebhook.metallb.io",
      "ipaddresspooldeletionwebhook.metallb.io",
    ]);
  });

  it("fails where admission may refuse: changes, and the deletion of a BFDProfile", () => {
    const policies = validating?.webhooks.map(({ name, failurePolicy }) => [name, failurePolicy]);
    expect(policies).toEqual([
      ["ipaddresspoolvalidationwebhook.metallb.io", "Fail"],
      ["bfdprofiledeletionwebhook.metallb.io", "Fail"],
      ["ipaddresspooldeletionwebhook.metallb.io", "Ignore"],
    ]);
  });

  it("is not asked when a namespace goes away with what is in it", () => {
    const [change, deletion] = validating?.webhooks ?? [];
    expect(JSON.stringify(deletion?.["matchConditions"])).toContain("namespace-controller");
    expect(change?.["matchConditions"]).toBeUndefined();
  });

  it("asks for a mutation under the conditions of the kind, and for a validation always", () => {
    const [withConditions, without] = mutating?.webhooks ?? [];
    expect(withConditions?.["matchConditions"]).toEqual(mutationConditions("ipaddresspools"));
    expect(without).not.toHaveProperty("matchConditions");
    expect(validating?.webhooks[0]).not.toHaveProperty("matchConditions");
  });

  it("points each at its path with the token, and keeps the rest of what Pepr made", () => {
    expect(mutating?.webhooks[0]).toMatchObject({
      clientConfig: { url: "https://127.0.0.1:3000/mutate/token", caBundle: "Q0E=" },
      matchPolicy: "Equivalent",
      rules: [rule("ipaddresspools", changes)],
    });
    const [first] = validating?.webhooks ?? [];
    expect(first?.["clientConfig"]).toMatchObject({ url: "https://127.0.0.1:3000/validate/token" });
  });
});
