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
import type { ConfigurationResources } from "../../../../lib/config/resources";

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

interface Observed {
  readonly observed: ObservedReview[];
  /** Objects of the changes that were let through. */
  readonly accepted: unknown[];
  /** How often the API server was asked. */
  readonly lists: string[];
}

interface Live {
  readonly copies?: ConfigurationResources;
  readonly stored?: ConfigurationResources;
  readonly failure?: Error;
}

function deps({ copies, stored = {}, failure }: Live = {}): ReviewDeps & Observed {
  const observed: ObservedReview[] = [];
  const accepted: unknown[] = [];
  const lists: string[] = [];
  return {
    namespace: "metallb-system",
    configuration: {
      read: () =>
        failure
          ? Promise.reject(failure)
          : Promise.resolve({ resources: copies ?? stored, isFromCopies: copies !== undefined }),
      readStored: ({ kind }) => {
        lists.push(kind);
        return Promise.resolve(stored);
      },
      noteAccepted: ({ object }) => accepted.push(object),
    },
    observe: seen => observed.push(seen),
    memo: new ReadMemo(),
    log: pino({ level: "silent" }),
    observed,
    accepted,
    lists,
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
    const used = deps({ failure: new Error("no route to host") });
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

describe("a verdict beside copies that may be some milliseconds old", () => {
  const taken = {
    ipAddressPools: [pool(["10.0.0.0/24"], { name: "old" }) as unknown as IPAddressPool],
  };
  const request = (fields: object = {}) =>
    new PeprValidateRequest({ ...review(pool(["10.0.0.0/25"])), ...fields } as Input);

  it("refuses nobody because of a pool that is gone: the API server is asked", async () => {
    const used = deps({ copies: taken, stored: {} });
    expect((await createValidate(() => used)(request())).allowed).toBe(true);
    expect(used.lists).toEqual(["IPAddressPool"]);
  });

  it("refuses what the API server says is there", async () => {
    const used = deps({ copies: taken, stored: taken });
    const verdict = await createValidate(() => used)(request());
    expect(verdict.statusMessage).toContain('of IPAddressPool "old"');
    expect(used.accepted).toEqual([]);
  });

  it("asks nobody about an object that is wrong by itself", async () => {
    const used = deps({ copies: taken, stored: {} });
    const bad = new PeprValidateRequest(review(pool(["10.0.0.0/33"])));
    expect((await createValidate(() => used)(bad)).allowed).toBe(false);
    expect(used.lists).toEqual([]);
  });

  it("notes what is let through, but no dry run: that is never stored", async () => {
    const used = deps({ copies: {} });
    await createValidate(() => used)(request({ dryRun: true }));
    expect(used.accepted).toEqual([]);
    await createValidate(() => used)(request());
    expect(used.accepted).toMatchObject([{ metadata: { name: "first" } }]);
    expect(used.lists).toEqual([]);
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
