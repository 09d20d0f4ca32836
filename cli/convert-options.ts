/** The command line of `kubectl herald convert`. */
import { splitWords } from "./command-line";

export type ConvertFormat = "auto" | "config" | "kubespray" | "lokomotive" | "values";

const FORMATS: readonly ConvertFormat[] = ["auto", "config", "kubespray", "lokomotive", "values"];
const OUTPUTS = ["yaml", "json", "values"] as const;

export interface ConvertCommand {
  /** Paths as they were given; `-` is standard input. */
  readonly files: readonly string[];
  readonly isLive: boolean;
  readonly mayApply: boolean;
  readonly from: ConvertFormat;
  readonly output: (typeof OUTPUTS)[number];
  readonly configMaps: readonly string[];
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string;
}

export type ParsedConvertOptions =
  | { readonly type: "options"; readonly options: ConvertCommand }
  | { readonly type: "help" }
  /** `text` is a whole sentence. */
  | { readonly type: "wrong"; readonly text: string };

export const CONVERT_HELP = `Turns configurations of MetalLB before 0.13, and what kubespray, Lokomotive and old charts make of them, into resources.

usage: kubectl herald convert -f FILE|- … [flags]
       kubectl herald convert --live [--apply]

  -f, --filename PATH      a file, or - for standard input; may be given several times
      --from FORMAT        auto, config, kubespray, lokomotive or values (default auto)
      --live               convert what is stored in the cluster: the ConfigMap, and AddressPools of 0.13
      --apply              write the resources and retire the ConfigMap; nothing changes on the network,
                           and nothing is written when a Service would lose its address
      --config NAME,…      ConfigMaps that --live looks for (default config,metallb)
      --kubeconfig PATH    how to reach the cluster [KUBECONFIG]
      --context NAME       context of the kubeconfig
  -n, --namespace NAME     namespace of the resources (default metallb-system) [METALLB_NAMESPACE]
  -o, --output FORMAT      yaml, json, or values: only the values for Herald's chart (default yaml)
  -h, --help               this text

Resources go to standard output, what was found and decided to standard error.

exit codes
  0   everything was converted, and applied with --apply; there may be warnings
  1   something cannot be converted, or a Service would lose its address: nothing is written
  2   the command line is wrong, an input cannot be read, or the cluster cannot be reached

examples
  kubectl herald convert -f metallb-config.yaml > resources.yaml
  kubectl herald convert --live
  kubectl herald convert --live --apply
  kubectl herald convert --from kubespray -f inventory/mycluster/group_vars/k8s_cluster/addons.yml
  kubectl herald convert -f metallb.lokocfg -o values > values.yaml`;

const FLAGS = {
  filename: { type: "string", short: "f", multiple: true },
  from: { type: "string" },
  live: { type: "boolean" },
  apply: { type: "boolean" },
  config: { type: "string" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  namespace: { type: "string", short: "n" },
  output: { type: "string", short: "o" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the words after `convert`. */
export function parseConvertOptions(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedConvertOptions {
  const given = splitWords(argv, FLAGS);
  if (typeof given === "string") return { type: "wrong", text: given };
  const { values, positionals } = given;
  if (values.help) return { type: "help" };
  const options = {
    files: [...(values.filename ?? []), ...positionals],
    isLive: values.live === true,
    mayApply: values.apply === true,
    from: values.from ?? "auto",
    output: values.output ?? "yaml",
    configMaps: (values.config ?? "config,metallb").split(","),
    kubeconfig: values.kubeconfig,
    context: values.context,
    namespace: values.namespace ?? (env["METALLB_NAMESPACE"] || "metallb-system"),
  };
  const text = findFault(options);
  if (text !== undefined) return { type: "wrong", text };
  return { type: "options", options: options as ConvertCommand }; // findFault() has compared the words.
}

type Unchecked = Omit<ConvertCommand, "output" | "from"> & {
  readonly output: string;
  readonly from: string;
};

/** A whole sentence, or undefined when there is no fault. */
function findFault({ files, isLive, from, output, namespace }: Unchecked): string | undefined {
  const isOutput = OUTPUTS.some(word => word === output);
  const faults: readonly (readonly [boolean, string])[] = [
    [files.length === 0 && !isLive, "Nothing is named: give a file or - with -f, or --live."],
    [files.length > 0 && isLive, "-f and --live exclude each other."],
    [files.includes(""), "The value of -f is empty."],
    [namespace === "", "The value of --namespace is empty."],
    [!FORMATS.some(word => word === from), `--from must be ${FORMATS.join(", ")}.`],
    [!isOutput, "--output must be yaml, json or values."],
  ];
  return faults.find(([isFault]) => isFault)?.[1];
}
