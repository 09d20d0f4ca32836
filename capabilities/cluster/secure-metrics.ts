/**
 * What makes the metrics' port one for known callers only: HTTPS, with a certificate from a folder (a mounted Secret, read again when
 * it changes) or one that signs itself, and the check of the caller.
 */
import { readFileSync, watchFile } from "node:fs";
import type { ServerOptions } from "node:https";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { Logger } from "pino";
import type { ApiClient } from "./api-client";
import { systemClock } from "./clock";
import type { CommonOptions } from "./common-options";
import { MetricsAccess } from "./metrics-access";
import { createSelfSigned } from "./self-signed";

/** What a server of metrics needs besides a plain one. */
export interface SecureMetrics {
  readonly access: MetricsAccess;
  readonly tls: ServerOptions;
  /** Calls `adopt` with the new material each time the files have changed. */
  readonly onChange: (adopt: (tls: ServerOptions) => void) => void;
}

/** The folder of `--metrics-cert-dir` has no pair that a server can be opened with. */
export class MetricsCertificateError extends Error {
  override readonly name = "MetricsCertificateError";
}

/** What `--tls-min-version` is to Node. */
export const NODE_TLS_VERSION = { VersionTLS12: "TLSv1.2", VersionTLS13: "TLSv1.3" } as const;

/** The kubelet replaces a mounted Secret within a minute or so anyway. */
const FILE_CHECK_MS = 10_000;

type Settings = Pick<
  CommonOptions,
  "isSecureMetrics" | "metricsCertificateFolder" | "metricsPort" | "tlsMinVersion"
>;

/** Undefined when metrics are plain HTTP, or off. Throws MetricsCertificateError. */
export function secureMetrics(
  options: Settings,
  deps: { readonly client: ApiClient; readonly log: Logger },
): SecureMetrics | undefined {
  if (!options.isSecureMetrics || options.metricsPort === 0) return undefined;
  const minVersion = NODE_TLS_VERSION[options.tlsMinVersion];
  const folder = options.metricsCertificateFolder;
  const access = new MetricsAccess(deps.client, systemClock);
  if (folder === undefined) {
    const { certificate, key } = createSelfSigned("metrics", Date.now());
    const tls = { cert: certificate, key, minVersion };
    return { access, tls, onChange: () => undefined };
  }
  return {
    access,
    tls: { ...readPair(folder), minVersion },
    onChange: adopt => {
      const readAgain = (): void => {
        try {
          adopt({ ...readPair(folder), minVersion });
        } catch (error) {
          deps.log.warn({ err: error }, "the old certificate of the metrics stays");
        }
      };
      watchFile(join(folder, "tls.crt"), { interval: FILE_CHECK_MS, persistent: false }, readAgain);
    },
  };
}

function readPair(folder: string): { readonly cert: string; readonly key: string } {
  try {
    const read = (name: string): string => readFileSync(join(folder, name), "utf8");
    const pair = { cert: read("tls.crt"), key: read("tls.key") };
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const message = `--metrics-cert-dir=${folder}: no certificate (tls.crt) with its key (tls.key) can be read`;
    throw new MetricsCertificateError(message, { cause });
  }
}
