import type { LogLevel } from "../../capabilities/cluster/log";

/** How Pepr's own lines are logged: at info it writes ten for each review. */
const PEPR_LOG_LEVEL = {
  all: "trace",
  debug: "debug",
  info: "warn",
  warn: "warn",
  error: "error",
  none: "silent",
} as const satisfies Record<LogLevel, string>;

/**
 * The variables that Pepr and its client read, to be set before the module is loaded. An API server that is away must never end
 * the process: by default Pepr gives up after 33 s.
 */
export function peprEnvironment(options: {
  readonly isWatcher: boolean;
  readonly logLevel: LogLevel;
  readonly webhookPort: number;
}): Record<string, string> {
  return {
    PEPR_WATCH_MODE: String(options.isWatcher),
    PEPR_RESYNC_FAILURE_MAX: "1000000000",
    PEPR_RESYNC_DELAY_SECONDS: "2",
    METALLB_WEBHOOK_PORT: String(options.webhookPort),
    LOG_LEVEL: PEPR_LOG_LEVEL[options.logLevel],
  };
}
