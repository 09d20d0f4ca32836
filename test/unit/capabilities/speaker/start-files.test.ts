import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  readExcludeList,
  readHeartbeatSecret,
  StartError,
} from "../../../../capabilities/speaker/start-files";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "herald-speaker-"));
  writeFileSync(join(folder, "good.yaml"), "announcedInterfacesToExclude: [^lo$]\n");
  writeFileSync(join(folder, "bad.yaml"), 'announcedInterfacesToExclude: ["("]\n');
  writeFileSync(join(folder, "secretkey"), "c2VjcmV0");
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("readExcludeList", () => {
  it("reads the file, and takes a missing one for an empty one", () => {
    expect(readExcludeList(join(folder, "good.yaml"))).toEqual(["^lo$"]);
    expect(readExcludeList(join(folder, "missing.yaml"))).toEqual([]);
  });

  it("refuses a bad expression, naming file and place", () => {
    const path = join(folder, "bad.yaml");
    expect(() => readExcludeList(path)).toThrow(StartError);
    expect(() => readExcludeList(path)).toThrow(
      `${path} cannot be used: announcedInterfacesToExclude[0] is no regular expression: "("`,
    );
  });

  it("refuses a file that cannot be read", () => {
    expect(() => readExcludeList(folder)).toThrow(`${folder} cannot be read`);
  });
});

describe("readHeartbeatSecret", () => {
  it("gives the bytes of the file, or nothing when no directory is named", () => {
    expect(readHeartbeatSecret(folder)).toEqual(new TextEncoder().encode("c2VjcmV0"));
    expect(readHeartbeatSecret(undefined)).toBeUndefined();
  });

  it("refuses a directory without the secret", () => {
    expect(() => readHeartbeatSecret(join(folder, "none"))).toThrow(/does not exist or is empty/);
  });
});
