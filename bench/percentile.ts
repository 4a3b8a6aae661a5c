/** The value below which this part (0 … 1) of the values lies, by nearest rank; NaN of nothing. */
export function percentile(values: Float64Array | readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort()
  if (sorted.length === 0) return NaN
  const rank = Math.ceil(part * sorted.length)
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** The usual three in one line: `0.61 / 2.1 / 8.0 ms`. */
export function spread(values: Float64Array | readonly number[]): string {
  return [0.5, 0.99, 1].map((part) => percentile(values, part).toFixed(2)).join(' / ')
}
