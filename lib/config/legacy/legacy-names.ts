/** Names that pools had in a ConfigMap and that Services still ask for. */
import type { Pool } from "../configuration";
import type { IPAddressPool } from "../generated/resources";
import { LEGACY_NAME_ANNOTATION } from "./resources";

/**
 * The pools with the old names that their objects carry. A name that an object has, or an older pool of the list claimed, is not given
 * to another one: it would be a guess who is meant.
 */
export function withLegacyNames(
  pools: readonly Pool[],
  resources: readonly IPAddressPool[] = [],
): readonly Pool[] {
  const taken = new Set(pools.map(pool => pool.name));
  const written = new Map(resources.map(one => [one.metadata.name, legacyNameOf(one)]));
  return pools.map(pool => {
    const legacyName = written.get(pool.name);
    if (legacyName === undefined || taken.has(legacyName)) return pool;
    taken.add(legacyName);
    return { ...pool, legacyName };
  });
}

function legacyNameOf({ metadata }: IPAddressPool): string | undefined {
  const name: unknown = metadata.annotations?.[LEGACY_NAME_ANNOTATION];
  return typeof name === "string" && name !== "" ? name : undefined;
}
