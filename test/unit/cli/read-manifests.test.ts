import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { ADVERTISEMENT, documents, POOL, read } from "./support";

const refs = (...texts: string[]): string[] =>
  read(...texts).manifests.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`);

describe("reading", () => {
  it("finds our objects in several documents and counts the others", () => {
    const other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";
    const reading = read(documents("# Helm\n", POOL, other, ADVERTISEMENT, "just text\n"));
    expect(reading.manifests.map(({ ref }) => ref.name)).toEqual(["first", "all"]);
    expect(reading.ignored).toBe(2);
    expect(reading.unreadable).toEqual([]);
  });

  it("takes lists of objects apart", () => {
    const item = '{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","metadata":{"name":"r"}}';
    expect(refs(`{"apiVersion":"v1","kind":"List","items":[${item}, 5]}`)).toEqual([
      "BGPPeer metallb-system/r",
    ]);
    expect(refs(`{"kind":"BGPPeerList","items":[${item}]}`)).toEqual(["BGPPeer metallb-system/r"]);
  });

  it("takes kinds of that name in other groups for others, and statuses too", () => {
    const community = "apiVersion: example.org/v1\nkind: Community\nmetadata: {name: x}\n";
    const status = "apiVersion: metallb.io/v1beta1\nkind: ServiceL2Status\nmetadata: {name: x}\n";
    expect(read(documents(community, status))).toMatchObject({ manifests: [], ignored: 2 });
  });

  it("gives objects without a namespace the one of the command, and keeps unnamed ones apart", () => {
    const unnamed =
      "kind: BFDProfile\napiVersion: metallb.io/v1beta1\nmetadata: {generateName: p-}\n";
    expect(refs(documents(unnamed, unnamed))).toEqual([
      "BFDProfile metallb-system/p-(unnamed 1)",
      "BFDProfile metallb-system/p-(unnamed 2)",
    ]);
  });

  it("says where a field stands, counted from the first line of the file", () => {
    const [, second] = read(documents(POOL, POOL)).manifests;
    expect(second!.locate("spec.addresses[0]", "x")).toEqual({
      file: "f1.yaml",
      line: 17,
      column: 7,
    });
  });

  it("names what cannot be read and reads the rest", () => {
    const { manifests, unreadable } = read(documents("a: {{ .Values.a }}\n", POOL), "b: [");
    expect(manifests).toHaveLength(1);
    expect(unreadable).toEqual([
      expect.objectContaining({
        file: "f1.yaml",
        line: 1,
        message: expect.stringContaining("helm template") as string,
      }),
      expect.objectContaining({ file: "f2.yaml", line: 1 }),
    ]);
  });
});

describe("hostile input", () => {
  const bomb = `spec:
  a: &a [x, x, x, x, x, x, x, x, x]
${Array.from("bcdefghij")
  .map((name, at) => `  ${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[at]}`).join(", ")}]`)
  .join("\n")}
`;

  it("is refused when aliases stand for too much", () => {
    const { manifests, unreadable } = read(documents(`${ADVERTISEMENT}${bomb}`, POOL));
    expect(manifests.map(({ ref }) => ref.name)).toEqual(["first"]);
    expect(unreadable).toEqual([
      expect.objectContaining({
        line: 1,
        message: expect.stringContaining("alias count") as string,
      }),
    ]);
  });

  it("is survived when aliases go round in circles or lead nowhere", () => {
    for (const spec of ["&a [*a]", "*nowhere", "&a {b: *a}"]) {
      const { manifests, unreadable } = read(`${ADVERTISEMENT}spec: ${spec}\n`);
      expect(manifests.length + unreadable.length).toBe(1);
    }
  });

  it("does not reach the prototype of anything", () => {
    const { manifests } = read(`${ADVERTISEMENT}__proto__: {polluted: 1}\n`);
    expect(manifests).toHaveLength(1);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.prop([fc.json({ maxDepth: 4 }), fc.json()])(
    "of any shape gives manifests that can be looked at",
    (spec, metadata) => {
      const text = `{"apiVersion":"metallb.io/v1beta1","kind":"IPAddressPool","spec":${spec},"metadata":${metadata}}`;
      for (const manifest of read(text).manifests) {
        expect(manifest.ref.kind).toBe("IPAddressPool");
        expect(manifest.locate("spec.addresses[0]", "").line).toBe(1);
      }
    },
  );
});
