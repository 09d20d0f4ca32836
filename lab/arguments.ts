/** The command line of `npm run lab`; pure. */
import { LabError } from "./run";

/** What the command line asks for. */
export interface LabCommand {
  readonly verb: Verb;
  readonly name: string;
  /** True if `--name` was there. */
  readonly isNamed: boolean;
  readonly help: boolean;
  readonly nodes: number;
  readonly proxyMode: "iptables" | "nftables";
  readonly inside: boolean;
  readonly follow: boolean;
  /** A host or a part, for the verbs that take one. */
  readonly subject: string | undefined;
  /** What is passed on: a command to run, kubectl's arguments, install's arguments. */
  readonly rest: readonly string[];
}

/** The subcommands with the line that help shows. */
export const VERBS = {
  prepare: "                                            build and install what a lab needs, once",
  up: "[--nodes 3] [--proxy-mode iptables|nftables]   build a lab and wait until its nodes are Ready",
  down: "                                            take it down, in whatever state it is",
  status: "                                            what runs where",
  shell: "<host> [--inside]                           a shell in a host",
  exec: "<host> [--inside] -- <command> …            run a command in a host",
  logs: "[<part>] [--follow]                         what a part printed; without a part: which there are",
  kubectl: "<arguments> …                               kubectl as administrator",
  install:
    "[<arguments> …]                             CRDs, RBAC, certificate, token, webhook configurations",
  "power-off": "<node>                                      cut a node's power",
  "power-on": "<node>                                      boot it again",
  "cut-cable": "<host>                                      unplug a host",
  "plug-cable": "<host>                                      plug it in again",
} as const;

/** A subcommand. */
export type Verb = keyof typeof VERBS;

/** The lab that is meant when no name is given. */
const DEFAULT_NAME = "herald";

/** The text of --help. */
export function helpText(): string {
  const verbs = Object.entries(VERBS).map(([verb, line]) => `  ${verb.padEnd(10)} ${line}`);
  return `npm run lab -- <command> [--name ${DEFAULT_NAME}]

A Kubernetes with real nodes in network namespaces of this machine (needs root).

${verbs.join("\n")}

Hosts: cp (control plane), n1 n2 … (nodes), client, gw (gateway), r1 r2 (routers); for netns names see status.
A command runs on the network of its host with KUBECONFIG set; --inside: in all namespaces of a node.
Options come before "--" or, for kubectl and install, before the subcommand.
`;
}

type Draft = { -readonly [Key in keyof LabCommand]: LabCommand[Key] };

/** The verbs whose words all belong to somebody else. */
const PASS_THROUGH: readonly Verb[] = ["kubectl", "install"];
const WITH_SUBJECT: readonly Verb[] = [
  "shell",
  "exec",
  "logs",
  "power-off",
  "power-on",
  "cut-cable",
  "plug-cable",
];

/** Reads the command line; throws LabError with a line for the person who typed it. */
export function parseArguments(argv: readonly string[]): LabCommand {
  const draft: Draft = {
    verb: "status",
    name: DEFAULT_NAME,
    isNamed: false,
    help: argv.length === 0,
    nodes: 3,
    proxyMode: "iptables",
    inside: false,
    follow: false,
    subject: undefined,
    rest: [],
  };
  const words = [...argv];
  let verb: Verb | undefined;
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      draft.rest = words;
      break;
    }
    if (readOption(draft, word, words)) continue;
    if (verb !== undefined) {
      readSubject(draft, verb, word);
      continue;
    }
    verb = readVerb(word);
    draft.verb = verb;
    if (PASS_THROUGH.includes(verb)) {
      draft.rest = readOwnName(draft, words);
      break;
    }
  }
  if (verb === undefined && !draft.help) throw usage("a command is missing");
  if (!draft.help) checkComplete(draft);
  return draft;
}

function checkComplete(draft: Draft): void {
  const needsSubject = WITH_SUBJECT.includes(draft.verb) && draft.verb !== "logs";
  if (needsSubject && draft.subject === undefined) throw usage(`${draft.verb} needs a host`);
  if (draft.verb === "exec" && draft.rest.length === 0) {
    throw usage("exec needs a command after --");
  }
}

function readVerb(word: string): Verb {
  if (Object.hasOwn(VERBS, word)) return word as Verb;
  throw usage(`there is no command ${word}`);
}

function readSubject(draft: Draft, verb: Verb, word: string): void {
  if (!WITH_SUBJECT.includes(verb) || draft.subject !== undefined) {
    throw usage(`${verb} does not take "${word}"`);
  }
  draft.subject = word;
}

/** `kubectl --name a -- get pods` and `--name a kubectl get pods` are both understood. */
function readOwnName(draft: Draft, words: readonly string[]): readonly string[] {
  const dashes = words.indexOf("--");
  if (
    words[0] === "--name" &&
    words[1] !== undefined &&
    (dashes === 2 || draft.verb === "install")
  ) {
    draft.name = words[1];
    draft.isNamed = true;
    return words.slice(dashes === 2 ? 3 : 2);
  }
  return dashes === 0 ? words.slice(1) : words;
}

/** True if the word is an option of ours; takes its value from `words`. */
function readOption(draft: Draft, word: string, words: string[]): boolean {
  if (!word.startsWith("-")) return false;
  const [key = "", inline] = word.split(/=(.*)/s);
  const value = () => {
    const text = inline ?? words.shift();
    if (text === undefined) throw usage(`${key} needs a value`);
    return text;
  };
  if (readSwitch(draft, key)) return true;
  switch (key) {
    case "--name":
      draft.name = value();
      draft.isNamed = true;
      return true;
    case "--nodes":
      draft.nodes = readNumber(value());
      return true;
    case "--proxy-mode":
      draft.proxyMode = readProxyMode(value());
      return true;
    default:
      throw usage(`there is no option ${key}`);
  }
}

function readSwitch(draft: Draft, key: string): boolean {
  if (key === "--help" || key === "-h") draft.help = true;
  else if (key === "--inside") draft.inside = true;
  else if (key === "--follow" || key === "-f") draft.follow = true;
  else return false;
  return true;
}

function readNumber(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw usage(`--nodes takes a number, not "${text}"`);
  return Number(text);
}

function readProxyMode(text: string): "iptables" | "nftables" {
  if (text === "iptables" || text === "nftables") return text;
  throw usage(`--proxy-mode is iptables or nftables, not "${text}"`);
}

function usage(what: string): LabError {
  return new LabError("usage", `${what}; npm run lab -- --help says what there is.`);
}
