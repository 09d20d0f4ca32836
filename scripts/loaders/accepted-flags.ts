import {
  onOff,
  optionalText,
  withoutEffect,
  type OptionSpec,
  type OptionTable,
} from "../../capabilities/cluster/options";

const NO_EFFECT = "accepted for MetalLB's sake, no effect";

/** MetalLB's flags of its controller that neither of our two processes needs: copied arguments must still start them. */
const metallbOnly: readonly OptionSpec<unknown>[] = [
  ...[
    "cert-service-name",
    "pprof-bind-address",
    "tls-cipher-suites",
    "tls-curve-preferences",
    "webhook-mode",
    "cert-dir",
    "webhook-secret",
    "ml-secret-name",
    "deployment",
  ].map(flag => optionalText(flag, [], NO_EFFECT)),
  ...["disable-cert-rotation", "webhook-http2"].map(flag => onOff(flag, [], NO_EFFECT)),
].map(spec => withoutEffect<unknown>(spec));

/** Flags of releases up to 0.12. */
export const retiredFlags: readonly string[] = ["config"];

/** The table with MetalLB's other flags added: those that `own` has already are its own. */
export function withAcceptedFlags<Table extends OptionTable>(own: Table): Table & OptionTable {
  const flags = new Set(Object.values(own).map(spec => spec.flag));
  const added = metallbOnly.filter(({ flag }) => !flags.has(flag));
  return { ...Object.fromEntries(added.map(spec => [`ignored:${spec.flag}`, spec])), ...own };
}
