/** Whether the newest configuration is in force, for metrics, and what stands in the way. */

export interface ConfigurationVerdict {
  /** True while something of the newest configuration is not used. */
  readonly isStale: boolean;
  /** What stands in the way, as sentences; empty when nothing does. */
  readonly problems: readonly string[];
}

/** `refused`: what is not used, as sentences. `lost`: keys of announced Services whose address has no pool any more (V-X6). */
export function toVerdict(
  refused: readonly string[],
  lost: readonly string[],
): ConfigurationVerdict {
  const problems = [...refused];
  if (lost.length > 0) {
    problems.push(
      `the new configuration is not used: it has no pool for the address of ${lost.length} ` +
        `announced Services, ${lost[0] ?? ""} among them (V-X6)`,
    );
  }
  return { isStale: problems.length > 0, problems };
}
