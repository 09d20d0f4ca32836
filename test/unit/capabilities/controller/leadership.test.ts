import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import {
  formatIdentity,
  isSurelyDead,
  ownIdentity,
  type ProcessIdentity,
} from "../../../../capabilities/controller/leadership";

const own = ownIdentity();

it("a running process is not dead: not we ourselves, not another one", () => {
  expect(isSurelyDead(formatIdentity(own), own)).toBe(false);
  expect(own.startTicks).toMatch(/^[0-9]+$/);
});

it("a number that another process has now belongs to a dead one", () => {
  expect(isSurelyDead(formatIdentity({ ...own, startTicks: "1" }), own)).toBe(true);
});

it("a process that has ended is dead", async () => {
  const child = spawn("sleep", ["0.01"]);
  await once(child, "exit");
  expect(isSurelyDead(formatIdentity({ ...own, pid: child.pid ?? 0 }), own)).toBe(true);
});

it.each<[string, Partial<ProcessIdentity>]>([
  ["another host", { host: "elsewhere" }],
  ["another boot", { boot: "00000000" }],
  ["another process namespace", { pidNamespace: "1" }],
])("of %s nothing is certain", (_, difference) => {
  const holder = formatIdentity({ ...own, startTicks: "1", ...difference });
  expect(isSurelyDead(holder, own)).toBe(false);
});

it("nothing is certain where /proc tells nothing, or of a holder of another kind", () => {
  const blind = { ...own, boot: "unknown" };
  expect(isSurelyDead(formatIdentity({ ...blind, startTicks: "1" }), blind)).toBe(false);
  for (const holder of ["", "controller-abc", `${own.host}_${own.boot}_${own.pidNamespace}_x_y`]) {
    expect(isSurelyDead(holder, own)).toBe(false);
  }
});
