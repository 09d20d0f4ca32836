/** When a lab is ready: asked of the API server with curl, which is much cheaper to start than kubectl. */
import { apiUrl } from "./cluster-parts";
import type { Lab } from "./lab";
import { poll } from "./run";

/** A node as far as readiness goes. */
export interface NodeState {
  readonly name: string;
  readonly isReady: boolean;
  readonly taints: number;
}

const TIMEOUT_MS = 90_000;

/** Resolves when the API server says it is ready. */
export async function controlPlaneReady(lab: Lab, signal?: AbortSignal): Promise<void> {
  const probe = async () => {
    signal?.throwIfAborted();
    return (await ask(lab, "/readyz")) === "ok" ? true : undefined;
  };
  await poll(probe, {
    timeoutMs: TIMEOUT_MS,
    everyMs: 100,
    describe: () => `The API server is not ready: see ${lab.logPath("kube-apiserver")}`,
  });
}

/**
 * Resolves when the nodes are Ready and without taints (Ready comes before the taint goes, and what is scheduled in
 * between avoids the node), and Pods can be made (the default service account exists).
 */
export async function nodesReady(lab: Lab, names: readonly string[], signal?: AbortSignal) {
  let states: readonly NodeState[] = [];
  const probe = async () => {
    signal?.throwIfAborted();
    states = await nodeStates(lab);
    const areReady = names.every(name =>
      states.some(state => state.name === name && state.isReady && state.taints === 0),
    );
    if (!areReady) return undefined;
    const account = await ask(lab, "/api/v1/namespaces/default/serviceaccounts/default");
    return account?.includes('"ServiceAccount"') === true ? true : undefined;
  };
  const describe = () => {
    const seen = states.map(state => `${state.name} ${state.isReady ? "Ready" : "NotReady"}`);
    return `Nodes do not become Ready: ${seen.join(", ") || "none has registered"}. See ${lab.logPath("n1-kubelet")}`;
  };
  await poll(probe, { timeoutMs: TIMEOUT_MS, everyMs: 100, describe });
}

/** The nodes that have registered, as the API server sees them; none if it does not answer. */
export async function nodeStates(lab: Lab): Promise<readonly NodeState[]> {
  return parseNodes(await ask(lab, "/api/v1/nodes"));
}

/** The nodes in a NodeList; none if the text is not one. */
export function parseNodes(text: string | undefined): readonly NodeState[] {
  try {
    const list = JSON.parse(text ?? "") as NodeList;
    return list.items.map(node => ({
      name: node.metadata.name,
      isReady: node.status.conditions?.some(isReadyCondition) === true,
      taints: node.spec.taints?.length ?? 0,
    }));
  } catch {
    return [];
  }
}

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly taints?: readonly unknown[] };
    readonly status: { readonly conditions?: readonly { type: string; status: string }[] };
  }[];
}

function isReadyCondition(condition: { type: string; status: string }): boolean {
  return condition.type === "Ready" && condition.status === "True";
}

/** The body of the answer; undefined if there was none in time. */
async function ask(lab: Lab, path: string): Promise<string | undefined> {
  const credentials = ["--cacert", "ca.crt", "--cert", "admin.crt", "--key", "admin.key"].map(
    (word, index) => (index % 2 === 1 ? lab.pki.path(word) : word),
  );
  const argv = [
    "curl",
    "--silent",
    "--max-time",
    "2",
    ...credentials,
    apiUrl(lab.host("cp")) + path,
  ];
  const { status, stdout } = await lab.exec("cp", argv, { check: false });
  return status === 0 ? stdout : undefined;
}
