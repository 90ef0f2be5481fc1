/**
 * One packet socket with its ring: the kernel writes frames into blocks, this process walks a block in place and hands
 * it back. Nothing is copied and nothing is called per packet. When the process is too slow the kernel drops, and says
 * how many (`count`).
 *
 * Order of the set-up matters: ring and filter stand before the socket is bound, so that no packet passes unfiltered.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { VedetteError } from '../../proto/error.ts'
import { snapProgram } from './bpf.ts'
import type { Program } from './bpf.ts'
import {
  blockReady, blockWord, deviceLinks, frameWord, int32s, loopbackDevice, outside, packet, rawLink, socketOption, vlanValid,
} from './ring-abi.ts'
import type { Libc } from './ring-abi.ts'
import type { OwnTraffic } from './ring-own.ts'
import { makeFrames } from './source.ts'
import type { Frames, SourceCounters } from './source.ts'

const blockOctets = 1 << 20
const frameOctets = 2048
const leastBlocks = 4
/** A block that is not full is handed over after this long, milliseconds. */
const retireMs = 50
const framesPerWalk = 4096

export type RingOptions = {
  /** Memory of the ring, octets: whole megabytes. Halved, down to 4 MiB, while the kernel has no room for it. */
  ringOctets: number
  promiscuous: boolean
  /** Octets of each frame to keep; 0: all. */
  snapLength: number
  program: Program | undefined
  own: OwnTraffic | undefined
}

const named = (errno: number): string => Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `error ${String(errno)}`

export class PacketRing {
  readonly name: string
  readonly fd: number
  readonly octets: number
  private readonly libc: Libc
  private readonly index: number
  private readonly address: bigint
  private readonly memory: ArrayBuffer
  private readonly words: Int32Array
  private readonly frames: Frames
  private readonly own: OwnTraffic | undefined
  private readonly statistics = outside(12)
  private block = 0
  /** Frames of the current block still to be walked, and where the next one is. */
  private left = 0
  private at = 0
  private lent = false
  private interfaceDrops: number

  /** Opens, fills and binds the socket. Throws E_CAPTURE_PERMISSION, E_CAPTURE_INTERFACE, E_CAPTURE_RING. */
  constructor(libc: Libc, name: string, options: RingOptions) {
    this.libc = libc
    this.name = name
    this.own = options.own
    this.index = libc.interfaceIndex(name)
    this.fd = openSocket(libc)
    try {
      this.must(libc.set(this.fd, packet.level, packet.version, int32s(packet.version3)), 'the kernel has no version-3 ring')
      this.octets = this.reserve(options.ringOctets)
      const program = options.program ?? (options.snapLength === 0 ? undefined : snapProgram(options.snapLength))
      if (program !== undefined) this.attach(program)
      if (options.promiscuous) {
        // struct packet_mreq: index, type, length of an address, address.
        const request = int32s(this.index, packet.promiscuous, 0, 0)
        this.must(libc.set(this.fd, packet.level, packet.addMembership, request), `${name} cannot be made promiscuous`)
      }
      const mapped = libc.map(this.fd, this.octets)
      if (mapped === undefined) throw this.failed('the ring cannot be mapped')
      this.address = mapped.address
      this.memory = mapped.memory
    } catch (error) {
      libc.close(this.fd)
      throw error
    }
    this.words = new Int32Array(this.memory)
    this.frames = makeFrames(new Uint8Array(this.memory), framesPerWalk)
    this.interfaceDrops = interfaceDrops(name)
    // struct sockaddr_ll: family, protocol (network order), index.
    const target = outside(20)
    const view = new DataView(target.buffer)
    view.setUint16(0, packet.family, true)
    view.setUint16(2, packet.allProtocols, false)
    view.setInt32(4, this.index, true)
    if (libc.bind(this.fd, target) < 0) {
      const error = this.failed(`${name} cannot be captured from`)
      this.close()
      throw error
    }
  }

  /** Whether frames are there to be walked. */
  ready(): boolean {
    return this.left > 0 || (Atomics.load(this.words, this.blockWord(blockWord.status)) & blockReady) !== 0
  }

