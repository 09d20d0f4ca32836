/** What installation formats say about Pods, as values of charts/herald; and the two values of old charts that held a configuration. */
import { convertConfigMap, type ConvertOptions } from "./config-map";
import { isNothing, textAt, toPlain, entryOf, type LegacyNode } from "./node";
import { LegacyReport } from "./report";
import type { Conversion } from "./resources";

export type Values = Readonly<Record<string, unknown>>;

/** Without fields that are undefined and maps that are empty; undefined when nothing is left. */
export function dropEmpty(values: Values): Values {
  const kept = Object.entries(values).flatMap(([key, value]) => {
    const small = isMap(value) ? dropEmpty(value) : value;
    const isEmpty = small === undefined || (isMap(small) && Object.keys(small).length === 0);
    return isEmpty ? [] : [[key, small] as const];
  });
  return Object.fromEntries(kept);
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Tolerations and selectors pass unread: Kubernetes checks them. */
export function plainOf(node: LegacyNode | undefined): unknown {
  return node === undefined || isNothing(node) ? undefined : toPlain(node);
}

/** Values of the charts of 0.10 to 0.12: `configInline` is converted, `existingConfigMap` is named. */
export function convertChartValues(root: LegacyNode, options: ConvertOptions): Conversion {
  const inline = entryOf(root, "configInline");
  const existing = textAt(root, "existingConfigMap");
  const notice = new LegacyReport(options.source);
  if (existing !== undefined && existing !== "") {
    notice.warn({
      rule: "H-F6",
      path: "existingConfigMap",
      at: entryOf(root, "existingConfigMap")?.at,
      value: existing,
      reason: "names a ConfigMap of the cluster, which is not in this file",
      wayOut: `Convert it too: kubectl get configmap ${existing} -o yaml | kubectl herald convert -f -`,
    });
  }
  const before = [...(options.before ?? []), ...notice.problems];
  if (inline === undefined || isNothing(inline)) return { resources: [], problems: before };
  const rename = (path: string): string => (path === "" ? "configInline" : `configInline.${path}`);
  return convertConfigMap(inline, { ...options, before, rename });
}
