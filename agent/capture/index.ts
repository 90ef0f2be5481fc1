/** The kinds of source by name, and what each needs to be told. */
import { VedetteError } from '../../proto/error.ts'
import { FileSource } from './file.ts'
import { RingSource } from './ring.ts'
import type { RingSpec } from './ring.ts'
import type { Source } from './source.ts'

export type SourceSpec =
  | { kind: 'file', paths: string[] }
  | ({ kind: 'interface' } & RingSpec)
  | { kind: 'simulate', seed: number }

type Makers = { [Kind in SourceSpec['kind']]: (spec: Extract<SourceSpec, { kind: Kind }>) => Source }

export const sources: Makers = {
  file: ({ paths }) => new FileSource(paths),
  interface: (spec) => new RingSource(spec),
  simulate: () => { throw new VedetteError('E_PLATFORM', 'simulation is not built in') },
}

/** Makes the source a specification names; it opens nothing yet. */
export function createSource(spec: SourceSpec): Source {
  const make = sources[spec.kind] as (spec: SourceSpec) => Source
  return make(spec)
}
