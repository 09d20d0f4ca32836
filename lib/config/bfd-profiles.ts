/** BFDProfiles. Their numbers are checked with the schema (rules V-B1 … B5); here is what counts when one is left out. */
import type { BfdProfileConfig } from "./configuration";
import type { BFDProfileSpec } from "./generated/resources";
import type { Subject } from "./subject";

/** Reads one profile: intervals in milliseconds, defaults filled in. */
export function readBfdProfile({ ref, spec }: Subject<Partial<BFDProfileSpec>>): BfdProfileConfig {
  return {
    name: ref.name,
    receiveIntervalMs: spec.receiveInterval ?? 300,
    transmitIntervalMs: spec.transmitInterval ?? 300,
    detectMultiplier: spec.detectMultiplier ?? 3,
    echoIntervalMs: spec.echoInterval ?? 50,
    isEchoEnabled: spec.echoMode ?? false,
    isPassive: spec.passiveMode ?? false,
    minimumTtl: spec.minimumTtl ?? 254,
  };
}
