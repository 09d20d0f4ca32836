/** From texts to conversions: which format each document is in, and what becomes of it. */
import {
  parseLegacyDocuments,
  parseLegacyYaml,
  type LegacyDocument,
} from "../capabilities/cluster/legacy-yaml";
import { convertAddressPools } from "../lib/config/legacy/address-pools";
import { convertChartValues } from "../lib/config/legacy/chart-values";
import { convertConfigMap, type ConvertOptions } from "../lib/config/legacy/config-map";
import { convertConfigText, reportFault, type TextFault } from "../lib/config/legacy/convert-text";
import { detectFormat } from "../lib/config/legacy/detect";
import { parseHcl } from "../lib/config/legacy/hcl";
import { convertKubespray } from "../lib/config/legacy/kubespray";
import { convertLokomotive, findComponent } from "../lib/config/legacy/lokomotive";
import { entryOf, textAt, type LegacyNode } from "../lib/config/legacy/node";
import { LegacyReport } from "../lib/config/legacy/report";
import type { Conversion } from "../lib/config/legacy/resources";
import type { ConvertFormat } from "./convert-options";

export interface ConvertInput {
  /** The path as the user gave it, or `stdin`. */
  readonly file: string;
  readonly text: string;
  readonly from: ConvertFormat;
  readonly namespace: string;
}

/** Every document of the text that is in an old format, converted. Empty when there is none. */
export function convertInput(input: ConvertInput): readonly Conversion[] {
  const options = toOptions(input, "File", input.file);
  if (input.from === "lokomotive" || (input.from === "auto" && looksLikeHcl(input.text))) {
    return [convertHcl(input.text, options)];
  }
  const documents = parseLegacyDocuments(input.text);
  // Text that is no YAML may be the inside of a ConfigMap that lost something on its way.
  if (!documents.ok) return [convertBroken(input, documents.error, options)];
  return documents.value.flatMap(document => convertDocument(document, input, options));
}

function toOptions({ namespace }: ConvertInput, kind: string, name: string): ConvertOptions {
  return { source: { kind, namespace, name }, namespace };
}

function looksLikeHcl(text: string): boolean {
  return /^\s*component\s+"metallb"\s*\{/m.test(text);
}

function convertHcl(text: string, options: ConvertOptions): Conversion {
  const root = parseHcl(text);
  if (!root.ok) return failed(options, root.error);
  const body = findComponent(root.value);
  if (body !== undefined) return convertLokomotive(body, options);
  return failed(options, { line: 1, column: 1, reason: 'there is no component "metallb"' });
}

function failed(options: ConvertOptions, fault: TextFault): Conversion {
  const report = new LegacyReport(options.source, options);
  reportFault(report, fault);
  return { resources: [], problems: report.problems };
}

function convertBroken(
  { text, from }: ConvertInput,
  fault: TextFault,
  options: ConvertOptions,
): Conversion {
  if (from === "auto" || from === "config")
    return convertConfigText(text, parseLegacyYaml, options);
  return failed(options, fault);
}

function convertDocument(
  document: LegacyDocument,
  input: ConvertInput,
  options: ConvertOptions,
): readonly Conversion[] {
  const { root } = document;
  const items = itemsOf(root);
  if (items !== undefined) {
    return items.flatMap(item => convertDocument({ ...document, root: item }, input, options));
  }
  switch (input.from === "auto" ? detectFormat(root) : input.from) {
    case "config":
      return [convertRoot(root, input, options)];
    case "config-map":
      return [convertManifest(document, input)];
    case "flat-config-map":
      return [convertFlat(input, options)];
    case "address-pool":
      return [convertAddressPools([root], options)];
    case "kubespray":
      return [convertKubespray(root, options)];
    case "values":
      return [convertChartValues(root, options)];
    default:
      return [];
  }
}

/** The objects of a list of objects, as `kubectl get -o yaml` prints them. */
function itemsOf(root: LegacyNode): readonly LegacyNode[] | undefined {
  const items = entryOf(root, "items");
  const isList = textAt(root, "kind")?.endsWith("List") === true;
  return isList && items?.type === "list" ? items.items : undefined;
}

/** With its text, so that it can be repaired; of several documents each as it is. */
function convertRoot(
  root: LegacyNode,
  { text }: ConvertInput,
  options: ConvertOptions,
): Conversion {
  const conversion = convertConfigText(text, parseLegacyYaml, options);
  const isOne = parseLegacyYaml(text).ok;
  return isOne ? conversion : convertConfigMap(root, options);
}

function convertManifest({ root, blockStart }: LegacyDocument, input: ConvertInput): Conversion {
  const scalar = entryOf(entryOf(root, "data"), "config");
  const text = textAt(root, "data", "config") ?? "";
  const start = scalar && blockStart(scalar);
  const name = textAt(root, "metadata", "name") ?? input.file;
  return convertConfigText(text, parseLegacyYaml, {
    ...toOptions(input, "ConfigMap", name),
    ...(start && { start }),
  });
}

/** Everything behind `config: |` is the configuration, and whatever its indentation was, it is gone. */
function convertFlat({ text }: ConvertInput, options: ConvertOptions): Conversion {
  const header = /^config: *[|>][-+]?[ \t]*\r?\n/m.exec(text);
  if (header === null) {
    const reason = "the indentation is lost, and where the configuration begins cannot be seen";
    return failed(options, { line: 1, column: 1, reason });
  }
  const end = header.index + header[0].length;
  const start = { line: text.slice(0, end).split("\n").length, column: 1 };
  return convertConfigText(text.slice(end), parseLegacyYaml, { ...options, start });
}
