import { Registry } from "prom-client";
import { expect, it } from "vitest";
import { StrictArpWatch } from "../../../../capabilities/speaker/strict-arp-watch";

/** A watch that looks whenever it is told to, at what the test has set. */
function watched() {
  const node = { lax: [] as readonly string[], hasAddresses: true };
  const said: string[] = [];
  const registry = new Registry();
  let look = (): void => undefined;
  const note =
    (level: string) =>
    (_fields: unknown, msg?: string): void =>
      void said.push(`${level}: ${msg}`);
  const watch = new StrictArpWatch({
    clock: {
      nowMs: () => 0,
      schedule: (_delayMs, task) => {
        look = task;
        return () => (look = () => undefined);
      },
    },
    log: { info: note("info"), warn: note("warn") },
    registry,
    findLax: () => node.lax,
    isExcluded: name => name.startsWith("cali"),
    hasAddresses: () => node.hasAddresses,
  });
  const isMissing = async (): Promise<boolean> =>
    / 1$/m.test(await registry.getSingleMetricAsString("herald_layer2_strict_arp_missing"));
  return { node, said, watch, isMissing, look: () => look() };
}

it("names strictARP and the interfaces, once, and says when it was mended", async () => {
  const { node, said, look, isMissing } = watched();
  expect([said, await isMissing()]).toEqual([[], false]);
  node.lax = ["cali1", "eth0"];
  look();
  look();
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^warn: kube-proxy is in IPVS mode without strictARP: .* on eth0\. Set/);
  expect(await isMissing()).toBe(true);
  node.lax = [];
  look();
  expect(said.slice(1)).toEqual(["info: the kernel answers for no address of a Service any more"]);
  expect(await isMissing()).toBe(false);
});

it("says nothing while nothing is announced on layer 2, nor of interfaces that are excluded", () => {
  const { node, said, look } = watched();
  node.lax = ["cali1"];
  look();
  node.lax = ["eth0"];
  node.hasAddresses = false;
  look();
  expect(said).toEqual([]);
  node.hasAddresses = true;
  look();
  expect(said).toHaveLength(1);
});

it("looks no more when it was stopped", () => {
  const { node, said, watch, look } = watched();
  watch.stop();
  node.lax = ["eth0"];
  look();
  expect(said).toEqual([]);
});
