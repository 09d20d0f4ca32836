/** The logger of a process: one JSON object per line on standard output, readable text when that is a terminal. */
import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

export type LogLevel = "all" | "debug" | "info" | "warn" | "error" | "none";

/**
 * A pino logger with MetalLB's keys: `level` in words, `ts` in RFC 3339, `msg`. Writes are synchronous, so that the last line
 * before an exit is not lost.
 */
export function createLogger(component: string, level: LogLevel): Logger {
  const options = {
    level: PINO_LEVELS[level],
    base: { component },
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
  };
  if (process.stdout.isTTY) {
    const stream = pretty({ sync: true, ignore: "component", timestampKey: "ts" });
    return pino(options, stream);
  }
  return pino(options, pino.destination({ dest: 1, sync: true }));
}

const PINO_LEVELS = {
  all: "trace",
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
  none: "silent",
} as const satisfies Record<LogLevel, string>;
