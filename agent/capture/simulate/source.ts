/**
 * The simulated office as a source of frames: the same seed gives the same frames in the same blocks. Loses nothing, blocks for some
 * milliseconds per block (it computes), never waits. Memory is bounded by what overlaps in time, a few megabytes.
 */
import { attackScripts } from './attacks/index.ts'
import { benignScripts } from './benign/index.ts'
import { Lan } from './lan.ts'
import { fullOptions, generatorVersion } from './options.ts'
import type { SimulateOptions } from './options.ts'
import { newSourceCounters } from '../source.ts'
import type { Frames, Source, SourceProgress } from '../source.ts'
import type { AttackTruth, Truth } from './truth.ts'

/** Frames gathered before they are sorted and handed over. */
const blockFrames = 8192

export class SimulateSource implements Source {
  readonly name: string
  readonly counters = newSourceCounters()
  readonly warnings: { code: string, text: string }[] = []
  private readonly lan: Lan
  private readonly attacks: (() => AttackTruth)[] = []
  private opened = false
  private ended = false
  private reachedMicros: number

  /** Throws E_USAGE when an option is out of range. */
  constructor(options: SimulateOptions) {
    this.lan = new Lan(fullOptions(options))
    this.name = `simulated office, seed ${options.seed}`
    this.reachedMicros = this.lan.startMicros
  }

  progress(): SourceProgress {
    const { startMicros, endMicros } = this.lan
    return { name: this.name, fraction: this.ended ? 1
      : (Math.min(this.reachedMicros, endMicros) - startMicros) / (endMicros - startMicros) }
  }

  open(): Promise<void> {
    if (this.opened) return Promise.resolve()
    this.opened = true
    for (const [name, start] of Object.entries(benignScripts)) start(this.lan, name)
    for (const kind of this.lan.options.attacks) this.attacks.push(attackScripts[kind](this.lan))
    return Promise.resolve()
  }

  next(): Promise<Frames | undefined> {
    return Promise.resolve(this.block())
  }

  close(): Promise<void> {
    this.ended = true
    return Promise.resolve()
  }

  /** What happened; complete once `next` has given undefined. */
  truth(): Truth {
    const { options, cast, wire, tallies } = this.lan
    const attacks = this.attacks.map((tell) => tell())
    const kinds = new Set<string>(['attack', ...attacks.map(({ kind }) => kind)])
    const benign = [...tallies].filter(([name]) => !kinds.has(name.split(' ', 1)[0]))
    return {
      seed: options.seed, generatorVersion, hours: options.hours, startMicros: options.startMicros, endMicros: options.endMicros,
      firstPacketMicros: wire.firstMicros, lastPacketMicros: wire.lastMicros, packets: wire.packets, octets: wire.octets,
      flows: [...tallies.values()].reduce((sum, { flows }) => sum + flows, 0),
      internalNetworks: cast.networks,
      hosts: cast.hosts.map(({ name, role, text, mac }) => ({ name, role, address: text,
        mac: [...mac].map((x) => x.toString(16).padStart(2, '0')).join(':') })),
      benign: benign.map(([behaviour, { packets, flows, octets }]) => ({ behaviour, packets, flows, octets: octets[0] + octets[1] })),
      attacks,
    }
  }

  private block(): Frames | undefined {
    const { schedule, wire, endMicros } = this.lan
    if (this.ended) return undefined
    // What is left of earlier blocks lies in the future; a whole block of new frames makes sure that time goes on.
    const goal = wire.pending + blockFrames
    while (wire.pending < goal && schedule.nextMicros < endMicros) schedule.step()
    // Nothing earlier than the next script's time will be written any more.
    const frames = wire.flush(Math.min(schedule.nextMicros, endMicros))
    this.reachedMicros = schedule.nextMicros
    if (schedule.nextMicros >= endMicros && frames.count === 0) {
      this.ended = true
      return undefined
    }
    this.counters.frames = wire.packets
    this.counters.octets = wire.octets
    return frames
  }
}
