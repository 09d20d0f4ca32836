/** `peers[]` of the ConfigMaps: a BGPPeer each, and a Secret for its password. */
import { formatSeconds, readSeconds } from "./durations";
import type { Fields } from "./fields";
import { isNothing, type LegacyNode } from "./node";
import { makePasswordSecret, makeResource, type ConvertedResource } from "./resources";

const MAX_ASN = 0xffff_ffff;
const MAX_PORT = 65_535;
const DEFAULT_PORT = 179;
const MIN_HOLD_SECONDS = 3n;
const MAX_HOLD_SECONDS = 65_535n;

/** What a BGPPeer said nothing about before 0.13: 90 s, whatever the default of today's backend is. */
const DEFAULT_HOLD_SECONDS = 90n;

export interface PeerContext {
  readonly namespace: string;
  /** From a name of the ConfigMap to the name of the BFDProfile. */
  readonly profiles: ReadonlyMap<string, string>;
}

/** The objects of one peer; `name` is its own. */
export function convertPeer(
  fields: Fields,
  name: string,
  { namespace, profiles }: PeerContext,
): readonly ConvertedResource[] {
  const from = { path: fields.path, at: fields.at };
  const password = fields.text("password");
  const secretName = `${name}-password`;
  const identity = { namespace, from };
  const [holdTime, keepaliveTime] = readTimers(fields);
  const port = fields.number("peer-port", 1, MAX_PORT);
  const peer = makeResource(
    "BGPPeer",
    { name, ...identity, ...(password && { comments: [PASSWORD_COMMENT] }) },
    {
      myASN: readAsn(fields, "my-asn"),
      peerASN: readAsn(fields, "peer-asn"),
      peerAddress: readPeerAddress(fields),
      peerPort: port === DEFAULT_PORT ? undefined : port,
      sourceAddress: fields.address("source-address"),
      routerID: fields.address("router-id"),
      holdTime,
      keepaliveTime,
      nodeSelectors: readNodeSelectors(fields),
      passwordSecret: password ? { name: secretName } : undefined,
      bfdProfile: readProfile(fields, profiles),
      ebgpMultiHop: readMultihop(fields),
    },
  );
  fields.done();
  if (!password) return [peer];
  return [makePasswordSecret({ name: secretName, ...identity }, password), peer];
}

const PASSWORD_COMMENT = "The password was in the clear; it is in a Secret now.";

function readAsn(fields: Fields, key: string): number | undefined {
  if (!fields.has(key)) fields.missing(key, "Write the number of the autonomous system.");
  return fields.number(key, 0, MAX_ASN);
}

function readPeerAddress(fields: Fields): string | undefined {
  if (!fields.has("peer-address"))
    fields.missing("peer-address", "Write the address of the router.");
  return fields.address("peer-address");
}

function readTimers(fields: Fields): readonly [string, string | undefined] {
  const hold = readSeconds(fields, "hold-time") ?? DEFAULT_HOLD_SECONDS;
  const keepalive = readSeconds(fields, "keepalive-time");
  if (hold !== 0n && (hold < MIN_HOLD_SECONDS || hold > MAX_HOLD_SECONDS)) {
    fields.report.refuse({
      rule: "H-F3",
      path: fields.pathOf("hold-time"),
      at: fields.placeOf("hold-time"),
      value: fields.text("hold-time") ?? "",
      reason: "is no hold time of BGP",
      wayOut: "Write 0s, or 3s to 65535s.",
    });
  }
  if (keepalive !== undefined && keepalive > hold) {
    fields.report.refuse({
      rule: "H-F5",
      path: fields.pathOf("keepalive-time"),
      at: fields.placeOf("keepalive-time"),
      value: fields.text("keepalive-time") ?? "",
      reason: `is longer than the hold time of ${formatSeconds(hold)}`,
      wayOut: "Use at most the hold time; a third of it is usual.",
    });
  }
  return [formatSeconds(hold), keepalive === undefined ? undefined : formatSeconds(keepalive)];
}

function readProfile(fields: Fields, profiles: PeerContext["profiles"]): string | undefined {
  const name = fields.text("bfd-profile");
  if (name === undefined) return undefined;
  const profile = profiles.get(name);
  if (profile === undefined) {
    fields.report.refuse({
      rule: "H-F4",
      path: fields.pathOf("bfd-profile"),
      at: fields.placeOf("bfd-profile"),
      value: name,
      reason: "is no profile of bfd-profiles",
      wayOut: "Add it there, or remove this key.",
    });
  }
  return profile;
}

function readMultihop(fields: Fields): boolean | undefined {
  const isOn = fields.boolean("ebgp-multihop");
  const [mine, other] = [fields.text("my-asn"), fields.text("peer-asn")];
  if (isOn === true && mine !== undefined && mine === other) {
    fields.report.refuse({
      rule: "H-F5",
      path: fields.pathOf("ebgp-multihop"),
      at: fields.placeOf("ebgp-multihop"),
      reason: "is for peers of another autonomous system, and this one is of the own",
      wayOut: "Remove it: sessions inside one autonomous system may cross several hops anyway.",
    });
  }
  return isOn === true ? true : undefined;
}

/** `{}` selects every node, and so does no list at all. */
function readNodeSelectors(fields: Fields): readonly object[] | undefined {
  const selectors = fields.maps("node-selectors").map(readSelector);
  return selectors.length === 0 ? undefined : selectors;
}

function readSelector(fields: Fields): object {
  const labels = fields.map("match-labels")?.entries();
  const expressions = fields.maps("match-expressions").map(expression => {
    const read = {
      key: expression.text("key") ?? "",
      operator: expression.text("operator") ?? "",
      values: expression.texts("values")?.map(({ value }) => value),
    };
    if (!expression.has("key")) expression.missing("key", "Write the name of a label.");
    if (!expression.has("operator"))
      expression.missing("operator", "Write In, NotIn, Exists or DoesNotExist.");
    expression.done();
    return read.values === undefined ? { key: read.key, operator: read.operator } : read;
  });
  fields.done();
  return {
    ...(labels && { matchLabels: Object.fromEntries(labels.map(labelOf)) }),
    ...(expressions.length > 0 && { matchExpressions: expressions }),
  };
}

function labelOf({
  key,
  value,
}: {
  readonly key: string;
  readonly value: LegacyNode;
}): [string, string] {
  return [key, value.type === "scalar" && !isNothing(value) ? value.text : ""];
}
