import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import { ensureMemberlistSecret } from "../../../../capabilities/controller/memberlist-secret";

interface Made {
  readonly metadata: { readonly name: string; readonly ownerReferences: readonly object[] };
  readonly data: { readonly secretkey: string };
}

/** A server with a Deployment `controller` or without, and with the Secret or without. */
async function ensured(
  deployment: string | undefined,
  { hasSecret = false, status = 404 } = {},
): Promise<readonly Made[]> {
  const made: Made[] = [];
  const get = (path: string): Promise<never> => {
    const isThere = path.endsWith("/deployments/controller") || (hasSecret && /secrets/.test(path));
    if (isThere) return Promise.resolve({ metadata: { uid: "7" } } as never);
    const given = path.includes("/deployments/") ? status : 404;
    return Promise.reject(new ApiError("no", { code: "status", status: given }));
  };
  const post = (_path: string, body: unknown): Promise<never> => {
    made.push(body as Made);
    return Promise.resolve({} as never);
  };
  await ensureMemberlistSecret({
    client: { get, post },
    namespace: "here",
    secretName: "memberlist",
    deployment,
    log: pino({ level: "silent" }),
  });
  return made;
}

describe("the Secret of the speakers", () => {
  it("belongs to the Deployment and holds 128 random octets as base64 text", async () => {
    const [secret] = await ensured("controller");
    expect(secret?.metadata).toMatchObject({
      name: "memberlist",
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "Deployment", name: "controller", uid: "7" },
      ],
    });
    const text = Buffer.from(secret!.data.secretkey, "base64").toString();
    expect(Buffer.from(text, "base64")).toHaveLength(128);
  });

  it.each([undefined, "other"])("is made without an owner for the Deployment %j", async name => {
    const [secret] = await ensured(name);
    expect(secret?.metadata.ownerReferences).toEqual([]);
  });

  it("is not made while the Deployment cannot be read: it is tried again", async () => {
    await expect(ensured("other", { status: 503 })).rejects.toThrow("no");
  });

  it("is left alone where it is there", async () => {
    expect(await ensured("controller", { hasSecret: true })).toEqual([]);
  });
});
