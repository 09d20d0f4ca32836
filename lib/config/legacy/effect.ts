/** What a change of the configuration does to Services that hold addresses, before it is made. */
import { parseIpAddress } from "../../net/ip-address";
import { rangeContains } from "../../net/ip-prefix";
import { checkConfiguration } from "../check";
import type { Pool } from "../configuration";
import type { ConfigurationResources, ServiceInfo } from "../resources";

export interface AddressEffect {
  /** `namespace/name`. */
  readonly service: string;
  /** As the status of the Service has it. */
  readonly address: string;
  /** The pool that has it now, and the one that will; absent where none has. */
  readonly before?: string;
  readonly after?: string;
}

/** One entry for each address that is held, in the order of `services`. */
export function findEffects(
  services: readonly ServiceInfo[],
  before: ConfigurationResources,
  after: ConfigurationResources,
): readonly AddressEffect[] {
  const [old, now] = [before, after].map(one => checkConfiguration(one).configuration.pools);
  return services.flatMap(({ namespace, name, addresses }) =>
    addresses.map(address => {
      const [from, to] = [poolOf(address, old ?? []), poolOf(address, now ?? [])];
      return {
        service: `${namespace}/${name}`,
        address,
        ...(from === undefined ? {} : { before: from }),
        ...(to === undefined ? {} : { after: to }),
      };
    }),
  );
}

/** Whether the Service would have to take another address. */
export function isLost({ before, after }: AddressEffect): boolean {
  return before !== undefined && after === undefined;
}

function poolOf(text: string, pools: readonly Pool[]): string | undefined {
  const address = parseIpAddress(text);
  if (!address.ok) return undefined;
  return pools.find(({ entries }) =>
    entries.some(({ range }) => rangeContains(range, address.value)),
  )?.name;
}
