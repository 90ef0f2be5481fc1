/**
 * A source whose code is loaded when it is opened: a replay of a file does not wait for what only live capture or
 * simulation needs.
 */
import { newSourceCounters } from './source.ts'
import type { Frames, Source, SourceCounters, SourceProgress } from './source.ts'

export class LateSource implements Source {
  private readonly before: { name: string, counters: SourceCounters, warnings: Source['warnings'] }
  private readonly load: () => Promise<Source>
  private source: Source | undefined
  private closed = false

  constructor(name: string, load: () => Promise<Source>) {
    this.before = { name, counters: newSourceCounters(), warnings: [] }
    this.load = load
  }

  get name(): string {
    return (this.source ?? this.before).name
  }

  get counters(): SourceCounters {
    return (this.source ?? this.before).counters
  }

  get warnings(): Source['warnings'] {
    return (this.source ?? this.before).warnings
  }

  progress(): SourceProgress {
    return this.source?.progress() ?? { name: this.name }
  }

  async open(): Promise<void> {
    this.source = await this.load()
    await this.source.open()
  }

  async next(): Promise<Frames | undefined> {
    return this.closed ? undefined : this.source?.next()
  }

  async close(): Promise<void> {
    this.closed = true
    await this.source?.close()
  }
}
