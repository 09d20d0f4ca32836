/** Flags and environment of the controller: MetalLB's, read by `npm run controller` and by the Pod alike. */
import { commonOptions } from "../cluster/common-options";
import { optionalText, text, wholeNumber, type OptionValues } from "../cluster/options";

export const controllerOptions = {
  ...commonOptions,
  memberlistSecretName: optionalText(
    "ml-secret-name",
    "METALLB_ML_SECRET_NAME",
    "Secret of the speakers' heartbeats, made when absent",
  ),
  deployment: optionalText("deployment", "METALLB_DEPLOYMENT", "Deployment that owns that Secret"),
  legacyConfigMaps: text(
    "config",
    "METALLB_CONFIG",
    "config,metallb",
    "ConfigMaps of MetalLB 0.1 to 0.12 that are followed, the one that counts first; none is off",
  ),
  addressReservationSeconds: wholeNumber(
    "address-reservation-seconds",
    "METALLB_ADDRESS_RESERVATION_SECONDS",
    { fallback: 600, min: 0, max: 604_800 },
    "how long the address of a deleted Service is kept for one of the same name, 0 is off",
  ),
} as const;

export type ControllerOptions = OptionValues<typeof controllerOptions>;
