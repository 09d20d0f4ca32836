/** Random histories against the oracle: no address twice, none lost, a held address stays, and order does not matter. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import type { Pool } from "../../../../lib/config/configuration";
import {
  checkHistory,
  history,
  ipsOf,
  pools,
  shape,
  toService,
} from "../../../sim/allocation-history";
import { TestCluster } from "../../../support/services";
import { maySit } from "./oracle";

test.prop([history], { numRuns: 300 })("no address twice, none lost, a held one stays", given => {
  checkHistory(given);
});

test.prop([pools, fc.array(shape, { maxLength: 12 }), fc.nat()], { numRuns: 200 })(
  "the order in which pools are listed and Services are read does not matter",
  (loaded, shapes, turn) => {
    const views = [
      ...new Map(shapes.map(given => [toService(given).key, toService(given)])).values(),
    ];
    const turned = (list: readonly Pool[]): Pool[] => {
      const at = list.length === 0 ? 0 : turn % list.length;
      return [...list.slice(at), ...list.slice(0, at)];
    };
    const results = [loaded, turned(loaded)].map((order, index) => {
      const cluster = new TestCluster(order);
      const read = index === 0 ? views : views.toReversed();
      for (const view of read) cluster.services.set(view.key, view);
      cluster.pass();
      return new Map(views.map(view => [view.key, ipsOf(cluster.services.get(view.key))]));
    });
    expect(results[1]).toEqual(results[0]);
  },
);

test.prop([shape, shape])("sharing is symmetric", (one, other) => {
  expect(maySit(toService(one), toService(other))).toBe(maySit(toService(other), toService(one)));
});
