import { expect, it } from "vitest";
import { helpText, parseArguments, VERBS } from "../../../lab/arguments";

it("reads the documented forms", () => {
  expect(parseArguments(["up", "--nodes", "2", "--name", "a"])).toMatchObject({
    verb: "up",
    nodes: 2,
    name: "a",
    isNamed: true,
  });
  expect(parseArguments(["up"])).toMatchObject({ nodes: 3, name: "herald", isNamed: false });
  expect(parseArguments(["exec", "n1", "--name=b", "--", "ip", "--help"])).toMatchObject({
    verb: "exec",
    subject: "n1",
    name: "b",
    help: false,
    rest: ["ip", "--help"],
  });
  expect(parseArguments(["logs", "n1-kubelet", "-f"])).toMatchObject({
    subject: "n1-kubelet",
    follow: true,
  });
  expect(parseArguments(["shell", "n1", "--inside"])).toMatchObject({ inside: true });
});

it("passes kubectl's and install's words on, options included", () => {
  expect(parseArguments(["--name", "a", "kubectl", "get", "pods", "-A"])).toMatchObject({
    name: "a",
    rest: ["get", "pods", "-A"],
  });
  expect(parseArguments(["kubectl", "--name", "a", "--", "get", "--help"])).toMatchObject({
    name: "a",
    help: false,
    rest: ["get", "--help"],
  });
  expect(parseArguments(["kubectl", "run", "--name", "x"])).toMatchObject({
    isNamed: false,
    rest: ["run", "--name", "x"],
  });
  expect(parseArguments(["install", "--name", "a", "--namespace", "x"])).toMatchObject({
    name: "a",
    rest: ["--namespace", "x"],
  });
});

it("asks for help with --help anywhere before the passed-on words, and without any word", () => {
  for (const argv of [[], ["--help"], ["up", "-h"], ["exec", "--help"]]) {
    expect(parseArguments(argv).help).toBe(true);
  }
  for (const verb of Object.keys(VERBS)) expect(helpText()).toContain(`  ${verb} `);
});

it.each([
  [["fly"], "no command fly"],
  [["up", "--speed", "9"], "no option --speed"],
  [["up", "--nodes"], "--nodes needs a value"],
  [["up", "--nodes", "many"], 'not "many"'],
  [["up", "--proxy-mode", "ipvs"], "iptables or nftables"],
  [["up", "n1"], 'up does not take "n1"'],
  [["shell"], "shell needs a host"],
  [["exec", "n1"], "a command after --"],
  [["--name", "a"], "a command is missing"],
])("refuses %j with a line that says why", (argv, reason) => {
  expect(() => parseArguments(argv)).toThrow(reason);
});
