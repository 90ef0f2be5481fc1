/**
 * Metrics for Prometheus. Every metric is a row of a table (`MetricSpec`), so docs/metrics.md can be compared with it; counters of the loss
 * ledger are read at the moment of scraping, so nothing is counted twice. Labels come from tables of ours, never from the network:
 * the number of series is bounded. Nothing here blocks.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { CounterSpec, Ledger } from '../ledger.ts'

export type MetricSpec<Name extends string = string> = {
  /** Full name, unit last: `vedette_agent_queue_octets`. */
  name: Name
  type: 'counter' | 'gauge' | 'histogram'
  help: string
  labels?: readonly string[]
  /** Upper bounds, for histograms. */
  buckets?: readonly number[]
}

/** framesInFlows -> frames_in_flows */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Ledger counters as metrics: cumulative ones are counters named `..._total`, stocks are gauges. */
export function ledgerMetricSpecs(prefix: string, counters: readonly CounterSpec[]): MetricSpec[] {
  return counters.map(({ name, kind, text }) => kind === 'stock'
    ? { name: `${prefix}_${snakeCase(name)}`, type: 'gauge', help: `${text} (now)` }
    : { name: `${prefix}_${snakeCase(name)}_total`, type: 'counter', help: kind === 'estimate' ? `${text} (estimate)` : text })
}

export type MetricsOptions<Name extends string, Count extends string> = {
  /** `vedette_agent` or `vedette_collector`. */
  prefix: string
  specs: readonly MetricSpec<Name>[]
  counters: readonly (CounterSpec & { name: Count })[]
  ledger: Ledger<Count>
  /** Also Node's own: heap, event loop, garbage collection (`<prefix>_process_...`). */
  processMetrics?: boolean
}

type Labels = Record<string, string>

/** The metrics of one process. Setting a name that is not in the table does not compile. */
export class Metrics<Name extends string> {
  readonly #registry = new Registry()
  readonly #metrics = new Map<string, Counter | Gauge | Histogram>()
  readonly #refreshers: (() => void | Promise<void>)[] = []

  constructor(specs: readonly MetricSpec<Name>[]) {
    for (const spec of specs) this.#metrics.set(spec.name, this.#make(spec))
  }

  #make({ name, type, help, labels = [], buckets }: MetricSpec): Counter | Gauge | Histogram {
    const settings = { name, help, labelNames: [...labels], registers: [this.#registry] }
    if (type === 'counter') return new Counter(settings)
    return type === 'gauge' ? new Gauge(settings) : new Histogram({ ...settings, ...(buckets === undefined ? {} : { buckets: [...buckets] }) })
  }

  /** Ledger counters; read when scraped. */
  addLedger<Count extends string>(prefix: string, counters: readonly (CounterSpec & { name: Count })[], ledger: Ledger<Count>): void {
    for (const [i, { name, type, help }] of ledgerMetricSpecs(prefix, counters).entries()) {
      const count = counters[i].name
      const settings = { name, help, registers: [this.#registry] }
      if (type === 'gauge') new Gauge({ ...settings, collect() { this.set(ledger.get(count)) } })
      else new Counter({ ...settings, collect() { this.reset(); this.inc(ledger.get(count)) } })
    }
  }

  addProcessMetrics(prefix: string): void {
    collectDefaultMetrics({ register: this.#registry, prefix: `${prefix}_` })
  }

  /** Sets a gauge. */
  set(name: Name, value: number, labels: Labels = {}): void {
    const metric = this.#metrics.get(name)
    if (metric instanceof Gauge) metric.set(labels, value)
  }

  /** Adds to a counter. */
  add(name: Name, amount = 1, labels: Labels = {}): void {
    const metric = this.#metrics.get(name)
    if (metric instanceof Counter) metric.inc(labels, amount)
  }

  /** Adds one observation to a histogram. */
  observe(name: Name, value: number, labels: Labels = {}): void {
    const metric = this.#metrics.get(name)
    if (metric instanceof Histogram) metric.observe(labels, value)
  }

  /** Called before each scrape: the place to set gauges that are read rather than kept. */
  beforeScrape(refresh: () => void | Promise<void>): void {
    this.#refreshers.push(refresh)
  }

  /** The page for Prometheus, text format 0.0.4. */
  async text(): Promise<string> {
    for (const refresh of this.#refreshers) await refresh()
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }
}

export function createMetrics<Name extends string, Count extends string>(options: MetricsOptions<Name, Count>): Metrics<Name> {
  const metrics = new Metrics(options.specs)
  metrics.addLedger(options.prefix, options.counters, options.ledger)
  if (options.processMetrics === true) metrics.addProcessMetrics(options.prefix)
  return metrics
}
