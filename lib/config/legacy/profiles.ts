/** `bfd-profiles[]` and `bgp-communities`: one BFDProfile each, and one Community object for all aliases. */
import { compareText } from "../problem";
import { parseCommunity } from "../community";
import type { Fields } from "./fields";
import { ObjectNames } from "./names";
import { makeResource, type ConvertedResource } from "./resources";

export interface ConvertedProfiles {
  readonly resources: readonly ConvertedResource[];
  /** From the name in the ConfigMap to the name of the object. */
  readonly names: ReadonlyMap<string, string>;
}

export function convertProfiles(list: readonly Fields[], namespace: string): ConvertedProfiles {
  const objectNames = new ObjectNames(
    "BFD profile",
    list.map(fields => fields.text("name") ?? ""),
  );
  const names = new Map<string, string>();
  const resources = list.flatMap(fields => {
    const legacyName = fields.text("name");
    if (legacyName === undefined) {
      fields.missing("name", "Give the profile a name.");
      return [];
    }
    const at = fields.placeOf("name");
    const where = { report: fields.report, path: fields.pathOf("name"), at };
    if (names.has(legacyName)) {
      const reason = "is the name of two profiles";
      const wayOut = "Give one of them another name.";
      fields.report.refuse({ ...where, rule: "H-F5", value: legacyName, reason, wayOut });
    }
    const given = objectNames.give(legacyName, where);
    if (given === undefined) return [];
    names.set(legacyName, given.name);
    const { name, comments } = given;
    const from = { path: fields.path, at: fields.at };
    return [makeResource("BFDProfile", { name, namespace, comments, from }, readSpec(fields))];
  });
  return { resources, names };
}

function readSpec(fields: Fields): Readonly<Record<string, unknown>> {
  const spec = {
    receiveInterval: fields.number("receive-interval", 10, 60_000),
    transmitInterval: fields.number("transmit-interval", 10, 60_000),
    echoInterval: fields.number("echo-interval", 10, 60_000),
    detectMultiplier: fields.number("detect-multiplier", 2, 255),
    minimumTtl: fields.number("minimum-ttl", 1, 254),
    echoMode: fields.boolean("echo-mode"),
    passiveMode: fields.boolean("passive-mode"),
  };
  fields.done();
  return spec;
}

export interface ConvertedCommunities {
  readonly resources: readonly ConvertedResource[];
  readonly aliases: ReadonlySet<string>;
}

/** Both may be given: `bgp-communities`, and `communities` of 0.1 and 0.2. */
export function convertCommunities(top: Fields, namespace: string): ConvertedCommunities {
  const tables = ["bgp-communities", "communities"].flatMap(key => top.map(key) ?? []);
  const read = tables.flatMap(fields =>
    fields.entries().map(({ key, at }) => {
      const value = fields.text(key) ?? "";
      if (!parseCommunity(value).ok) {
        fields.report.refuse({
          rule: "H-F3",
          path: fields.pathOf(key),
          at,
          value,
          reason: "is no BGP community",
          wayOut: "Write for example 64512:1 (each part up to 65535).",
        });
      }
      return { name: key, value };
    }),
  );
  const [first] = tables;
  const aliases = new Set(read.map(({ name }) => name));
  if (first === undefined || read.length === 0) return { resources: [], aliases };
  const communities = read.sort((left, right) => compareText(left.name, right.name));
  const from = { path: first.path, at: first.at };
  const identity = { name: "communities", namespace, from };
  return { resources: [makeResource("Community", identity, { communities })], aliases };
}
