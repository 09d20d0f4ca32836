/** The command line of `kubectl herald lint`. */
import { splitWords } from "./command-line";

export interface LintOptions {
  /** Paths as they were given; `-` is standard input. */
  readonly files: readonly string[];
  readonly isLive: boolean;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string;
  readonly output: "human" | "json";
  /** The least severe finding that makes the exit code 1. */
  readonly failOn: "refuse" | "warn";
}

export type ParsedLintOptions =
  | { readonly type: "options"; readonly options: LintOptions }
  | { readonly type: "help" }
  /** `text` is a whole sentence. */
  | { readonly type: "wrong"; readonly text: string };

export const LINT_HELP = `Says what the API server and Herald's admission would say about manifests, without applying them.

usage: kubectl herald lint -f FILE|FOLDER|- … [flags]

  -f, --filename PATH      a file, a folder with everything below it (.yaml, .yml, .json), or - for standard input;
                           may be given several times, and without -f too
      --live               judge the manifests as changes of the cluster's configuration; reads, never writes
      --kubeconfig PATH    how to reach the cluster of --live [KUBECONFIG]
      --context NAME       context of the kubeconfig
  -n, --namespace NAME     where Herald looks for its configuration; also the namespace of objects that name none
                           (default metallb-system) [METALLB_NAMESPACE]
  -o, --output FORMAT      human or json (default human)
      --fail-on SEVERITY   refuse or warn: the least severe finding that makes the exit code 1 (default refuse)
  -h, --help               this text

exit codes
  0   every object would be accepted
  1   at least one would be refused, or warned about with --fail-on warn
  2   the command line is wrong, an input cannot be read, or the cluster of --live cannot be reached

examples
  kubectl herald lint -f manifests/
  helm template metallb-config ./chart | kubectl herald lint -f -
  kubectl herald lint --live -o json -f pools.yaml`;

const FLAGS = {
  filename: { type: "string", short: "f", multiple: true },
  live: { type: "boolean" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  namespace: { type: "string", short: "n" },
  output: { type: "string", short: "o" },
  "fail-on": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the words after `lint`. */
export function parseLintOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedLintOptions {
  const given = splitWords(argv, FLAGS);
  if (typeof given === "string") return { type: "wrong", text: given };
  const { values, positionals } = given;
  if (values.help) return { type: "help" };
  const options = {
    files: [...(values.filename ?? []), ...positionals],
    isLive: values.live === true,
    kubeconfig: values.kubeconfig,
    context: values.context,
    namespace: values.namespace ?? (env["METALLB_NAMESPACE"] || "metallb-system"),
    output: values.output ?? "human",
    failOn: values["fail-on"] ?? "refuse",
  };
  const text = findFault(options);
  if (text !== undefined) return { type: "wrong", text };
  return { type: "options", options: options as LintOptions }; // findFault() has compared the words.
}

type Unchecked = Omit<LintOptions, "output" | "failOn"> & {
  readonly output: string;
  readonly failOn: string;
};

/** A whole sentence, or undefined when there is no fault. */
function findFault(options: Unchecked): string | undefined {
  const { files, isLive, kubeconfig, context, namespace, output, failOn } = options;
  const faults: readonly (readonly [boolean, string])[] = [
    [files.length === 0, "No manifest is named: give a file, a folder or - with -f."],
    [files.includes(""), "The value of -f is empty."],
    [namespace === "", "The value of --namespace is empty."],
    [!["human", "json"].includes(output), "--output must be human or json."],
    [!["refuse", "warn"].includes(failOn), "--fail-on must be refuse or warn."],
    [
      !isLive && (kubeconfig ?? context) !== undefined,
      "--kubeconfig and --context mean nothing without --live.",
    ],
  ];
  return faults.find(([isFault]) => isFault)?.[1];
}
