import { describe, expect, it } from "vitest";
import { hostsOf, isServerCertificateGood } from "../../../../capabilities/admission/certificate";
import {
  inStepWith,
  type WebhookConfiguration,
} from "../../../../capabilities/admission/webhook-configurations";
import {
  advance,
  completeSecret,
  introduceNext,
  isComplete,
  isRotationDue,
  phaseOf,
  servingHosts,
  servingOf,
  trustedAuthorities,
} from "../../../../capabilities/admission/webhook-secret";

const DAY_MS = 24 * 60 * 60 * 1000;
const nowMs = Date.UTC(2026, 10, 25);
const hosts = servingHosts("metallb-system", "metallb-webhook-service");
const steady = await completeSecret({}, hosts, nowMs);

function complete<Secret extends Readonly<Record<string, string>>>(secret: Secret) {
  if (!isComplete(secret)) throw new Error("the Secret is not complete");
  return secret;
}

describe("completeSecret", () => {
  it("makes everything of nothing", () => {
    expect(isComplete(steady)).toBe(true);
    expect(steady.token).toMatch(/^[0-9a-f]{64}$/);
    expect(isRotationDue(steady, hosts, nowMs)).toBe(false);
  });

  it("leaves a good one alone", async () => {
    expect(await completeSecret(steady, hosts, nowMs)).toBe(steady);
  });

  it("keeps authority and token when only the certificate is old", async () => {
    const later = await completeSecret(steady, hosts, nowMs + 300 * DAY_MS);
    expect(later["ca.crt"]).toBe(steady["ca.crt"]);
    expect(later.token).toBe(steady.token);
    expect(later["tls.crt"]).not.toBe(steady["tls.crt"]);
  });

  it("keeps the authority that MetalLB's Secret has, and adds the token", async () => {
    const metallb = Object.fromEntries(Object.entries(steady).filter(([key]) => key !== "token"));
    const completed = await completeSecret(metallb, hosts, nowMs);
    expect(completed).toEqual({ ...steady, token: completed.token });
    expect(completed.token).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a Secret that somebody mangled", async () => {
  const other = await completeSecret({}, hosts, nowMs);

  it.each([
    { what: "no PEM", mangled: { "tls.crt": "x" } },
    { what: "half a certificate", mangled: { "tls.crt": steady["tls.crt"].slice(0, 500) } },
    { what: "the key of another certificate", mangled: { "tls.key": other["tls.key"] } },
    { what: "no authority", mangled: { "ca.crt": "-----BEGIN CERTIFICATE-----" } },
    { what: "no token", mangled: { token: "" } },
  ])("with $what is not complete, and is made whole", async ({ mangled }) => {
    const found = { ...steady, ...mangled };
    expect(isComplete(found)).toBe(false);
    const whole = await completeSecret(found, hosts, nowMs);
    expect(isComplete(whole)).toBe(true);
    expect(isRotationDue(whole, hosts, nowMs)).toBe(false);
  });

  it("while a new certificate is introduced, drops the new one and keeps what is in use", async () => {
    const how = { nowMs, withNewAuthority: true };
    const introduced = await introduceNext(steady, hosts, how);
    expect(advance({ ...introduced, "next.tls.key": "x" })).toEqual(steady);
  });
});

describe("a rotation", async () => {
  const how = { nowMs, withNewAuthority: true };
  const introduced = complete(await introduceNext(steady, hosts, how));
  const switched = complete(advance(introduced));
  const after = complete(advance(switched));

  it("goes from steady over introduced and switched to steady", () => {
    const phases = [steady, introduced, switched, after].map(phaseOf);
    expect(phases).toEqual(["steady", "introduced", "switched", "steady"]);
    expect(Object.keys(after).sort()).toEqual(Object.keys(steady).sort());
  });

  it("lets every state be trusted by the one before and the one after it", () => {
    const states = [steady, introduced, switched, after];
    for (const [index, state] of states.entries()) {
      for (const other of [states[index - 1], state, states[index + 1]]) {
        if (other === undefined) continue;
        expect(trustedAuthorities(other)).toContain(state["ca.crt"]);
        expect(servingOf(other).tokens).toContain(state.token);
      }
    }
  });

  it("ends with nothing of what was before", () => {
    expect(trustedAuthorities(after)).toBe(after["ca.crt"]);
    expect(servingOf(after).tokens).toEqual([after.token]);
    for (const key of ["ca.crt", "ca.key", "tls.crt", "tls.key", "token"] as const) {
      expect(after[key]).not.toBe(steady[key]);
    }
    const authority = { certificate: after["ca.crt"], key: after["ca.key"] };
    const server = { certificate: after["tls.crt"], key: after["tls.key"] };
    expect(isServerCertificateGood(authority, server, hosts, nowMs)).toBe(true);
  });

  it("keeps names that an installation had added", async () => {
    const added = await completeSecret(steady, [...hosts, "admission.example"], nowMs);
    const next = await introduceNext(added, hosts, how);
    expect(hostsOf(next["next.tls.crt"]!)).toContain("admission.example");
  });

  it("keeps an authority that is good, unless another is asked for", async () => {
    const renewed = await introduceNext(steady, hosts, { nowMs, withNewAuthority: false });
    expect(renewed["next.ca.crt"]).toBe(steady["ca.crt"]);
    expect(trustedAuthorities(renewed)).toBe(steady["ca.crt"]);
  });
});

describe("isRotationDue", () => {
  it.each([
    { what: "a certificate with 91 days left", names: hosts, days: 274, due: false },
    { what: "a certificate with 89 days left", names: hosts, days: 276, due: true },
    { what: "a host without a name", names: ["other.example"], days: 0, due: true },
  ])("is $due for $what", ({ names, days, due }) => {
    expect(isRotationDue(steady, names, nowMs + days * DAY_MS)).toBe(due);
  });
});

describe("inStepWith", () => {
  const service = { namespace: "metallb-system", name: "metallb-webhook-service", port: 443 };
  const stored = (...clientConfigs: object[]): WebhookConfiguration => ({
    metadata: { name: "metallb-webhook-configuration", resourceVersion: "7" },
    webhooks: clientConfigs.map(clientConfig => ({ name: "a.metallb.io", clientConfig })),
  });
  const caBundle = Buffer.from(steady["ca.crt"]).toString("base64");

  it("writes authority and token, and leaves the way to the server alone", () => {
    const url = "https://127.0.0.1:3000/mutate/old";
    const before = stored({ url }, { service: { ...service, path: "/validate/old" } });
    expect(inStepWith(steady, before)).toEqual(
      stored(
        { url: `https://127.0.0.1:3000/mutate/${steady.token}`, caBundle },
        { service: { ...service, path: `/validate/${steady.token}` }, caBundle },
      ),
    );
  });

  it("adds a token where none was installed", () => {
    const made = inStepWith(steady, stored({ service: { ...service, path: "/validate" } }));
    expect(made?.webhooks?.[0]?.clientConfig.service?.path).toBe(`/validate/${steady.token}`);
  });

  it("wants nothing where all is right", () => {
    const right = inStepWith(steady, stored({ service: { ...service, path: "/mutate/x" } }));
    expect(inStepWith(steady, right!)).toBeUndefined();
  });
});
