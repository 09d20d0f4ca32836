import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ApiError } from "../../../../capabilities/cluster/api-error";
import {
  EventRecorder,
  type EventRecorderOptions,
  type ObjectReference,
} from "../../../../capabilities/cluster/events";
import { ManualClock, settle } from "./manual-clock";

interface Body {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly count: number;
  readonly message: string;
}

function setup(options: Partial<EventRecorderOptions> = {}) {
  const clock = new ManualClock();
  const posts: { readonly path: string; readonly body: Body }[] = [];
  const patches: { readonly path: string; readonly body: unknown }[] = [];
  const failures: Error[] = [];
  const answer = <Answer>(): Promise<Answer> => {
    const failure = failures.shift();
    return failure === undefined ? Promise.resolve(undefined as Answer) : Promise.reject(failure);
  };
  const recorder = new EventRecorder({
    client: {
      post(path, body) {
        posts.push({ path, body: body as Body });
        return answer();
      },
      patch(path, body) {
        patches.push({ path, body });
        return answer();
      },
    },
    component: "metallb-speaker",
    host: "node-a",
    log: pino({ level: "silent" }),
    clock,
    now: () => new Date(Date.UTC(2026, 0, 1) + clock.nowMs()),
    ...options,
  });
  return { clock, recorder, posts, patches, failures };
}

function service(name: string): ObjectReference {
  return { apiVersion: "v1", kind: "Service", namespace: "default", name, uid: `uid-${name}` };
}

const ASSIGNED = { type: "Normal", reason: "nodeAssigned", message: "from node-a" } as const;

function refused(status: number): ApiError {
  return new ApiError("refused", { code: "status", status });
}

describe("record", () => {
  it("writes a core/v1 Event with source and times", async () => {
    const { recorder, posts } = setup();
    recorder.record(service("web"), ASSIGNED);
    await recorder.whenSent();
    expect(posts[0]?.body.metadata.name).toMatch(/^web\.[0-9a-f]{16}$/);
    expect(posts).toEqual([
      {
        path: "/api/v1/namespaces/default/events",
        body: {
          apiVersion: "v1",
          kind: "Event",
          metadata: { namespace: "default", name: posts[0]?.body.metadata.name },
          involvedObject: service("web"),
          type: "Normal",
          reason: "nodeAssigned",
          message: "from node-a",
          source: { component: "metallb-speaker", host: "node-a" },
          firstTimestamp: "2026-01-01T00:00:01Z",
          lastTimestamp: "2026-01-01T00:00:01Z",
          count: 1,
          reportingComponent: "metallb-speaker",
          reportingInstance: "node-a",
        },
      },
    ]);
  });

  it("puts events on objects of the cluster into `default`, and keeps names valid", async () => {
    const { recorder, posts } = setup();
    const name = `${"a".repeat(229)}-${"b".repeat(20)}`;
    recorder.record({ apiVersion: "v1", kind: "Node", name }, ASSIGNED);
    await recorder.whenSent();
    expect(posts[0]?.path).toBe("/api/v1/namespaces/default/events");
    expect(posts[0]?.body.metadata.name).toMatch(/^a{229}\.[0-9a-f]{16}$/);
  });

  it("raises the count of the same event, and takes another message for another event", async () => {
    const { clock, recorder, posts, patches } = setup();
    recorder.record(service("web"), ASSIGNED);
    await recorder.whenSent();
    await clock.advance(5_000);
    recorder.record(service("web"), ASSIGNED);
    recorder.record(service("web"), { ...ASSIGNED, message: "from node-b" });
    await recorder.whenSent();
    expect(posts.map(({ body }) => [body.message, body.count])).toEqual([
      ["from node-a", 1],
      ["from node-b", 1],
    ]);
    expect(patches).toEqual([
      {
        path: `/api/v1/namespaces/default/events/${posts[0]?.body.metadata.name ?? ""}`,
        body: { count: 2, lastTimestamp: "2026-01-01T00:00:06Z" },
      },
    ]);
  });

  it("writes repetitions that wait as one", async () => {
    const { recorder, posts, patches } = setup();
    for (let time = 0; time < 10; time += 1) recorder.record(service("web"), ASSIGNED);
    await recorder.whenSent();
    expect(posts.length).toBe(1);
    expect(patches.map(({ body }) => body)).toMatchObject([{ count: 10 }]);
  });

  it("writes the event anew when the server has forgotten it", async () => {
    const { recorder, posts, failures } = setup();
    recorder.record(service("web"), ASSIGNED);
    await recorder.whenSent();
    failures.push(refused(404));
    recorder.record(service("web"), ASSIGNED);
    await recorder.whenSent();
    expect(posts.map(({ body }) => body.count)).toEqual([1, 2]);
  });

  it("cuts a message that the server would not take", async () => {
    const { recorder, posts } = setup();
    recorder.record(service("web"), { ...ASSIGNED, message: "x".repeat(5_000) });
    await recorder.whenSent();
    expect(posts[0]?.body.message.length).toBe(1_000);
  });
});

describe("too many events", () => {
  it("of one object are left out, and come again after a while", async () => {
    const { clock, recorder, posts } = setup({ objectBurst: 3, objectRefillMs: 1_000 });
    const flap = (count: number): void => {
      for (let time = 0; time < count; time += 1) {
        recorder.record(service("web"), { ...ASSIGNED, message: `${clock.nowMs()} ${time}` });
      }
    };
    flap(10);
    recorder.record(service("other"), ASSIGNED);
    await recorder.whenSent();
    expect(posts.length).toBe(4);
    expect(recorder.droppedCount).toBe(7);
    await clock.advance(2_500);
    flap(10);
    await recorder.whenSent();
    expect(posts.length).toBe(6);
  });

  it("of many objects stay bounded while the server is away", async () => {
    const { clock, recorder, posts, failures } = setup();
    failures.push(...Array.from({ length: 3 }, () => new ApiError("", { code: "network" })));
    for (let index = 0; index < 5_000; index += 1) {
      recorder.record(service(`web-${index}`), ASSIGNED);
    }
    expect(recorder.droppedCount).toBe(904);
    const sent = recorder.whenSent();
    for (let second = 0; second < 60; second += 1) await clock.advance(1_000);
    await sent;
    expect(posts.length).toBe(4_096 + 3);
  });
});

describe("a server that refuses", () => {
  it("is asked five times, then the event is given up", async () => {
    const { clock, recorder, posts, failures } = setup();
    failures.push(...Array.from({ length: 9 }, () => refused(403)));
    recorder.record(service("web"), ASSIGNED);
    await clock.advance(600_000);
    await recorder.whenSent();
    expect(posts.length).toBe(5);
    expect(recorder.droppedCount).toBe(1);
  });

  it("because it is in trouble gets the event later, however long that takes", async () => {
    const { clock, recorder, posts, failures } = setup();
    failures.push(...Array.from({ length: 20 }, () => refused(503)), refused(500), refused(409));
    recorder.record(service("web"), ASSIGNED);
    await clock.advance(1_200_000);
    await recorder.whenSent();
    expect(posts.length).toBe(23);
    expect(recorder.droppedCount).toBe(0);
  });
});

it("sends nothing after stop", async () => {
  const { recorder, posts } = setup();
  await recorder.stop();
  recorder.record(service("web"), ASSIGNED);
  await settle();
  expect(posts).toEqual([]);
});
