import { describe, expect, it } from "vitest";
import { qualified } from "../../../../scripts/image/archive";
import { billOfMaterials } from "../../../../scripts/image/bill-of-materials";
import { parseLdd } from "../../../../scripts/image/libraries";
import { packageFolder } from "../../../../scripts/image/packages";
import { imageReference } from "../../../../scripts/image/reference";

describe("the packages of the image", () => {
  it.each([
    ["node_modules/express/lib/express.js", "node_modules/express"],
    ["node_modules/@scope/name/index.js", "node_modules/@scope/name"],
    ["node_modules/a/node_modules/b/x.js", "node_modules/a/node_modules/b"],
    ["../elsewhere/node_modules/a/node_modules/@s/b/x.js", "node_modules/a/node_modules/@s/b"],
    ["dist/speaker.js", undefined],
  ])("finds the package of %s", (path, folder) => {
    expect(packageFolder(path)).toBe(folder);
  });

  it("names each in the bill of materials, twice when it is there twice", () => {
    const at = (folder: string) => ({ name: "@s/b", version: "1.0.0", license: "MIT", folder });
    const subject = { name: "herald", version: "0.1.0", nodeVersion: "20.20.2" };
    const bill = billOfMaterials(subject, [
      at("node_modules/@s/b"),
      at("node_modules/a/node_modules/@s/b"),
    ]) as { components: { purl: string; "bom-ref": string }[] };
    expect(bill.components.map(({ purl }) => purl)).toEqual([
      "pkg:generic/node@20.20.2",
      "pkg:npm/%40s/b@1.0.0",
      "pkg:npm/%40s/b@1.0.0",
    ]);
    expect(new Set(bill.components.map(each => each["bom-ref"])).size).toBe(3);
  });
});

describe("the libraries of a program", () => {
  it("are the loader and what was found, not the kernel's own", () => {
    const printed = [
      "\tlinux-vdso.so.1 (0x00007f675af30000)",
      "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f675aa17000)",
      "\tlibgone.so => not found",
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f675af32000)",
    ].join("\n");
    expect(parseLdd(printed)).toEqual([
      "/lib/x86_64-linux-gnu/libc.so.6",
      "/lib64/ld-linux-x86-64.so.2",
    ]);
  });
});

describe("the name of the image", () => {
  it.each([
    ["herald:0.1.0", "docker.io/library/herald:0.1.0"],
    ["team/herald:1", "docker.io/team/herald:1"],
    ["registry.example:5000/herald:1", "registry.example:5000/herald:1"],
    ["localhost/herald:1", "localhost/herald:1"],
  ])("%s is completed as a container runtime does", (reference, full) => {
    expect(qualified(reference)).toBe(full);
  });

  it("is the one that was asked for, else this version's", () => {
    expect(imageReference({ HERALD_IMAGE: "registry.example/herald:1" })).toBe(
      "registry.example/herald:1",
    );
    expect(imageReference({})).toMatch(/^herald:\d+\.\d+\.\d+$/);
  });
});
