/** The kinds of sink by name. */
import { VedetteError } from '../../proto/error.ts'
import { FileSink } from './file.ts'
import { HttpSink } from './http.ts'
import { NoneSink } from './none.ts'
import { StdoutSink } from './stdout.ts'
import type { FileOptions } from './file.ts'
import type { HttpOptions } from './http.ts'
import type { Sink } from './sink.ts'
import type { StdoutOptions } from './stdout.ts'

/** What any sink may be told; each takes what concerns it. */
export type SinkOptions = Partial<HttpOptions & FileOptions & StdoutOptions>

export const sinks = {
  http: ({ url, ...options }: SinkOptions): Sink => new HttpSink({ ...options, url: needed('http', 'url', url) }),
  stdout: (options: SinkOptions): Sink => new StdoutSink(options),
  file: ({ path }: SinkOptions): Sink => new FileSink({ path: needed('file', 'path', path) }),
  none: (): Sink => new NoneSink(),
} as const

export type SinkName = keyof typeof sinks

/** Makes the sink of that name; it opens nothing yet. Throws E_CONFIG for an unknown name, or when what the sink needs is missing. */
export function createSink(name: string, options: SinkOptions = {}): Sink {
  if (!Object.hasOwn(sinks, name)) {
    throw new VedetteError('E_CONFIG', `there is no sink called ${name}`, `Choose one of ${Object.keys(sinks).join(', ')}`)
  }
  return sinks[name as SinkName](options)
}

function needed(sink: SinkName, option: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new VedetteError('E_CONFIG', `the sink ${sink} needs a ${option}`, `Set agent.sink.${option}`)
  return value
}
