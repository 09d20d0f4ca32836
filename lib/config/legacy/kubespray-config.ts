/** kubespray's variables of today: `metallb_config` with pools, layer2, layer3. What its templates get wrong is said, and done right. */
import { dropEmpty, plainOf, type Values } from "./chart-values";
import { concludeConversion, type ConvertOptions } from "./config-map";
import { formatSeconds, readSeconds } from "./durations";
import { Fields } from "./fields";
import { ObjectNames, type ObjectName } from "./names";
import { LegacyReport } from "./report";
import {
  isRefused,
  makePasswordSecret,
  makeResource,
  type ConvertedResource,
  type Conversion,
  type Source,
} from "./resources";

const MAX_ASN = 0xffff_ffff;

/** kubespray always makes them beside `layer3`. */
const WELL_KNOWN = [
  { name: "no-export", value: "65535:65281" },
  { name: "no-advertise", value: "65535:65282" },
  { name: "local-as", value: "65535:65283" },
  { name: "nopeer", value: "65535:65284" },
];

/** Longer prefixes are not aggregated: the template compares with 30. */
const MAX_AGGREGATED = 30;

interface Context {
  readonly report: LegacyReport;
  readonly namespace: string;
  /** From kubespray's names of pools to those of objects. */
  readonly pools: Map<string, string>;
  /** Whether a peer gets nothing but the pools that are written under it. */
  readonly isLimited: boolean;
}

/**
 * kubespray's template lets every peer have every pool. Where that cannot be (the same pool with two local preferences), each peer gets
 * what is written under it, which is what people mean.
 */
export function convertKubesprayConfig(vars: Fields, options: ConvertOptions): Conversion {
  const asRendered = convertAs(vars, options, false);
  if (!isRefused(asRendered.problems)) return asRendered;
  const asMeant = convertAs(vars, options, true);
  return isRefused(asMeant.problems) ? asRendered : asMeant;
}

function convertAs(vars: Fields, options: ConvertOptions, isLimited: boolean): Conversion {
  const report = new LegacyReport(options.source);
  const node = vars.node("metallb_config");
  const config = node && Fields.of(node, "metallb_config", report);
  if (config === undefined) return { resources: [], problems: report.problems };
  const pools = new Map<string, string>();
  const context = { report, namespace: options.namespace, pools, isLimited };
  const resources = [
    ...convertPools(config, context),
    ...convertLayer2(config, context),
    ...convertLayer3(config.map("layer3"), context),
  ];
  const values = dropEmpty({
    controller: readPods(config.map("controller")),
    speaker: readPods(config.map("speaker")),
  });
  config.done();
  return { ...concludeConversion(resources, report, options.before), values };
}

function readPods(fields: Fields | undefined): Values {
  if (fields === undefined) return {};
  const [nodeSelector, tolerations] = ["nodeselector", "tolerations"].map(key => fields.node(key));
  fields.done();
  return { nodeSelector: plainOf(nodeSelector), tolerations: plainOf(tolerations) };
}

function convertPools(config: Fields, context: Context): readonly ConvertedResource[] {
  const { report, namespace } = context;
  const entries = config.map("address_pools")?.entries() ?? [];
  const names = new ObjectNames(
    "pool",
    entries.map(({ key }) => key),
  );
  return entries.flatMap(({ key, at, value }) => {
    const path = `metallb_config.address_pools.${key}`;
    const fields = Fields.of(value, path, report);
    const given = names.give(key, { report, path, at });
    if (fields === undefined || given === undefined) return [];
    context.pools.set(key, given.name);
    const addresses = fields.texts("ip_range")?.map(text => text.value);
    if (addresses === undefined) fields.missing("ip_range", "List at least one range.");
    const spec = {
      addresses,
      autoAssign: fields.boolean("auto_assign"),
      avoidBuggyIPs: fields.boolean("avoid_buggy_ips") === true ? true : undefined,
    };
    fields.done();
    return [makeResource("IPAddressPool", { ...given, namespace, from: { path, at } }, spec)];
  });
}

function convertLayer2(config: Fields, context: Context): readonly ConvertedResource[] {
  return (config.texts("layer2") ?? []).flatMap(({ value, path, at }) => {
    const name = poolNamed(value, { path, at }, context);
    if (name === undefined) return [];
    const identity = { name, namespace: context.namespace, from: { path, at } };
    return [makeResource("L2Advertisement", identity, { ipAddressPools: [name] })];
  });
}

function poolNamed(pool: string, from: Source, { pools, report }: Context): string | undefined {
  const name = pools.get(pool);
  if (name === undefined) {
    report.refuse({
      ...from,
      rule: "H-F4",
      value: pool,
      reason: "is no pool of address_pools",
      wayOut: "Add it there, or remove it here.",
    });
  }
  return name;
}

function convertLayer3(layer3: Fields | undefined, context: Context): readonly ConvertedResource[] {
  if (layer3 === undefined) return [];
  const defaults = layer3.map("defaults");
  const communities = convertCommunities(layer3.map("communities"), layer3, context);
  const peers = layer3.map("metallb_peers")?.entries() ?? [];
  const names = new ObjectNames(
    "peer",
    peers.map(({ key }) => key),
  );
  const resources = peers.flatMap(({ key, at, value }) => {
    const path = `${layer3.path}.metallb_peers.${key}`;
    const fields = Fields.of(value, path, context.report);
    const given = names.give(key, { report: context.report, path, at });
    if (fields === undefined || given === undefined) return [];
    const made = [
      ...convertPeer(fields, given, { context, defaults }),
      ...convertAdvertisements(fields, given, { context, hasOthers: peers.length > 1 }),
    ];
    fields.done();
    return made;
  });
  defaults?.done();
  layer3.done();
  return [...communities, ...resources];
}

