import { expect, it } from "vitest";
import { UplinkJudge } from "../../../../lib/liveness/uplink";

function judgeAfter(replies: number): UplinkJudge {
  const judge = new UplinkJudge();
  for (let reply = 0; reply < replies; reply += 1) {
    judge.noteSent();
    judge.noteReply(reply * 500);
  }
  return judge;
}

it("a gateway that never answered proves nothing", () => {
  const judge = judgeAfter(2);
  for (let request = 0; request < 10; request += 1) judge.noteSent();
  expect(judge.isReachable(60_000)).toBe(true);
});

it("a gateway is gone after four requests and two seconds without an answer, and back with the first", () => {
  const judge = judgeAfter(3);
  for (let request = 0; request < 3; request += 1) judge.noteSent();
  expect(judge.isReachable(9_000)).toBe(true);
  judge.noteSent();
  expect(judge.isReachable(2_999)).toBe(true);
  expect(judge.isReachable(3_000)).toBe(false);
  judge.noteReply(3_001);
  expect(judge.isReachable(3_001)).toBe(true);
});
