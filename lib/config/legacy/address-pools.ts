/** AddressPool objects of 0.13 (v1alpha1, v1beta1): an IPAddressPool of the same name, and its advertisements. */
import { concludeConversion, type ConvertOptions } from "./config-map";
import { Fields } from "./fields";
import { textAt, type LegacyNode } from "./node";
import { LegacyReport } from "./report";
import { makeResource, type ConvertedResource, type Conversion } from "./resources";

const DEFAULT_LENGTHS = { aggregationLength: 32, aggregationLengthV6: 128 };

/** Converts objects of one namespace. Every one is converted or nothing is. */
export function convertAddressPools(
  objects: readonly LegacyNode[],
  options: ConvertOptions,
): Conversion {
  const report = new LegacyReport(options.source);
  const resources = objects.flatMap(object =>
    convertOne(object, { report, namespace: options.namespace }),
  );
  return concludeConversion(resources, report, options.before);
}

interface Context {
  readonly report: LegacyReport;
  readonly namespace: string;
}

function convertOne(object: LegacyNode, context: Context): readonly ConvertedResource[] {
  const { report, namespace } = context;
  const name = textAt(object, "metadata", "name") ?? "";
  const spec = Fields.of(object, "", report)?.map("spec");
  if (spec === undefined) return [];
  const from = { path: `${name}.spec`, at: spec.at };
  const protocol = readProtocol(spec);
  const pool = makeResource(
    "IPAddressPool",
    { name, namespace, from },
    {
      addresses: spec.texts("addresses")?.map(({ value }) => value) ?? [],
      autoAssign: spec.boolean("autoAssign"),
    },
  );
  const advertisements = spec.maps("bgpAdvertisements").map(readAdvertisement);
  spec.done();
  const isBgp = protocol === "bgp";
  const specs =
    isBgp && advertisements.length > 0 ? advertisements : [isBgp ? DEFAULT_LENGTHS : {}];
  const kind = isBgp ? "BGPAdvertisement" : "L2Advertisement";
  const made = specs.map((one, index) =>
    // By the pool's name: AddressPools come and go one by one, so numbers would move.
    makeResource(
      kind,
      { name: index === 0 ? name : `${name}-${index + 1}`, namespace, from },
      { ...one, ipAddressPools: [name] },
    ),
  );
  return [pool, ...made];
}

function readProtocol(spec: Fields): string | undefined {
  const protocol = spec.text("protocol");
  if (protocol === "layer2" || protocol === "bgp") return protocol;
  const wayOut = "Write layer2 or bgp.";
  if (protocol === undefined) spec.missing("protocol", wayOut);
  else {
    const [path, at] = [spec.pathOf("protocol"), spec.placeOf("protocol")];
    const reason = "is no protocol";
    spec.report.refuse({ rule: "H-F3", path, at, value: protocol, reason, wayOut });
  }
  return protocol;
}

function readAdvertisement(fields: Fields): Readonly<Record<string, unknown>> {
  const read = {
    aggregationLength: fields.number("aggregationLength", 0, 32),
    aggregationLengthV6: fields.number("aggregationLengthV6", 0, 128),
    localPref: fields.number("localPref", 0, 0xffff_ffff),
    communities: fields.texts("communities")?.map(({ value }) => value),
  };
  fields.done();
  const given = Object.entries(read).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LENGTHS, ...Object.fromEntries(given) };
}
