import { describe, expect, it } from "vitest";
import {
  isCountingEndpoint,
  mergeEndpointSummaries,
  NO_ENDPOINTS,
  summariseEndpoints,
} from "../../../../lib/announcement/endpoints";

describe("isCountingEndpoint", () => {
  it.each([
    { isReady: undefined, isServing: undefined, counts: true },
    { isReady: undefined, isServing: false, counts: true },
    { isReady: true, isServing: undefined, counts: true },
    { isReady: true, isServing: false, counts: true },
    { isReady: false, isServing: true, counts: true },
    { isReady: false, isServing: false, counts: false },
    { isReady: false, isServing: undefined, counts: false },
  ])("ready $isReady, serving $isServing: $counts", ({ isReady, isServing, counts }) => {
    expect(isCountingEndpoint({ nodeName: "node-a", isReady, isServing })).toBe(counts);
  });
});

describe("summariseEndpoints", () => {
  it("names each Node once, sorted, and only with a counting endpoint", () => {
    expect(
      summariseEndpoints([
        { nodeName: "node-b", isReady: true, isServing: true },
        { nodeName: "node-a", isReady: undefined, isServing: undefined },
        { nodeName: "node-b", isReady: true, isServing: true },
        { nodeName: "node-c", isReady: false, isServing: false },
      ]),
    ).toEqual({ hasCounting: true, nodeNames: ["node-a", "node-b"], countPerNode: [1, 2] });
  });

  it("leaves the counts out where each Node has one", () => {
    const endpoints = ["node-b", "node-a"].map(nodeName => ({
      nodeName,
      isReady: true,
      isServing: true,
    }));
    expect(summariseEndpoints(endpoints)).toEqual({
      hasCounting: true,
      nodeNames: ["node-a", "node-b"],
    });
  });

  it("counts an endpoint without a Node, but names no Node for it", () => {
    expect(summariseEndpoints([{ nodeName: undefined, isReady: true, isServing: true }])).toEqual({
      hasCounting: true,
      nodeNames: [],
    });
  });
});

describe("mergeEndpointSummaries", () => {
  it("is empty for a Service without slices", () => {
    expect(mergeEndpointSummaries([])).toEqual(NO_ENDPOINTS);
  });

  it("unites the slices of a Service in any order", () => {
    const slices = [
      { hasCounting: true, nodeNames: ["node-c", "node-d"] },
      { hasCounting: false, nodeNames: [] },
      { hasCounting: true, nodeNames: ["node-a", "node-c"] },
    ];
    const merged = {
      hasCounting: true,
      nodeNames: ["node-a", "node-c", "node-d"],
      countPerNode: [1, 2, 1],
    };
    expect(mergeEndpointSummaries(slices)).toEqual(merged);
    expect(mergeEndpointSummaries([...slices].reverse())).toEqual(merged);
  });
});
