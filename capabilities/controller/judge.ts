/** The verdict on the configuration: which pools are in force, and what is wrong. */
import type { Pool } from "../../lib/config/configuration";
import { checkConfiguration, type ConfigurationResources } from "../../lib/config/check";
import { withLegacyNames } from "../../lib/config/legacy/legacy-names";
import { formatProblem, type Problem } from "../../lib/config/problem";
import { ReadMemo } from "../../lib/config/read-memo";
import { rangesOverlap } from "../../lib/net/ip-prefix";

export interface Verdict {
  /** Sorted by name; no two overlap. */
  readonly pools: readonly Pool[];
  /** Everything that is refused in what the controller itself uses: pools, communities. */
  readonly errors: readonly Problem[];
  /** Problems of any kind and severity but `inform`. */
  readonly current: readonly Problem[];
}

export class Judge {
  /** Watches give another object for each change, so that only what changed is read anew. */
  readonly #memo = new ReadMemo();
  #pools: readonly Pool[] = [];

  /**
   * Judges the whole. A pool that was in force and is refused now stays as it was, for as long as its object exists and nothing
   * else takes its addresses: a slip in an edit must not cost those who hold them.
   */
  judge(resources: ConfigurationResources): Verdict {
    const { configuration, problems } = checkConfiguration(resources, { memo: this.#memo });
    const existing = new Set(resources.ipAddressPools?.map(({ metadata }) => metadata.name));
    const inForce = new Set(configuration.pools.map(pool => pool.name));
    const kept = this.#pools.filter(
      pool =>
        !inForce.has(pool.name) &&
        existing.has(pool.name) &&
        !configuration.pools.some(other => doOverlap(pool, other)),
    );
    const inOrder = [...configuration.pools, ...kept].sort((left, right) =>
      left.name < right.name ? -1 : 1,
    );
    this.#pools = withLegacyNames(inOrder, resources.ipAddressPools);
    const current = problems.filter(problem => problem.severity !== "inform");
    return { pools: this.#pools, errors: problems.filter(isOurError), current };
  }
}

/** One line for each error. */
export function summarise(errors: readonly Problem[]): string {
  return errors.map(formatProblem).join("\n");
}

function isOurError(problem: Problem): boolean {
  return (
    problem.severity === "refuse" && ["IPAddressPool", "Community"].includes(problem.object.kind)
  );
}

function doOverlap(left: Pool, right: Pool): boolean {
  return left.entries.some(one =>
    right.entries.some(other => rangesOverlap(one.range, other.range)),
  );
}
