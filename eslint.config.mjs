import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Forbids imports of the given patterns in the files of one room: the arrows of CONTRIBUTING.md. */
function room(files, patterns) {
  return {
    files,
    rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns }] },
  };
}

const rooms = ["capabilities", "node", "cli", "lab", "bench", "scripts", "test"];
const noTests = { regex: "(^|/)test/", message: "Nobody imports test/ but tests." };
const away = names => ({
  regex: `^(\\.\\./)+(${names.join("|")})(/|$)`,
  message: "This arrow does not exist: see the rooms in CONTRIBUTING.md.",
});
const pepr = {
  regex: "^(pepr|kubernetes-fluent-client)(/|$)",
  message: "Only pepr.ts, capabilities/admission and capabilities/controller talk to Pepr.",
};
const native = { regex: "^(koffi|raw-socket)$", message: "Native code lives in node/ alone." };
const peprTypesOnly = {
  regex: "^(pepr|kubernetes-fluent-client)(/|$)",
  allowTypeImports: true,
  message: "Types only: the value import costs 75 MB.",
};

const libRoom = (name, allowed) => {
  const all = [
    "config",
    "allocation",
    "announcement",
    "arp",
    "ndp",
    "liveness",
    "bgp",
    "bfd",
    "net",
  ];
  const forbidden = all.filter(other => other !== name && !allowed.includes(other));
  return room(
    [`lib/${name}/**/*.ts`],
    [
      { regex: "^(?!node:crypto$)[^./]", message: "lib/ is pure and has no dependency." },
      away(rooms),
      away(forbidden),
    ],
  );
};

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**", "**/generated/**"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: ["./tsconfig.test.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-import-type-side-effects": "error",
      complexity: ["error", 10],
      "max-depth": ["error", 3],
      "max-params": ["error", 4],
      "max-lines": ["error", { max: 400, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["lib/**/*.ts"],
    rules: {
      "no-restricted-globals": [
        "error",
        "process",
        "console",
        "setTimeout",
        "setInterval",
        "setImmediate",
        "performance",
        "fetch",
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Time arrives as nowMs." },
        { object: "Math", property: "random", message: "Randomness is injected." },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: ":function[async=true]", message: "lib/ is synchronous." },
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: "Time arrives as nowMs.",
        },
      ],
    },
  },
  libRoom("net", []),
  libRoom("config", ["net"]),
  libRoom("allocation", ["net", "config"]),
  libRoom("announcement", ["net", "config"]),
  ...["arp", "ndp", "bgp", "bfd", "liveness"].map(name => libRoom(name, ["net"])),
  room(["node/**/*.ts"], [pepr, noTests, away(["capabilities", "cli", "lab", "scripts", "bench"])]),
  room(
    ["capabilities/cluster/**/*.ts"],
    [peprTypesOnly, native, noTests, away(["admission", "controller", "speaker", "node", "cli"])],
  ),
  room(
    ["capabilities/admission/**/*.ts"],
    [native, noTests, away(["controller", "speaker", "node", "cli"])],
  ),
  room(
    ["capabilities/controller/**/*.ts"],
    [native, noTests, away(["admission", "speaker", "node", "cli"])],
  ),
  room(
    ["capabilities/speaker/**/*.ts"],
    [peprTypesOnly, native, noTests, away(["admission", "controller", "cli"])],
  ),
  // The Pepr capability beside the speaker's program; only pepr.ts loads it.
  room(
    ["capabilities/speaker/index.ts"],
    [native, noTests, away(["admission", "controller", "node", "cli"])],
  ),
  room(
    ["cli/**/*.ts"],
    [pepr, native, noTests, away(["admission", "controller", "speaker", "node"])],
  ),
  room(["lab/**/*.ts"], [noTests, away(["bench", "cli", "node", "controller", "speaker"])]),
  room(["scripts/**/*.ts"], [noTests, away(["bench", "cli", "node", "lab"])]),
  room(["bench/**/*.ts"], [pepr, away(["cli"])]),
  room(["pepr.ts"], [native, noTests]),
  {
    files: ["test/**/*.ts", "bench/**/*.ts", "lab/**/*.ts", "scripts/**/*.ts"],
    rules: {
      "max-lines-per-function": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  { files: ["**/*.mjs", "**/*.js"], ...tseslint.configs.disableTypeChecked },
);
