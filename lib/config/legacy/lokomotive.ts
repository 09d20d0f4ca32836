/** Lokomotive's component `metallb`: pools that are announced over BGP, and where the Pods run. Its peers came from annotations of nodes. */
import { dropEmpty, plainOf, type Values } from "./chart-values";
import { convertConfigMap, type ConvertOptions } from "./config-map";
import { Fields } from "./fields";
import { listNode, mapNode, scalarNode } from "./make-node";
import { entryOf, type LegacyNode } from "./node";
import { LegacyReport } from "./report";
import type { Conversion } from "./resources";

/** The body of `component "metallb"`; undefined when the file has none. */
export function findComponent(root: LegacyNode): LegacyNode | undefined {
  const components = entryOf(root, "component");
  if (components?.type !== "list") return undefined;
  return components.items.map(item => entryOf(item, "metallb")).find(body => body !== undefined);
}

/** Converts the body of the component. */
export function convertLokomotive(body: LegacyNode, options: ConvertOptions): Conversion {
  const report = new LegacyReport(options.source);
  const fields = Fields.of(body, "", report);
  if (fields === undefined) return { resources: [], problems: report.problems };
  const pools = fields.map("address_pools");
  if (pools === undefined) fields.missing("address_pools", "Write a map of names to CIDRs.");
  const entries = pools?.entries() ?? [];
  const nodes = entries.map(({ key, at, value }) =>
    mapNode({ name: scalarNode(key, at), protocol: scalarNode("bgp", at), addresses: value }, at),
  );
  const values = readValues(fields);
  fields.done();
  report.inform({
    rule: "H-F8",
    path: "address_pools",
    at: fields.placeOf("address_pools"),
    reason:
      "are announced over BGP, and Lokomotive's own build made the peers of annotations of the nodes",
    wayOut: "Write a BGPPeer for each router; docs/migration/lokomotive.md shows how.",
  });
  const configMap = mapNode({ "address-pools": listNode(nodes, fields.at) }, fields.at);
  const before = [...(options.before ?? []), ...report.problems];
  const names = entries.map(({ key }) => key);
  const rename = (path: string): string => toOption(path, names);
  return { ...convertConfigMap(configMap, { ...options, before, rename }), values };
}

function toOption(path: string, names: readonly string[]): string {
  const [, index, item = ""] =
    /^address-pools\[(\d+)\](?:\.addresses(\[\d+\])?|\.name)?$/.exec(path) ?? [];
  return index === undefined ? path : `address_pools.${names[Number(index)] ?? ""}${item}`;
}

function readValues(fields: Fields): Values {
  const controller = fields.node("controller_node_selectors");
  const speaker = fields.node("speaker_node_selectors");
  const monitor = fields.boolean("service_monitor");
  return dropEmpty({
    controller: {
      nodeSelector: plainOf(controller),
      // Lokomotive added it to whatever was written.
      tolerations: [
        ...tolerationsOf(fields, "controller_toleration"),
        { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
      ],
    },
    speaker: {
      nodeSelector: plainOf(speaker),
      tolerateMaster: false,
      tolerations: tolerationsOf(fields, "speaker_toleration"),
    },
    prometheus: {
      serviceMonitor: { enabled: monitor },
      // Lokomotive's Prometheus reads every namespace by its own roles.
      rbacPrometheus: monitor === true ? false : undefined,
    },
  });
}

function tolerationsOf(fields: Fields, key: string): readonly Values[] {
  return fields.maps(key).map(block => {
    const read = {
      key: block.text("key"),
      operator: block.text("operator"),
      value: block.text("value"),
      effect: block.text("effect"),
      tolerationSeconds: block.number("toleration_seconds", 0, Number.MAX_SAFE_INTEGER),
    };
    block.done();
    return dropEmpty(read);
  });
}
