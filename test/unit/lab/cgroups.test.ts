import { expect, it } from "vitest";
import { LabCgroups, parseHierarchies } from "../../../lab/cgroups";

const V1 = `25 1 254:0 / / rw - ext4 /dev/root rw
31 25 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
32 31 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
33 31 0:28 / /sys/fs/cgroup/cpuset rw shared:10 - cgroup cgroup rw,cpuset
34 31 0:29 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,name=systemd
35 31 0:30 / /sys/fs/cgroup/unified rw shared:12 - cgroup2 cgroup2 rw
`;

it("finds every hierarchy of cgroup v1, the bare v2 beside them too", () => {
  expect(parseHierarchies(V1)).toEqual([
    { mountPoint: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
    { mountPoint: "/sys/fs/cgroup/cpuset", version: 1, controllers: ["cpuset"] },
    { mountPoint: "/sys/fs/cgroup/systemd", version: 1, controllers: [] },
    { mountPoint: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
  ]);
});

it("takes a hierarchy that is mounted twice once", () => {
  const again = "40 31 0:28 / /elsewhere/cpuset rw - cgroup cgroup rw,cpuset\n";
  expect(parseHierarchies(V1 + again)).toEqual(parseHierarchies(V1));
});

it("finds the one hierarchy of cgroup v2", () => {
  const line = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  expect(parseHierarchies(line)).toEqual([
    { mountPoint: "/sys/fs/cgroup", version: 2, controllers: [] },
  ]);
});

it("says so in one line where there is no hierarchy", () => {
  expect(() => new LabCgroups("a", "25 1 254:0 / / rw - ext4 /dev/root rw\n")).toThrow(
    "No cgroup hierarchy",
  );
});

it("names a node's cgroup after lab and node, so that labs do not share one", () => {
  expect(new LabCgroups("a", V1).rootOf("n1")).toBe("/herald-a/n1");
});
