import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import {
  electAnnouncer,
  electionHash,
  rankCandidates,
  type Candidate,
} from "../../../../lib/announcement/election";

const VECTORS = [
  {
    key: "192.0.2.10",
    order: [
      ["node-c", "39f2d7a8f2401847"],
      ["node-b", "6e9fb809c116d8f2"],
      ["node-a", "d4b84135501a6622"],
    ],
  },
  {
    key: "192.0.2.11",
    order: [
      ["node-a", "0b9c2b4ed37c0786"],
      ["node-c", "cceb0431dbc90507"],
      ["node-b", "dd50598fe01de521"],
    ],
  },
  {
    key: "2001:db8::10",
    order: [
      ["node-b", "21d5668f18c03bbe"],
      ["node-a", "5525059d790ad6c9"],
      ["node-c", "d30d3eb7a24270e0"],
    ],
  },
] as const;

const noScore = (nodeName: string): Candidate => ({ nodeName, score: 0 });

describe("electionHash", () => {
  for (const { key, order } of VECTORS) {
    it(`gives the published digests for ${key}`, () => {
      for (const [nodeName, digits] of order) {
        expect(electionHash(nodeName, key).slice(0, 16)).toBe(digits);
      }
    });
  }

  it("hashes names and keys as UTF-8", () => {
    expect(electionHash("knötchen", "192.0.2.1")).toBe(
      createHash("sha256").update(Buffer.from("knötchen#192.0.2.1", "utf8")).digest("hex"),
    );
  });
});

describe("rankCandidates", () => {
  for (const { key, order } of VECTORS) {
    it(`orders the nodes as published for ${key}`, () => {
      const ranked = rankCandidates(["node-a", "node-b", "node-c"].map(noScore), key);
      expect(ranked.map(candidate => candidate.nodeName)).toEqual(order.map(([name]) => name));
    });
  }

  it("puts a higher score before every hash", () => {
    const ranked = rankCandidates(
      [noScore("node-c"), noScore("node-b"), { nodeName: "node-a", score: 1 }],
      "192.0.2.10",
    );
    expect(ranked.map(candidate => candidate.nodeName)).toEqual(["node-a", "node-c", "node-b"]);
  });

  it("gives an empty order for no candidates", () => {
    expect(rankCandidates([], "192.0.2.10")).toEqual([]);
  });
});

describe("electAnnouncer", () => {
  it("is the first of the order", () => {
    expect(electAnnouncer(["node-a", "node-b", "node-c"].map(noScore), "192.0.2.11")).toBe(
      "node-a",
    );
  });

  it("is nobody without candidates", () => {
    expect(electAnnouncer([], "192.0.2.11")).toBeUndefined();
  });
});

const candidates = fc.uniqueArray(
  fc.record({ nodeName: fc.string({ maxLength: 20 }), score: fc.integer({ min: 0, max: 300 }) }),
  { selector: candidate => candidate.nodeName, maxLength: 12 },
);

/** Slow and obvious: repeatedly takes the best by score, then by the 32 octets of the digest. */
function rankSlowly(given: readonly Candidate[], key: string): Candidate[] {
  const digest = (candidate: Candidate): Buffer =>
    createHash("sha256").update(candidate.nodeName).update("#").update(key).digest();
  const rest = [...given];
  const ranked: Candidate[] = [];
  while (rest.length > 0) {
    const highest = Math.max(...rest.map(candidate => candidate.score));
    let best: Candidate | undefined;
    for (const candidate of rest) {
      if (candidate.score !== highest) continue;
      if (!best || Buffer.compare(digest(candidate), digest(best)) < 0) best = candidate;
    }
    ranked.push(best!);
    rest.splice(rest.indexOf(best!), 1);
  }
  return ranked;
}

describe("properties of the election", () => {
  test.prop([candidates, fc.string()])("agrees with the slow oracle", (given, key) => {
    expect(rankCandidates(given, key)).toEqual(rankSlowly(given, key));
  });

  test.prop([candidates, fc.string(), fc.infiniteStream(fc.nat())])(
    "does not depend on the order in which nodes are listed",
    (given, key, numbers) => {
      const shuffled = given
        .map(candidate => ({ candidate, at: numbers.next().value as number }))
        .sort((left, right) => left.at - right.at)
        .map(({ candidate }) => candidate);
      expect(rankCandidates(shuffled, key)).toEqual(rankCandidates(given, key));
    },
  );

  test.prop([candidates, fc.string(), fc.nat()])(
    "removing one node leaves the order of the others alone",
    (given, key, pick) => {
      const removed = given[pick % Math.max(given.length, 1)];
      const remaining = given.filter(candidate => candidate !== removed);
      expect(rankCandidates(remaining, key)).toEqual(
        rankCandidates(given, key).filter(candidate => candidate !== removed),
      );
    },
  );
});
