/** Speakers in a lab that nothing else of Herald runs in: the test starts them, and gives Services their addresses. */
import { join } from "node:path";
import type { LabProcess } from "../../lab/host-process";
import { Lab } from "../../lab/lab";
import { REPOSITORY } from "../../lab/paths";
import { poll } from "../../lab/run";

export const NAMESPACE = "metallb-system";
const PROBE_PORT = 17_472;

/** A lab of three nodes, prepared; it is down again when the preparation fails. */
export async function preparedLab<World>(
  name: string,
  prepare: (lab: Lab) => Promise<World>,
): Promise<World> {
  const lab = await Lab.up({ name, nodes: 3 });
  try {
    return await prepare(lab);
  } catch (error) {
    await lab.down();
    throw error;
  }
}

export interface SpeakerOptions {
  readonly arguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export class LabSpeakers {
  /** The speaker started last on each node, by node. */
  readonly processes = new Map<string, LabProcess>();
  readonly #lab: Lab;
  readonly #options: SpeakerOptions;

  constructor(lab: Lab, options: SpeakerOptions = {}) {
    this.#lab = lab;
    this.#options = options;
  }

  /** Starts a speaker on every node; resolves when all say that they are ready. */
  async startAll(): Promise<void> {
    for (const node of this.#lab.nodes) this.start(node);
    await this.whenReady();
  }

  start(node: string): LabProcess {
    const argv = [
      process.execPath,
      join(REPOSITORY, "dist/speaker.js"),
      `--node-name=${node}`,
      `--health-probe-port=${PROBE_PORT}`,
      ...(this.#options.arguments ?? []),
    ];
    const env = { ...this.#options.env, METALLB_NAMESPACE: NAMESPACE };
    const speaker = this.#lab.spawn(node, argv, { env, log: `${node}-speaker` });
    this.processes.set(node, speaker);
    return speaker;
  }

  /** Resolves when every speaker says that it is ready. */
  async whenReady(): Promise<void> {
    for (const node of this.processes.keys()) {
      await poll(async () => ((await this.#isReady(node)) ? true : undefined), {
        timeoutMs: 30_000,
        describe: () =>
          `The speaker of ${node} is not ready: ${this.#lab.logPath(`${node}-speaker`)}`,
      });
    }
  }

  async #isReady(node: string): Promise<boolean> {
    const url = `http://127.0.0.1:${PROBE_PORT}/readyz`;
    const { status } = await this.#lab.exec(node, ["curl", "-sf", "-m", "1", url], {
      check: false,
    });
    return status === 0;
  }
}

/** Gives a Service of the namespace `default` its address, as the controller would. */
export async function assignAddress(lab: Lab, service: string, address: string): Promise<void> {
  const status = { loadBalancer: { ingress: [{ ip: address }] } };
  await lab.kubectl([
    ...["patch", "service", service, "--subresource=status", "--type=merge"],
    ...["-p", JSON.stringify({ status })],
  ]);
}

/** An object of MetalLB's API, in the version it is stored in. */
export function metallb(kind: string, name: string, spec: object): object {
  const version = kind === "BGPPeer" ? "v1beta2" : "v1beta1";
  return {
    apiVersion: `metallb.io/${version}`,
    kind,
    metadata: { name, namespace: NAMESPACE },
    spec,
  };
}