/** One Community object for each alias, as kubespray has it; an alias need not be the name of an object. */
function convertCommunities(
  aliases: Fields | undefined,
  layer3: Fields,
  { report, namespace }: Context,
): readonly ConvertedResource[] {
  const entries = aliases?.entries() ?? [];
  const names = new ObjectNames(
    "Community object",
    entries.map(({ key }) => key),
  );
  const own = entries.flatMap(({ key, at }) => {
    const path = `${aliases?.path ?? ""}.${key}`;
    const given = names.give(key, { report, path, at });
    if (given === undefined) return [];
    const { name, comments } = given;
    const communities = [{ name: key, value: aliases?.text(key) ?? "" }];
    const identity = { name, namespace, comments, from: { path, at } };
    return [makeResource("Community", identity, { communities })];
  });
  const written = new Set(entries.map(({ key }) => key));
  const communities = WELL_KNOWN.filter(({ name }) => !written.has(name));
  const identity = { name: "well-known", namespace, from: { path: layer3.path, at: layer3.at } };
  return [...own, makeResource("Community", identity, { communities })];
}

function convertPeer(
  fields: Fields,
  { name, comments }: ObjectName,
  { context, defaults }: { readonly context: Context; readonly defaults: Fields | undefined },
): readonly ConvertedResource[] {
  const from = { path: fields.path, at: fields.at };
  const { namespace } = context;
  const password = fields.text("password");
  for (const key of ["peer_address", "peer_asn", "my_asn"]) {
    if (!fields.has(key)) fields.missing(key, "kubespray asks for it too.");
  }
  noteSourceAddress(fields);
  const secretName = `${name}-password`;
  const peer = makeResource(
    "BGPPeer",
    { name, namespace, comments, from },
    {
      myASN: fields.number("my_asn", 0, MAX_ASN),
      peerASN: fields.number("peer_asn", 0, MAX_ASN),
      peerAddress: fields.address("peer_address"),
      ...readSession(fields, defaults),
      routerID: fields.address("router_id"),
      passwordSecret: password ? { name: secretName } : undefined,
      ebgpMultiHop: fields.boolean("multihop") === true ? true : undefined,
    },
  );
  if (!password) return [peer];
  return [makePasswordSecret({ name: secretName, namespace, from }, password), peer];
}

/** What `layer3.defaults` may say for all peers. */
function readSession(
  fields: Fields,
  defaults: Fields | undefined,
): { readonly peerPort: number | undefined; readonly holdTime: string | undefined } {
  const hold = readSeconds(fields, "hold_time") ?? (defaults && readSeconds(defaults, "hold_time"));
  const port = fields.number("peer_port", 1, 65_535) ?? defaults?.number("peer_port", 1, 65_535);
  return {
    peerPort: port === 179 ? undefined : port,
    holdTime: hold === undefined ? undefined : formatSeconds(hold),
  };
}

function noteSourceAddress(fields: Fields): void {
  const value = fields.address("source_address");
  if (value === undefined) return;
  fields.report.warn({
    rule: "H-F6",
    path: fields.pathOf("source_address"),
    at: fields.placeOf("source_address"),
    value,
    reason: "never reached MetalLB, kubespray's template leaves it out; it is left out here too",
    wayOut: "Set spec.sourceAddress of the BGPPeer when it is wanted.",
  });
}

function convertAdvertisements(
  fields: Fields,
  { name }: ObjectName,
  { context, hasOthers }: { readonly context: Context; readonly hasOthers: boolean },
): readonly ConvertedResource[] {
  const pools = (fields.texts("address_pool") ?? []).flatMap(
    ({ value, path, at }) => poolNamed(value, { path, at }, context) ?? [],
  );
  const communities = fields.texts("communities")?.map(({ value }) => value);
  const length = fields.number("aggregation_length", 1, 32) ?? 32;
  const localPref = fields.number("localpref", 0, MAX_ASN) ?? 100;
  if (pools.length === 0) return [];
  const { namespace } = context;
  const from = { path: fields.path, at: fields.at };
  const isAggregated = length <= MAX_AGGREGATED;
  const comments = hasOthers ? [notePeers(fields, name, context.isLimited)] : [];
  const peers = context.isLimited ? [name] : undefined;
  const external = makeResource(
    "BGPAdvertisement",
    { name: `${name}-external`, namespace, from, comments },
    {
      aggregationLength: isAggregated ? length : undefined,
      communities,
      ipAddressPools: pools,
      peers,
    },
  );
  if (!isAggregated) return [external];
  const local = makeResource(
    "BGPAdvertisement",
    { name: `${name}-local`, namespace, from },
    {
      aggregationLength: 32,
      aggregationLengthV6: 128,
      localPref,
      communities: ["no-advertise"],
      ipAddressPools: pools,
      peers,
    },
  );
  return [external, local];
}

/** kubespray's template names no peers in the advertisement, so that is what clusters do. */
function notePeers(fields: Fields, name: string, isLimited: boolean): string {
  const reason = isLimited
    ? "are announced to this peer alone; to every peer, as kubespray has it, they cannot be"
    : "are announced to every peer, as kubespray has it, not only to this one";
  const wayOut = isLimited
    ? "Compare the BGPAdvertisements with what you want."
    : `Add peers: [${name}] to the BGPAdvertisement when only this one is meant.`;
  const [path, at] = [fields.pathOf("address_pool"), fields.placeOf("address_pool")];
  const finding = { rule: "H-F6", path, at, reason, wayOut } as const;
  if (isLimited) fields.report.warn(finding);
  else fields.report.inform(finding);
  return `These pools ${reason}. ${wayOut}`;
}
