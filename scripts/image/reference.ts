import { version } from "../../package.json";

/** The image that manifest and chart name: HERALD_IMAGE, or `herald` with the version of this tree. */
export function imageReference(env: Readonly<Record<string, string | undefined>>): string {
  const given = env["HERALD_IMAGE"];
  return given === undefined || given === "" ? `herald:${version}` : given;
}
