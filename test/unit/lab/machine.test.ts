import { expect, it } from "vitest";
import { imageConfiguration, parseLdd } from "../../../lab/images";
import { describeMissing, findCommand, missingPackages } from "../../../lab/packages";
import { cacheDirectory, stateDirectory } from "../../../lab/paths";
import { missingCapabilities } from "../../../lab/prepare";

it("names exactly the packages whose commands are missing", () => {
  const all = () => true;
  expect(missingPackages(all, all)).toEqual([]);
  const noRunc = (name: string) => name !== "runc" && name !== "ip6tables";
  expect(missingPackages(noRunc, all)).toEqual(["iptables", "runc"]);
  expect(missingPackages(all, path => path === "/opt/cni/bin/bridge")).toEqual(["libc6-dev"]);
  expect(missingPackages(all, () => false)).toEqual(["containernetworking-plugins", "libc6-dev"]);
});

it("says in one line what to install and how", () => {
  expect(describeMissing(["runc", "curl"])).toBe(
    "Missing Debian packages: runc curl. Install them with: apt-get install --no-install-recommends runc curl",
  );
});

it("finds commands beside PATH where the system keeps them", () => {
  expect(findCommand("sh", "")).toMatch(/\/sh$/);
  expect(findCommand("no-such-command-anywhere", "")).toBeUndefined();
});

it("finds the loader and the libraries in what ldd prints", () => {
  const printed = `	linux-vdso.so.1 (0x00007ffd1d9f2000)
	libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f1f5a000000)
	libmissing.so.1 => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007f1f5a400000)
`;
  expect(parseLdd(printed)).toEqual([
    "/lib/x86_64-linux-gnu/libz.so.1",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
});

it("describes an image of one layer", () => {
  const request = { references: ["x:1"], rootDirectory: "/", command: ["/pause"] };
  expect(imageConfiguration(request, "ab")).toMatchObject({
    os: "linux",
    config: { Cmd: ["/pause"] },
    rootfs: { type: "layers", diff_ids: ["sha256:ab"] },
  });
});

it("keeps caches and state where XDG says, if that is absolute", () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: "/c" })).toBe("/c/herald");
  expect(stateDirectory({ XDG_STATE_HOME: "/s" })).toBe("/s/herald");
  expect(cacheDirectory({ XDG_CACHE_HOME: "c" })).toMatch(/^\/.*\.cache\/herald$/);
  expect(stateDirectory({})).toMatch(/^\/.*\.local\/state\/herald$/);
});

it("names the capabilities that a root in a container lacks", () => {
  expect(missingCapabilities("CapEff:\t000001ffffffffff\n")).toEqual([]);
  expect(missingCapabilities("CapEff:\t00000000a80425fb\n")).toEqual([
    "CAP_NET_ADMIN",
    "CAP_SYS_ADMIN",
  ]);
  expect(missingCapabilities("")).toHaveLength(3);
});
