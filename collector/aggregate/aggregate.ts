/**
 * Everything detection counts with, for one run: a run (live traffic, a replay) has its own windows, baselines and
 * clocks.
 */
import { Baseline } from './baseline.ts'
import { DistinctWindows } from './distinct-windows.ts'
import { Samples } from './samples.ts'
import { StreamClocks } from './stream-clocks.ts'
import { SumWindows } from './sum-windows.ts'
import type { Remember } from './baseline.ts'
import type { Capacity } from './panes.ts'

export type AggregateOptions = {
  capacity: Capacity
  /** Internal hosts whose usual ranges are kept. */
  hosts: number
  learningDays: number
  /** Sets a row of detection memory. */
  remember: Remember
}

/** What a detector may ask for; each call makes a new, empty structure. */
export interface Aggregate {
  readonly baseline: Baseline
  readonly clocks: StreamClocks
  readonly remember: Remember
  distinct(): DistinctWindows
  sums(width: number): SumWindows
  samples(): Samples
}

/** Makes the structures of one run. */
export function createAggregate(options: AggregateOptions): Aggregate {
  const { capacity, remember } = options
  return {
    baseline: new Baseline(options),
    clocks: new StreamClocks(),
    remember,
    distinct: () => new DistinctWindows(capacity),
    sums: (width) => new SumWindows(width, capacity.keys),
    samples: () => new Samples(Math.max(16, capacity.keys >> 4)),
  }
}
