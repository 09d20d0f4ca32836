/** The component block of Lokomotive's reference. */
import { expect, it } from "vitest";
import { parseHcl } from "../../../../../lib/config/legacy/hcl";
import { convertLokomotive, findComponent } from "../../../../../lib/config/legacy/lokomotive";
import type { Conversion } from "../../../../../lib/config/legacy/resources";
import { NAMESPACE, objectsOf } from "./support";

const COMPONENT = `
# metallb.lokocfg
component "metallb" {
  address_pools = {
    pool1 = ["147.63.8.20/32"]
    pool2 = ["147.85.47.16/29", "147.85.47.24/29"]
  }

  controller_node_selectors = {
    "kubernetes.io/hostname" = "worker3"
  }

  speaker_node_selectors = {
    "ingress_node" = "true"
    "node-role.kubernetes.io/node" = ""
  }

  controller_toleration {
    key      = "nodepool"
    operator = "Equal"
    value    = "ingress"
  }

  speaker_toleration {
    key      = "nodepool"
    operator = "Equal"
    value    = "ingress"
    effect   = "NoExecute"
    toleration_seconds = 60
  }
  speaker_toleration {
    key      = "speakerpool"
    operator = "Exists"
  }

  service_monitor = true
}
`;

function convert(text = COMPONENT): Conversion {
  const root = parseHcl(text);
  if (!root.ok) throw new Error(root.error.reason);
  const body = findComponent(root.value);
  if (body === undefined) throw new Error("no component");
  const source = { kind: "File", namespace: NAMESPACE, name: "metallb.lokocfg" };
  return convertLokomotive(body, { source, namespace: NAMESPACE });
}

it("2.1 pools as a map, each announced over BGP", () => {
  const conversion = convert();
  expect(objectsOf(conversion)).toEqual({
    "IPAddressPool pool1": { addresses: ["147.63.8.20/32"] },
    "IPAddressPool pool2": { addresses: ["147.85.47.16/29", "147.85.47.24/29"] },
    "BGPAdvertisement bgpadvertisement1": { ipAddressPools: ["pool1"] },
    "BGPAdvertisement bgpadvertisement2": { ipAddressPools: ["pool2"] },
  });
  const [notice, ...more] = conversion.problems;
  expect(notice?.message).toContain("annotations of the nodes");
  expect(more).toEqual([]);
});

it("2.2 2.3 2.4 2.5 selectors, tolerations and the monitor as values of the chart", () => {
  expect(convert().values).toEqual({
    controller: {
      nodeSelector: { "kubernetes.io/hostname": "worker3" },
      tolerations: [
        { key: "nodepool", operator: "Equal", value: "ingress" },
        { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
      ],
    },
    speaker: {
      nodeSelector: { ingress_node: "true", "node-role.kubernetes.io/node": "" },
      tolerateMaster: false,
      tolerations: [
        {
          key: "nodepool",
          operator: "Equal",
          value: "ingress",
          effect: "NoExecute",
          tolerationSeconds: 60,
        },
        { key: "speakerpool", operator: "Exists" },
      ],
    },
    prometheus: { serviceMonitor: { enabled: true }, rbacPrometheus: false },
  });
});

it("names options and pools in its messages, with line and column", () => {
  const conversion = convert(
    'component "metallb" {\n  address_pools = { a = ["1.2.3.4/33"] }\n}\n',
  );
  expect(conversion.resources).toEqual([]);
  expect(
    conversion.problems.map(({ severity, field, at }) => [severity, field, at]),
  ).toContainEqual(["refuse", "address_pools.a[0]", { line: 2, column: 26 }]);
  const unknown = convert('component "metallb" {\n address_pools = {}\n speaker_selector = {}\n}');
  expect(unknown.problems.map(({ field }) => field)).toContain("speaker_selector");
});

it.each([
  ['component "metallb" {\n  a = var.x\n}', 2, 7, "expression"],
  ['a = "${var.x}"', 1, 5, "expression"],
  ["a = [1, 2", 1, 10, "ends"],
  ["a = {", 1, 6, "ends"],
  ["a = @", 1, 5, "not expected"],
  [`a = ${"[".repeat(100)}`, 1, 55, "deep"],
])("says where %j cannot be read", (text, line, column, reason) => {
  const read = parseHcl(text);
  expect(read).toMatchObject({ ok: false, error: { line, column } });
  expect(read.ok ? "" : read.error.reason).toContain(reason);
});
