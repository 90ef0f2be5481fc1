/**
 * The kinds of source by name, and what each needs to be told. Adding one: a file, a line in `sources`, a page in docs.
 */
import { FileSource } from './file.ts'
import { LateSource } from './late.ts'
import type { RingSpec } from './ring.ts'
import type { SimulateOptions } from './simulate/index.ts'
import type { Source } from './source.ts'

export type SourceSpec =
  | { kind: 'file', paths: string[] }
  | ({ kind: 'interface' } & RingSpec)
  | ({ kind: 'simulate' } & SimulateOptions)

type Makers = { [Kind in SourceSpec['kind']]: (spec: Extract<SourceSpec, { kind: Kind }>) => Source }

export const sources: Makers = {
  file: ({ paths }) => new FileSource(paths),
  interface: (spec) => new LateSource(spec.interfaces.join(', '), async () => new (await import('./ring.ts')).RingSource(spec)),
  simulate: (spec) => new LateSource('simulate', async () => new (await import('./simulate/index.ts')).SimulateSource(spec)),
}

/** Makes the source a specification names; it opens nothing yet. */
export function createSource(spec: SourceSpec): Source {
  const make = sources[spec.kind] as (spec: SourceSpec) => Source
  return make(spec)
}
