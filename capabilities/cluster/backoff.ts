/** Bounds of a back-off that doubles with each failure in a row. */
export interface BackoffLimits {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait after `failures` (≥ 1) failures in a row: `minMs` doubled each time up to `maxMs`, of which `random()`
 * (in [0, 1)) takes up to half away so that many clients do not come back at the same moment.
 */
export function planBackoffMs(
  failures: number,
  limits: BackoffLimits,
  random: () => number,
): number {
  const doublings = Math.min(Math.max(0, failures - 1), 30);
  const ceilingMs = Math.min(limits.maxMs, limits.minMs * 2 ** doublings);
  return ceilingMs * (1 - random() / 2);
}
