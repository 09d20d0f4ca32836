import { onOff, optionalText, type OptionTable } from "../../capabilities/cluster/options";

const NO_EFFECT = "accepted for MetalLB's sake, no effect";

/** MetalLB's flags of its controller that neither of our two processes needs: copied arguments must still start them. */
const metallbOnly = {
  certServiceName: optionalText("cert-service-name", [], NO_EFFECT),
  disableCertRotation: onOff("disable-cert-rotation", [], NO_EFFECT),
  pprofBindAddress: optionalText("pprof-bind-address", [], NO_EFFECT),
  tlsCipherSuites: optionalText("tls-cipher-suites", [], NO_EFFECT),
  tlsCurvePreferences: optionalText("tls-curve-preferences", [], NO_EFFECT),
  webhookHttp2: onOff("webhook-http2", [], NO_EFFECT),
  webhookMode: optionalText("webhook-mode", [], NO_EFFECT),
  certDir: optionalText("cert-dir", [], NO_EFFECT),
  webhookSecret: optionalText("webhook-secret", [], NO_EFFECT),
  memberlistSecretName: optionalText("ml-secret-name", [], NO_EFFECT),
  deployment: optionalText("deployment", [], NO_EFFECT),
} as const satisfies OptionTable;

/** Flags of releases up to 0.12. */
export const retiredFlags: readonly string[] = ["config"];

/** The table with MetalLB's other flags added: those that `own` has already are its own. */
export function withAcceptedFlags<Table extends OptionTable>(own: Table): Table & OptionTable {
  const flags = new Set(Object.values(own).map(spec => spec.flag));
  const added = Object.entries(metallbOnly).filter(([, spec]) => !flags.has(spec.flag));
  return { ...Object.fromEntries(added.map(([name, spec]) => [`ignored:${name}`, spec])), ...own };
}
