import { describe, expect, it } from "vitest";
import { DataplaneGate } from "../../../../capabilities/speaker/dataplane-gate";
import { hasLocalEndpoint } from "../../../../capabilities/speaker/health-check-port";

/** A gate on a clock that moves by hand; kube-proxy serves from `servesFromMs` on. */
function gateWith(servesFromMs: number) {
  let nowMs = 0;
  const tasks: { atMs: number; task: () => void }[] = [];
  const opened: { key: string; atMs: number }[] = [];
  const gate = new DataplaneGate({
    clock: {
      nowMs: () => nowMs,
      schedule: (delayMs, task) => {
        const each = { atMs: nowMs + delayMs, task };
        tasks.push(each);
        return () => void tasks.splice(tasks.indexOf(each), 1);
      },
    },
    isServing: () => Promise.resolve(nowMs >= servesFromMs),
    onOpen: key => opened.push({ key, atMs: nowMs }),
  });
  const run = async (untilMs: number): Promise<void> => {
    await settled();
    for (let next = tasks.shift(); next && next.atMs <= untilMs; next = tasks.shift()) {
      nowMs = next.atMs;
      next.task();
      await settled();
    }
  };
  return { gate, opened, run };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe("the gate of a Service of policy Local", () => {
  it("opens when kube-proxy serves it, within 50 ms", async () => {
    const { gate, opened, run } = gateWith(120);
    expect(gate.isOpen("default/web", 30_000)).toBe(false);
    await run(1_000);
    expect(opened).toEqual([{ key: "default/web", atMs: 150 }]);
    expect(gate.isOpen("default/web", 30_000)).toBe(true);
  });

  it("opens after three seconds all the same", async () => {
    const { gate, opened, run } = gateWith(Infinity);
    gate.isOpen("default/web", 30_000);
    await run(60_000);
    expect(opened).toEqual([{ key: "default/web", atMs: 3_000 }]);
  });

  it("asks anew after it was closed, or for another port", async () => {
    const { gate, opened, run } = gateWith(0);
    gate.isOpen("default/web", 30_000);
    await run(100);
    expect(gate.isOpen("default/web", 30_001)).toBe(false);
    gate.close("default/web");
    await run(200);
    expect(opened).toHaveLength(1);
    expect(gate.isOpen("default/web", 30_001)).toBe(false);
  });
});

it.each([
  ['{"localEndpoints":2}', true],
  ['{"localEndpoints":0}', false],
  ['{"localEndpoints":"2"}', false],
  ["ok", true],
  ["{}", true],
])("reads kube-proxy's %s as %s", (text, isServing) => {
  expect(hasLocalEndpoint(text)).toBe(isServing);
});
