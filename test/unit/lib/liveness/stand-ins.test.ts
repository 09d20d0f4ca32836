import { expect, it } from "vitest";
import { StandIns } from "../../../../lib/liveness/stand-ins";

it("names each peer once, for as long as it is stood in for anywhere", () => {
  const standIns = new StandIns();
  standIns.begin("192.0.2.10", "node-b");
  standIns.begin("192.0.2.11", "node-b");
  standIns.begin("192.0.2.12", "node-c");
  expect([...standIns.peers()]).toEqual(["node-b", "node-c"]);
  expect(standIns.peerOf("192.0.2.11")).toBe("node-b");
  expect(standIns.end("192.0.2.10")).toBe(true);
  expect([...standIns.peers()]).toEqual(["node-b", "node-c"]);
  expect(standIns.end("192.0.2.11")).toBe(true);
  expect([...standIns.peers()]).toEqual(["node-c"]);
  expect(standIns.end("192.0.2.11")).toBe(false);
  expect(standIns.peerOf("192.0.2.11")).toBeUndefined();
});

it("fades once, 300 ms after it was asked to", () => {
  const standIns = new StandIns();
  expect(standIns.fade("192.0.2.10", 0)).toBeUndefined();
  standIns.begin("192.0.2.10", "node-b");
  expect(standIns.endMs("192.0.2.10")).toBeUndefined();
  expect(standIns.fade("192.0.2.10", 1_000)).toBe(1_300);
  expect(standIns.fade("192.0.2.10", 1_200)).toBe(1_300);
  expect(standIns.endMs("192.0.2.10")).toBe(1_300);
});
