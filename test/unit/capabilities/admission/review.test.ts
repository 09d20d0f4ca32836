import type { KubernetesObject } from "kubernetes-fluent-client";
import { PeprMutateRequest, PeprValidateRequest } from "pepr";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { ReadMemo } from "../../../../lib/config/read-memo";
import {
  createValidate,
  normalising,
  type ObservedReview,
  type ReviewDeps,
} from "../../../../capabilities/admission/review";
import { normaliseIPAddressPool } from "../../../../lib/config/admission";
import type { IPAddressPool } from "../../../../lib/config/generated/resources";

type Input = ConstructorParameters<typeof PeprValidateRequest<KubernetesObject>>[0];

function pool(addresses: unknown, metadata: object = {}): KubernetesObject {
  return {
    apiVersion: "metallb.io/v1beta1",
    kind: "IPAddressPool",
    metadata: { name: "first", namespace: "metallb-system", ...metadata },
    spec: { addresses },
  } as KubernetesObject;
}

function review(object: KubernetesObject, operation = "CREATE"): Input {
  return {
    uid: "1",
    kind: { group: "metallb.io", version: "v1beta1", kind: "IPAddressPool" },
    name: "first",
    namespace: "metallb-system",
    operation,
    object,
    oldObject: operation === "CREATE" ? undefined : object,
  } as unknown as Input;
}

function deps(overrides: Partial<ReviewDeps> = {}): ReviewDeps & { observed: ObservedReview[] } {
  const observed: ObservedReview[] = [];
  return {
    namespace: "metallb-system",
    readConfiguration: () =>
      Promise.resolve({
        ipAddressPools: [],
        l2Advertisements: [],
        bgpAdvertisements: [],
        bgpPeers: [],
        bfdProfiles: [],
        communities: [],
      }),
    observe: seen => observed.push(seen),
    memo: new ReadMemo(),
    log: pino({ level: "silent" }),
    observed,
    ...overrides,
  };
}

describe("createValidate", () => {
  it("accepts what has no error", async () => {
    const used = deps();
    const verdict = await createValidate(() => used)(
      new PeprValidateRequest(review(pool(["10.0.0.0/24"]))),
    );
    expect(verdict.allowed).toBe(true);
    expect(used.observed).toMatchObject([
      { kind: "IPAddressPool", operation: "CREATE", outcome: "accepted" },
    ]);
  });

  it("refuses with one line for each problem", async () => {
    const used = deps();
    const request = new PeprValidateRequest(review(pool(["10.0.0.0/33", "10.0.1.0/24", "x"])));
    const verdict = await createValidate(() => used)(request);
    expect(verdict.allowed).toBe(false);
    const lines = verdict.statusMessage?.split("\n") ?? [];
    expect(lines.some(line => line.includes("spec.addresses[0]"))).toBe(true);
    expect(lines.some(line => line.includes("spec.addresses[2]"))).toBe(true);
    expect(used.observed).toMatchObject([{ outcome: "refused" }]);
  });

  it("refuses with the reason when the configuration cannot be read, never with a throw", async () => {
    const used = deps({ readConfiguration: () => Promise.reject(new Error("no route to host")) });
    const verdict = await createValidate(() => used)(
      new PeprValidateRequest(review(pool(["10.0.0.0/24"]))),
    );
    const reason = "Herald could not judge IPAddressPool metallb-system/first: no route to host.";
    expect(verdict).toMatchObject({ allowed: false, statusMessage: `${reason} Try again.` });
    expect(used.observed).toMatchObject([{ outcome: "failed" }]);
  });

  it("refuses with the reason when it cannot even begin", async () => {
    const validate = createValidate(() => {
      throw new Error("no kubeconfig");
    });
    const verdict = await validate(new PeprValidateRequest(review(pool(["10.0.0.0/24"]))));
    expect(verdict.allowed).toBe(false);
    expect(verdict.statusMessage).toContain("no kubeconfig");
  });

  it("lets an object go that is being deleted, however wrong it is", async () => {
    const leaving = pool(["x"], { deletionTimestamp: "2026-11-25T12:00:00Z" });
    const request = new PeprValidateRequest(review(leaving, "UPDATE"));
    const verdict = await createValidate(() => deps())(request);
    expect(verdict.allowed).toBe(true);
  });
});

describe("normalising", () => {
  const mutate = normalising((resource: IPAddressPool) => normaliseIPAddressPool(resource));

  it("stores the normal form", () => {
    const request = new PeprMutateRequest(review(pool(["10.0.0.1", "FC00::1 - FC00::5"])));
    mutate(request);
    const { spec } = request.Raw as unknown as IPAddressPool;
    expect(spec.addresses).toEqual(["10.0.0.1/32", "fc00::1-fc00::5"]);
  });

  it.each([[null], [[1, {}]], ["10.0.0.0/24"], [undefined]])(
    "leaves what cannot be read to the validation: %j",
    addresses => {
      const request = new PeprMutateRequest(review(pool(addresses)));
      mutate(request);
      expect((request.Raw as unknown as IPAddressPool).spec.addresses).toEqual(addresses);
    },
  );
});
