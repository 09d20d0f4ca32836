/** Flags and environment of the controller: MetalLB's, read by `npm run controller` and by the Pod alike. */
import { commonOptions } from "../cluster/common-options";
import { optionalText, type OptionValues } from "../cluster/options";

export const controllerOptions = {
  ...commonOptions,
  memberlistSecretName: optionalText(
    "ml-secret-name",
    "METALLB_ML_SECRET_NAME",
    "Secret of the speakers' heartbeats, made when absent",
  ),
  deployment: optionalText("deployment", "METALLB_DEPLOYMENT", "Deployment that owns that Secret"),
} as const;

export type ControllerOptions = OptionValues<typeof controllerOptions>;
