/**
 * Live capture on Linux: one ring per interface (`ring-socket.ts`), all waited for with one `poll` on another thread,
 * so that the event loop never blocks. Frames come in the order of their blocks; between interfaces the order is that
 * of reading, up to 50 ms apart.
 *
 * What it may lose: what the kernel drops while the ring is full (counted exactly), and what the interface drops before
 * (an estimate). An interface that goes down is said and waited for; one that is removed is said, and when it was the
 * last the source ends.
 */
import { networkInterfaces } from 'node:os'
import { readdirSync, readFileSync } from 'node:fs'
import { VedetteError } from '../../proto/error.ts'
import { compileFilter } from './bpf.ts'
import { deviceLinks, loadLibc, outside, pollEvent, rawLink } from './ring-abi.ts'
import type { Libc } from './ring-abi.ts'
import { OwnTraffic } from './ring-own.ts'
import type { Endpoint } from './ring-own.ts'
import { PacketRing } from './ring-socket.ts'
import { makeFrames, newSourceCounters } from './source.ts'
import type { Frames, Source, SourceProgress } from './source.ts'

/** Longest wait for a packet, milliseconds: how often time passes without one. */
const waitMs = 100
/** Drops are asked for once in this many blocks, and at every wait that was in vain. */
const blocksPerCount = 16
const defaultRingOctets = 32 * 1024 * 1024
/** Snap length when only a filter asks for one: the largest frame the kernel hands over. */
const wholeFrame = 262144

export type RingSpec = {
  interfaces: readonly string[]
  /** In tcpdump's language; empty: none. */
  filter?: string
  promiscuous?: boolean
  /** Octets of each frame to keep; 0: all. */
  snapLength?: number
  /** Memory of the ring of each interface, octets. */
  ringOctets?: number
  /** Collectors this process sends to: its own connections to them are left out, counted as ignored. */
  own?: readonly Endpoint[]
}

export class RingSource implements Source {
  readonly name: string
  readonly counters = newSourceCounters()
  readonly warnings: { code: string, text: string }[] = []
  private readonly spec: RingSpec
  private libc: Libc | undefined
  private rings: PacketRing[] = []
  /** struct pollfd of each ring: fd 4, events 2, revents 2. A ring whose interface has gone has fd -1. */
  private fds: DataView = new DataView(new ArrayBuffer(0))
  private readonly down = new Set<PacketRing>()
  private readonly removed = new Set<PacketRing>()
  private readonly nothing: Frames = makeFrames(new Uint8Array(0), 0)
  private turn = 0
  private blocks = 0
  private polling: Promise<number> | undefined
  private closed = false

  constructor(spec: RingSpec) {
    this.spec = spec
    this.name = spec.interfaces.join(', ')
  }

  progress(): SourceProgress {
    return { name: this.name }
  }

  /** Throws E_PLATFORM, E_CAPTURE_INTERFACE, E_CAPTURE_PERMISSION, E_CAPTURE_FILTER, E_CAPTURE_RING. */
  async open(): Promise<void> {
    const { interfaces, filter = '', promiscuous = false, snapLength = 0, ringOctets = defaultRingOctets, own = [] } = this.spec
    if (interfaces.length === 0) throw new VedetteError('E_USAGE', 'no interface was named', `Name one of ${known()}`)
    const libc = await loadLibc()
    this.libc = libc
    const unknown = interfaces.find((name) => libc.interfaceIndex(name) === 0)
    if (unknown !== undefined) throw new VedetteError('E_CAPTURE_INTERFACE', `there is no interface ${unknown}`, `Choose one of ${known()}`)
    const options = {
      promiscuous, snapLength, ringOctets,
      own: own.length === 0 ? undefined : new OwnTraffic(own, localAddresses()),
    }
    try {
      for (const name of new Set(interfaces)) {
        const program = filter.trim() === '' ? undefined
          : await compileFilter(filter, { link: linkOf(name), snapLength: snapLength === 0 ? wholeFrame : snapLength, interface: name })
        this.rings.push(new PacketRing(libc, name, { ...options, program }))
      }
    } catch (error) {
      this.release()
      throw error
    }
    this.fds = new DataView(outside(8 * this.rings.length).buffer)
    for (const [i, { fd }] of this.rings.entries()) {
      this.fds.setInt32(8 * i, fd, true)
      this.fds.setInt16(8 * i + 4, pollEvent.in, true)
    }
  }

  async next(): Promise<Frames | undefined> {
    for (const ring of this.rings) ring.release()
    for (let waited = false; !this.closed; waited = true) {
      for (let i = 0; i < this.rings.length; i++) {
        const ring = this.rings[(this.turn + i) % this.rings.length]
        if (!ring.ready()) continue
        this.turn = (this.turn + i + 1) % this.rings.length
        if (++this.blocks % blocksPerCount === 0) this.count()
        return ring.walk(this.counters)
      }
      if (waited) {
        this.count()
        return this.removed.size === this.rings.length ? undefined : this.nothing
      }
      await this.wait()
    }
    return undefined
  }

  async close(): Promise<void> {
    this.closed = true
    await this.polling
    if (this.rings.length > 0) this.count()
    this.release()
  }

  /** Waits for a block, at most 100 ms; looks at what happened to the interfaces. */
  private async wait(): Promise<void> {
    if (this.libc === undefined) return
    this.polling = this.libc.poll(new Uint8Array(this.fds.buffer), this.rings.length, waitMs)
    await this.polling
    this.polling = undefined
    for (const [i, ring] of this.rings.entries()) {
      const events = this.fds.getInt16(8 * i + 6, true)
      const failed = (events & (pollEvent.error | pollEvent.hangUp | pollEvent.invalid)) !== 0
      // The kernel does not say that an interface goes when it was down already.
      if (this.closed || this.removed.has(ring) || (!failed && !this.down.has(ring))) continue
      if (!ring.present()) {
        this.removed.add(ring)
        this.fds.setInt32(8 * i, -1, true)
        this.warn(`the interface ${ring.name} has gone; what it brought until then is complete`)
      } else if (!this.down.has(ring)) {
        this.down.add(ring)
        this.warn(`the interface ${ring.name} went down; capture goes on when it comes up`)
      }
    }
  }

  private count(): void {
    for (const ring of this.rings) if (!this.removed.has(ring)) ring.count(this.counters)
  }

  private warn(text: string): void {
    this.warnings.push({ code: 'E_CAPTURE_INTERFACE', text })
  }

  private release(): void {
    for (const ring of this.rings) ring.close()
    this.rings = []
  }
}

function known(): string {
  try {
    return readdirSync('/sys/class/net').join(', ')
  } catch {
    return Object.keys(networkInterfaces()).join(', ')
  }
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
}

function linkOf(name: string): number {
  try {
    return deviceLinks.get(Number(readFileSync(`/sys/class/net/${name}/type`, 'utf8'))) ?? rawLink
  } catch {
    return 1
  }
}
