/** Flags and environment of the admission process: MetalLB's names where MetalLB has them. */
import { commonOptions, MAX_PORT } from "../cluster/common-options";
import { onOff, optionalText, text, wholeNumber, type OptionValues } from "../cluster/options";

/**
 * Admission has no counterpart of its own in MetalLB, so its ports are beside those of the controller and the speaker (9120,
 * 17472): by hand it runs on the same host as either.
 */
export const admissionOptions = {
  ...commonOptions,
  metricsPort: wholeNumber(
    "port",
    "METALLB_METRICS_PORT",
    { fallback: 9122, min: 0, max: MAX_PORT },
    "port of /metrics, 0 is off",
  ),
  healthProbePort: wholeNumber(
    "health-probe-port",
    "METALLB_HEALTH_PROBE_PORT",
    { fallback: 17_473, min: 0, max: MAX_PORT },
    "port of /healthz and /readyz, 0 is off",
  ),
  webhookPort: wholeNumber(
    "webhook-port",
    "METALLB_WEBHOOK_PORT",
    { fallback: 3000, min: 1, max: MAX_PORT },
    "port of the webhooks, HTTPS",
  ),
  certificateFolder: optionalText(
    "cert-dir",
    "METALLB_CERT_DIR",
    "directory with tls.crt and tls.key; without it the Secret is read",
  ),
  webhookSecret: text(
    "webhook-secret",
    "METALLB_WEBHOOK_SECRET",
    "metallb-webhook-cert",
    "Secret with authority, certificate, key and token",
  ),
  certificateService: text(
    "cert-service-name",
    "METALLB_CERT_SERVICE_NAME",
    "metallb-webhook-service",
    "Service that the certificate is for",
  ),
  isRotationDisabled: onOff(
    "disable-cert-rotation",
    "METALLB_DISABLE_CERT_ROTATION",
    "leave Secret and webhook configurations alone: somebody else makes them",
  ),
  settleMs: wholeNumber(
    "cert-settle-ms",
    "METALLB_CERT_SETTLE_MS",
    { fallback: 120_000, min: 100, max: 3_600_000 },
    "time in which every replica and API server learns of one step of a rotation",
  ),
} as const;

export type AdmissionOptions = OptionValues<typeof admissionOptions>;
