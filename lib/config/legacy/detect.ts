/** Which of the old formats a document is in. */
import { entryOf, isNothing, textAt, type LegacyNode } from "./node";

/**
 * `config`: what stands under the key `config` of a ConfigMap; `config-map`: the ConfigMap itself; `flat-config-map`: one whose
 * indentation is lost; `address-pool`: an object of 0.13; `kubespray`: variables; `values`: of an old chart; `other`: nothing of ours.
 */
export type LegacyFormat =
  | "config"
  | "config-map"
  | "flat-config-map"
  | "address-pool"
  | "kubespray"
  | "values"
  | "other";

const CONFIG_KEYS = ["address-pools", "peers", "bgp-communities", "bfd-profiles"];

export function detectFormat(root: LegacyNode): LegacyFormat {
  if (root.type !== "map") return "other";
  const kind = textAt(root, "kind");
  if (kind === "AddressPool") return "address-pool";
  if (kind === "ConfigMap") return detectConfigMap(root);
  if (kind !== undefined) return "other";
  const keys = root.entries.map(({ key }) => key);
  if (keys.some(key => /^m[ae]tallb_/.test(key))) return "kubespray";
  if (keys.some(key => CONFIG_KEYS.includes(key))) return "config";
  return keys.includes("configInline") || keys.includes("existingConfigMap") ? "values" : "other";
}

function detectConfigMap(root: LegacyNode): LegacyFormat {
  if (textAt(root, "data", "config") !== undefined) return "config-map";
  const isFlat = entryOf(root, "config") !== undefined && isNothing(entryOf(root, "data"));
  return isFlat ? "flat-config-map" : "other";
}
