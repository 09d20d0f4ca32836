/**
 * Says what is going on while something slow happens: which step of how many, how long it usually takes, how long it has
 * taken. On a terminal the current step is one line that is rewritten each second; elsewhere (CI, a file) a step is a
 * line when it begins, one each half minute, and one when it ends.
 */

/** One step as announced: `number` counts from 1. */
export interface ProgressStep {
  readonly number: number;
  readonly of: number;
  /** What is being done, as a participle: "building kube-apiserver". */
  readonly what: string;
  readonly usualSeconds?: number;
}

/** A step that has begun; exactly one of the two ends it. */
export interface RunningStep {
  done(outcome?: string): void;
  fail(reason?: string): void;
}

/** Where progress goes. */
export interface Progress {
  begin(step: ProgressStep): RunningStep;
  /** Prints one line beside the steps. */
  note(text: string): void;
}

/** The part of a writable stream that progress needs. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const REPEAT_ON_TERMINAL_MS = 1_000;
const REPEAT_ELSEWHERE_MS = 30_000;
const DEFAULT_COLUMNS = 80;

/** The duration as a person would say it: "4 s", "about 3 min" for estimates, never more precise than it is. */
export function formatUsual(usualSeconds: number): string {
  if (usualSeconds < 90) return `${Math.max(1, Math.round(usualSeconds))} s`;
  return `${Math.round(usualSeconds / 60)} min`;
}

/** A measured duration: "0.8 s", "12 s", "2 min 41 s". */
export function formatElapsed(elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** The text of a step: "[2/7] building kube-apiserver (usually about 3 min)". */
export function formatStep(step: ProgressStep): string {
  const usual =
    step.usualSeconds === undefined ? "" : ` (usually about ${formatUsual(step.usualSeconds)})`;
  return `[${step.number}/${step.of}] ${step.what}${usual}`;
}

/** Progress that writes to `output`, rewriting its line if that is a terminal. */
export class ProgressLine implements Progress {
  readonly #output: ProgressOutput;
  readonly #nowMs: () => number;

  constructor(output: ProgressOutput, nowMs: () => number = () => performance.now()) {
    this.#output = output;
    this.#nowMs = nowMs;
  }

  begin(step: ProgressStep): RunningStep {
    const startedMs = this.#nowMs();
    const elapsed = () => formatElapsed(this.#nowMs() - startedMs);
    const text = formatStep(step);
    const short = `[${step.number}/${step.of}] ${step.what}`;
    this.#current(`${text} …`);
    const timer = setInterval(
      () => this.#current(`${text} … ${elapsed()}`),
      this.#output.isTTY === true ? REPEAT_ON_TERMINAL_MS : REPEAT_ELSEWHERE_MS,
    );
    timer.unref();
    const end = (outcome: string) => {
      clearInterval(timer);
      this.note(`${short}: ${outcome}, ${elapsed()}`);
    };
    return { done: (outcome = "done") => end(outcome), fail: (reason = "failed") => end(reason) };
  }

  note(text: string): void {
    this.#output.write(this.#output.isTTY === true ? `\r\x1b[K${text}\n` : `${text}\n`);
  }

  #current(text: string): void {
    if (this.#output.isTTY !== true) {
      this.#output.write(`${text}\n`);
      return;
    }
    // A terminal that does not know its width says 0.
    const room = (this.#output.columns || DEFAULT_COLUMNS) - 1;
    this.#output.write(`\r\x1b[K${text.slice(0, room)}`);
  }
}

/** Progress on standard error, so that standard output stays for results. */
export function consoleProgress(): Progress {
  return new ProgressLine(process.stderr);
}

/** Progress that nobody sees. */
export const silentProgress: Progress = {
  begin: () => ({ done: () => undefined, fail: () => undefined }),
  note: () => undefined,
};

/** Carries out `work` as one step: ended as done when it resolves, as failed when it rejects. */
export async function during<Value>(
  progress: Progress,
  step: ProgressStep,
  work: () => Promise<Value>,
): Promise<Value> {
  const running = progress.begin(step);
  try {
    const value = await work();
    running.done();
    return value;
  } catch (error) {
    running.fail();
    throw error;
  }
}