  /**
   * Frames of the current block, at most 4,096; valid until `release`. Loopback's outgoing copies and own traffic are
   * left out and counted as ignored. Call only when `ready`.
   */
  walk(counters: SourceCounters): Frames {
    const { words, frames, own } = this
    const { offset, captured, wire, micros, link, vlan, bytes } = frames
    if (!this.lent) {
      this.lent = true
      this.left = words[this.blockWord(blockWord.packets)]
      this.at = this.block * blockOctets + words[this.blockWord(blockWord.firstPacket)]
    }
    let n = 0
    let ignored = 0
    let octets = 0
    for (; this.left > 0 && n < framesPerWalk; this.left--) {
      const at = this.at
      const w = at >> 2
      this.at += words[w + frameWord.next]
      const device = words[w + frameWord.deviceType]
      const type = device & 0xffff
      if (type === loopbackDevice && (device >> 16 & 0xff) === packet.outgoing) { ignored++; continue }
      const macNet = words[w + frameWord.macNet]
      const mac = macNet & 0xffff
      const known = type === 1 || type === loopbackDevice ? 1 : deviceLinks.get(type) ?? -1
      const passed = known < 0 ? Math.max(0, (macNet >>> 16) - mac) : 0
      const start = at + mac + passed
      const length = Math.max(0, words[w + frameWord.captured] - passed)
      if (own?.matches(bytes, start, length, known < 0) === true) { ignored++; continue }
      const whole = Math.max(length, words[w + frameWord.wire] - passed)
      offset[n] = start
      captured[n] = length
      wire[n] = whole
      micros[n] = (words[w + frameWord.seconds] >>> 0) * 1e6 + (words[w + frameWord.nanoseconds] >>> 0) / 1000
      link[n] = known < 0 ? rawLink : known
      vlan[n] = (words[w + frameWord.status] & vlanValid) === 0 ? -1 : words[w + frameWord.vlan] & 0xffff
      octets += whole
      n++
    }
    frames.count = n
    counters.frames += n + ignored
    counters.ignored += ignored
    counters.octets += octets
    return frames
  }

  /** Hands the block back when all of it was walked. */
  release(): void {
    if (!this.lent || this.left > 0) return
    Atomics.store(this.words, this.blockWord(blockWord.status), 0)
    this.lent = false
    this.block = (this.block + 1) % (this.octets / blockOctets)
  }

  /**
   * Adds what kernel and interface dropped since the last call. The kernel's counter starts anew each time it is read.
   */
  count(counters: SourceCounters): void {
    const got = this.libc.get(this.fd, packet.level, packet.statistics, this.statistics)
    if (got >= 8) counters.kernelDropped += new DataView(this.statistics.buffer).getUint32(4, true)
    const drops = interfaceDrops(this.name)
    if (drops > this.interfaceDrops) counters.interfaceDropped += drops - this.interfaceDrops
    this.interfaceDrops = drops
  }

  /** After `poll` reported an error: whether the interface is still there (it may only be down). Clears the error. */
  present(): boolean {
    this.libc.get(this.fd, socketOption.level, socketOption.error, outside(4))
    return this.libc.interfaceIndex(this.name) === this.index
  }

  /** Frames handed out before read as empty afterwards: the memory is detached before it is unmapped. */
  close(): void {
    this.left = 0
    this.frames.count = 0
    this.memory.transfer(0)
    this.libc.unmap(this.address, this.octets)
    this.libc.close(this.fd)
  }

  private blockWord(word: number): number {
    return (this.block * blockOctets >> 2) + word
  }

  private reserve(wanted: number): number {
    for (let blocks = Math.max(leastBlocks, Math.floor(wanted / blockOctets)); ; blocks >>= 1) {
      // struct tpacket_req3: block size, blocks, frame size, frames, retire time-out, private octets, features.
      const request = int32s(blockOctets, blocks, frameOctets, blockOctets / frameOctets * blocks, retireMs, 0, 0)
      if (this.libc.set(this.fd, packet.level, packet.rxRing, request) >= 0) return blocks * blockOctets
      if (blocks >> 1 < leastBlocks) throw this.failed(`no memory for a ring of ${String(blocks)} MiB`)
    }
  }

  private attach(program: Program): void {
    // struct sock_fprog: count of instructions, padding, pointer.
    const request = outside(16)
    const view = new DataView(request.buffer)
    view.setUint16(0, program.length / 8, true)
    view.setBigUint64(8, this.libc.address(program), true)
    if (this.libc.set(this.fd, socketOption.level, socketOption.attachFilter, request) < 0) {
      throw new VedetteError('E_CAPTURE_FILTER', `the kernel refused the filter (${named(this.libc.errno())})`)
    }
  }

  private must(result: number, what: string): void {
    if (result < 0) throw this.failed(what)
  }

  private failed(what: string): VedetteError {
    return new VedetteError('E_CAPTURE_RING', `${what} (${named(this.libc.errno())})`, 'See docs/errors.md for what a ring needs')
  }
}

function openSocket(libc: Libc): number {
  const fd = libc.socket()
  if (fd >= 0) return fd
  const errno = libc.errno()
  if (errno === constants.errno.EPERM || errno === constants.errno.EACCES) {
    throw new VedetteError('E_CAPTURE_PERMISSION', `capturing needs a right this user does not have (${named(errno)})`,
      'Run as root, or give the right alone: setcap cap_net_raw+ep on the node binary, or AmbientCapabilities=CAP_NET_RAW in the unit')
  }
  const advice = 'Capture with another tool and replay its files'
  throw new VedetteError('E_CAPTURE_RING', `this kernel offers no packet sockets (${named(errno)})`, advice)
}

/** What the interface itself dropped since it came up; 0 when nobody says. */
function interfaceDrops(name: string): number {
  let sum = 0
  for (const counter of ['rx_dropped', 'rx_missed_errors']) {
    try {
      sum += Number(readFileSync(`/sys/class/net/${name}/statistics/${counter}`, 'utf8'))
    } catch { /* gone, or a kernel without it: an estimate less */ }
  }
  return sum
}
