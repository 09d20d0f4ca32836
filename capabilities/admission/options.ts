/** Flags and environment of the admission process: MetalLB's names where MetalLB has them. */
import { commonOptions, MAX_PORT } from "../cluster/common-options";
import { optionalText, text, wholeNumber, type OptionValues } from "../cluster/options";

export const admissionOptions = {
  ...commonOptions,
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
    "Secret with tls.crt, tls.key and token",
  ),
} as const;

export type AdmissionOptions = OptionValues<typeof admissionOptions>;
