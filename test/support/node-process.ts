/**
 * A process in a network namespace that runs one of our threads: takes orders and passes messages back by IPC. The program in it is
 * made with `node-program.ts`; what orders and messages are is the matter of `packet-node.ts`, `bgp-node.ts` and `bfd-node.ts`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { eventually } from "./netns";

/** What every program says once: that it takes orders now, or why it never will. */
export type StartMessage =
  | { readonly type: "ready" }
  | { readonly type: "cannotStart"; readonly error: string };

export interface NodeProcessOptions {
  readonly namespace: string;
  /** Path of the bundled program and its arguments. */
  readonly program: readonly string[];
  /** Goes before node, for instance to drop capabilities. */
  readonly wrapper: readonly string[];
}

export class NodeProcess<Order extends object, Message extends { readonly type: string }> {
  readonly #child: ChildProcess;
  #isReady = false;
  #startError: string | undefined;

  constructor({ namespace, program, wrapper }: NodeProcessOptions) {
    const argv = ["netns", "exec", namespace, ...wrapper, process.execPath, ...program];
    this.#child = spawn("ip", argv, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      serialization: "advanced",
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Passes every message but those of the start to `receive`, and resolves when the program takes orders. A program that cannot
   * start, or says nothing for 10 s, is killed, and `name` stands in the error.
   */
  async start(name: string, receive: (message: Message) => void): Promise<void> {
    this.#child.on("message", (message: StartMessage | Message) => {
      if (!isOfStart(message)) receive(message);
      else if (message.type === "ready") this.#isReady = true;
      else this.#startError = message.error;
    });
    try {
      await eventually(`${name} started`, 10_000, () => {
        if (this.#startError !== undefined) throw new Error(this.#startError);
        return this.#isReady;
      });
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** Sends the process a signal, for instance SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** SIGKILL, as a crash; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  /** Gives the order after which the program ends; resolves when the process is gone. */
  async stop(order: Order): Promise<void> {
    await this.#end(() => this.order(order));
  }

  async #end(begin: () => void): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    begin();
    await exited;
  }
}

function isOfStart(message: { readonly type: string }): message is StartMessage {
  return message.type === "ready" || message.type === "cannotStart";
}
