import { describe, expect, it } from "vitest";
import {
  oneOf,
  onOff,
  parseOptions,
  text,
  wholeNumber,
} from "../../../../capabilities/cluster/options";

const table = {
  namespace: text("namespace", "METALLB_NAMESPACE", "metallb-system", "namespace"),
  node: text("node-name", ["METALLB_NODE_NAME", "NODE_NAME"], "", "node"),
  port: wholeNumber("port", [], { fallback: 9120, min: 0, max: 65_535 }, "port"),
  level: oneOf("log-level", [], ["info", "debug"], "level"),
  ignore: onOff("ignore-exclude-lb", [], "ignore"),
} as const;

const program = { name: "part", table, retired: ["config"] };

function parse(argv: readonly string[], env: Record<string, string> = {}) {
  return parseOptions(program, { argv, env });
}

function optionsOf(argv: readonly string[], env: Record<string, string> = {}) {
  const parsed = parse(argv, env);
  if (parsed.type !== "options") throw new Error(parsed.text);
  return parsed;
}

describe("parseOptions", () => {
  it("gives the defaults when nothing is said", () => {
    expect(optionsOf([]).options).toEqual({
      namespace: "metallb-system",
      node: "",
      port: 9120,
      level: "info",
      ignore: false,
    });
  });

  it("takes a flag before its variable, and the first variable before the second", () => {
    const env = { METALLB_NAMESPACE: "lb", METALLB_NODE_NAME: "n1", NODE_NAME: "n2" };
    expect(optionsOf([], env).options).toMatchObject({ namespace: "lb", node: "n1" });
    expect(optionsOf(["--namespace", "x"], env).options.namespace).toBe("x");
    expect(optionsOf([], { NODE_NAME: "n2" }).options.node).toBe("n2");
    expect(optionsOf([], { METALLB_NAMESPACE: "" }).options.namespace).toBe("metallb-system");
  });

  it.each([
    [["--port=1"], 1],
    [["--port", "2"], 2],
    [["-port=3"], 3],
  ])("reads %j", (argv, port) => {
    expect(optionsOf(argv).options.port).toBe(port);
  });

  it("lets a switch stand alone and be turned off", () => {
    expect(optionsOf(["--ignore-exclude-lb"]).options.ignore).toBe(true);
    expect(optionsOf(["--ignore-exclude-lb=false"]).options.ignore).toBe(false);
  });

  it("names every wrong flag and value, with what is allowed", () => {
    const parsed = parse(["--port=70000", "--log-level=loud", "--nonsense"]);
    expect(parsed.type).toBe("wrong");
    if (parsed.type !== "wrong") return;
    expect(parsed.text).toContain("--port=70000: a whole number from 0 to 65535 is needed");
    expect(parsed.text).toContain("--log-level=loud: one of info, debug is needed");
    expect(parsed.text).toContain("--nonsense: no such flag");
    expect(parsed.text).toContain("usage: part [flags]");
  });

  it("names the variable when the wrong value came from there", () => {
    const parsed = parseOptions(
      {
        name: "part",
        retired: [],
        table: { port: wholeNumber("port", "PORT", { fallback: 1, min: 1, max: 9 }, "p") },
      },
      { argv: [], env: { PORT: "ten" } },
    );
    expect(parsed).toMatchObject({ type: "wrong" });
    expect("text" in parsed && parsed.text).toContain("PORT=ten");
  });

  it("accepts a flag of an older release with a notice", () => {
    expect(optionsOf(["--config=config", "--port=7"])).toMatchObject({
      options: { port: 7 },
      notices: ["--config is accepted for MetalLB's sake and has no effect here"],
    });
  });

  it("answers --help with the flags and their variables", () => {
    const parsed = parse(["--help"]);
    expect(parsed).toMatchObject({ type: "help" });
    expect("text" in parsed && parsed.text).toContain("METALLB_NODE_NAME, NODE_NAME");
  });
});
