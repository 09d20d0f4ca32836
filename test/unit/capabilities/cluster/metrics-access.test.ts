import { beforeEach, describe, expect, it } from "vitest";
import { MetricsAccess } from "../../../../capabilities/cluster/metrics-access";

/** An API server that knows the token `good`, whose account may read metrics, and `other`, whose account may not. */
class Reviews {
  readonly asked: string[] = [];
  isAway = false;
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();

  async post<Answer>(path: string, body: unknown): Promise<Answer> {
    this.asked.push(path.split("/").at(-1) ?? "");
    await this.gate;
    if (this.isAway) throw new Error("away");
    return this.#answer(body as { spec: { token?: string; user?: string } }) as Answer;
  }

  #answer({ spec }: { spec: { token?: string; user?: string } }): object {
    if (spec.token === undefined) return { status: { allowed: spec.user === "good" } };
    const authenticated = spec.token === "good" || spec.token === "other";
    return { status: { authenticated, user: { username: spec.token, groups: ["g"] } } };
  }
}

let reviews: Reviews;
let nowMs: number;
let access: MetricsAccess;
const statusOf = async (header?: string) => (await access.judge(header)).status;

beforeEach(() => {
  reviews = new Reviews();
  nowMs = 0;
  access = new MetricsAccess(reviews, { nowMs: () => nowMs });
});

describe("MetricsAccess", () => {
  it.each([undefined, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b"])(
    "refuses %j without asking anybody",
    async header => {
      expect(await statusOf(header)).toBe(401);
      expect(reviews.asked).toEqual([]);
    },
  );

  it("lets in whose account may get /metrics, and nobody else", async () => {
    expect(await statusOf("Bearer good")).toBe(200);
    expect(await statusOf("bearer other")).toBe(403);
    expect(await statusOf("Bearer unknown")).toBe(401);
  });

  it("asks once a minute for who is let in, after ten seconds for who is not", async () => {
    await statusOf("Bearer good");
    await statusOf("Bearer unknown");
    nowMs = 9_999;
    await statusOf("Bearer good");
    await statusOf("Bearer unknown");
    expect(reviews.asked).toHaveLength(3);
    nowMs = 10_000;
    await statusOf("Bearer unknown");
    expect(reviews.asked).toHaveLength(4);
    nowMs = 60_000;
    await statusOf("Bearer good");
    expect(reviews.asked).toHaveLength(6);
  });

  it("goes on with who was let in while the API server is away, for ten minutes", async () => {
    await statusOf("Bearer good");
    reviews.isAway = true;
    nowMs = 599_999;
    expect(await statusOf("Bearer good")).toBe(200);
    expect(await statusOf("Bearer other")).toBe(503);
    nowMs = 600_000;
    expect(await statusOf("Bearer good")).toBe(503);
  });

  it("asks for one caller once, and for four at a time", async () => {
    let open = (): void => undefined;
    reviews.gate = new Promise(resolve => (open = resolve));
    const waiting = ["good", "good", "1", "2", "3"].map(token => statusOf(`Bearer ${token}`));
    expect(await statusOf("Bearer 4")).toBe(429);
    expect(reviews.asked).toHaveLength(4);
    open();
    expect(await Promise.all(waiting)).toEqual([200, 200, 401, 401, 401]);
    expect(await statusOf("Bearer 4")).toBe(401);
  });

  it("keeps no more than it may: the oldest is asked for again", async () => {
    await statusOf("Bearer good");
    for (let index = 0; index < 256; index += 1) await statusOf(`Bearer n${index}`);
    const before = reviews.asked.length;
    await statusOf("Bearer n255");
    expect(reviews.asked).toHaveLength(before);
    await statusOf("Bearer good");
    expect(reviews.asked).toHaveLength(before + 2);
  });
});
