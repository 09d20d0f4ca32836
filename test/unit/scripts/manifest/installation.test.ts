import { describe, expect, it } from "vitest";
import { parseObjects } from "../../../../scripts/manifest/definitions";
import { installationObjects, toYaml } from "../../../../scripts/manifest/installation";
import { ACCOUNTS, grants } from "../../../../scripts/manifest/grants";

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly {
    readonly image: string;
    readonly ports?: readonly unknown[];
    readonly securityContext: Record<string, unknown>;
  }[];
}

const service = { name: "pepr-herald", namespace: "pepr-system", path: "/validate/x" };
const peprManifest = [
  {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "pepr-herald" },
    webhooks: [
      {
        clientConfig: { service, caBundle: "Pepr's" },
        rules: [
          {
            apiGroups: ["metallb.io"],
            apiVersions: ["v1beta1"],
            operations: ["CREATE", "UPDATE"],
            resources: ["ipaddresspools"],
          },
        ],
      },
    ],
  },
];
const installation = { namespace: "metallb-system", image: "registry.example/herald:1" };
const objects = installationObjects(installation, peprManifest);
const podOf = (name: string): PodSpec => {
  const found = objects.find(
    ({ kind, metadata }) => /Deployment|DaemonSet/.test(kind) && metadata.name === name,
  );
  return (found as unknown as { spec: { template: { spec: PodSpec } } }).spec.template.spec;
};

describe("install.yaml", () => {
  it("holds everything, what others need first", () => {
    const kinds = [...new Set(objects.map(({ kind }) => kind))];
    expect(kinds.slice(0, 3)).toEqual(["Namespace", "CustomResourceDefinition", "ServiceAccount"]);
    expect(kinds.at(-1)).toBe("ValidatingWebhookConfiguration");
    expect(objects.filter(({ kind }) => kind === "CustomResourceDefinition")).toHaveLength(10);
  });

  it("is read back as it was written, numbers and all", () => {
    expect(parseObjects(toYaml(objects))).toEqual(JSON.parse(JSON.stringify(objects)));
  });

  it("says neither path nor authority of the webhooks: applied again, it takes nothing back", () => {
    const [configuration] = objects.slice(-1) as unknown as [
      { webhooks: readonly { clientConfig: object }[] },
    ];
    expect(configuration.webhooks[0]?.clientConfig).toEqual({
      service: { name: "metallb-webhook-service", namespace: "metallb-system", port: 443 },
    });
  });

  it("carries nothing that is secret: the parts fill in what they need", () => {
    const secrets = objects.filter(({ kind }) => kind === "Secret");
    expect(secrets.map(({ metadata }) => metadata.name)).toEqual(["metallb-webhook-cert"]);
    expect(secrets[0]).not.toHaveProperty("data");
  });

  it("gives every part the image, a read-only root and the default seccomp profile", () => {
    for (const name of ACCOUNTS) {
      const { containers, securityContext } = podOf(name);
      expect(containers.map(({ image }) => image)).toEqual(["registry.example/herald:1"]);
      expect(containers[0]?.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
      });
      expect(securityContext).toMatchObject({ seccompProfile: { type: "RuntimeDefault" } });
    }
  });

  it("lets controller and admission run under Pod Security 'restricted'", () => {
    for (const name of ["controller", "admission"]) {
      const { containers, securityContext, hostNetwork } = podOf(name);
      expect(hostNetwork).toBeUndefined();
      expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65_534 });
      expect(containers[0]?.securityContext["capabilities"]).toEqual({ drop: ["ALL"] });
    }
  });

  it("gives the speaker NET_RAW and nothing else, and no port of the node's", () => {
    const [container] = podOf("speaker").containers;
    expect(container?.securityContext["capabilities"]).toEqual({ drop: ["ALL"], add: ["NET_RAW"] });
    expect(container?.ports).toBeUndefined();
  });
});

describe("the grants", () => {
  const all = ACCOUNTS.flatMap(account => Object.values(grants[account]).flat());

  it("have no wildcard and a reason each", () => {
    for (const { group, resources, verbs, why } of all) {
      expect([group, ...resources, ...verbs].join(" ")).not.toContain("*");
      expect(why.length).toBeGreaterThan(5);
    }
  });

  it("let nobody read or change roles, Pods' programs or other people's Secrets", () => {
    const inCluster = ACCOUNTS.flatMap(account => grants[account].cluster);
    for (const { resources, verbs } of inCluster) {
      expect(resources).not.toContain("secrets");
      if (resources.some(resource => /roles|bindings|pods|daemonsets|deployments/.test(resource))) {
        expect(verbs).toEqual([]);
      }
    }
  });

  it("of create are never limited by name, which the API server would refuse", () => {
    for (const { verbs, names } of all) {
      if (names !== undefined) expect(verbs).not.toContain("create");
    }
  });
});
