/**
 * Capture files, one after the other: pcap and pcapng, plain, gzip or zstd, `-` for standard input.
 *
 * All files are looked at when the source is opened, so that a wrong name among them is said before anything is read. A
 * damaged file gives what could be read of it, one count in `damaged` for each record that could not, and one warning;
 * the next file follows. Only when not a single packet of the first file can be read is that an error. Standard input
 * and pipes cannot be looked at twice: theirs are opened when their turn comes. Frames lie in the read buffer: 192 KiB,
 * growing to the largest record (limit 16 MiB). Blocks on plain files only (see `inflate.ts`).
 */
import { VedetteError } from '../../proto/error.ts'
import { fileSize, openInput } from './inflate.ts'
import type { Input } from './inflate.ts'
import { PcapReader, pcapHeaderOctets, pcapOrder } from './pcap.ts'
import { isPcapng, PcapngReader, pcapngHeaderOctets } from './pcapng.ts'
import type { RecordReader } from './records.ts'
import { makeFrames, newSourceCounters } from './source.ts'
import type { Frames, Source, SourceProgress } from './source.ts'

/** One read; larger ones leave the processor's cache and are slower. */
const readOctets = 128 * 1024
/** A read and the beginning of the record that was left over from the one before. */
const bufferOctets = readOctets + 64 * 1024
const framesPerBlock = 4096
/** Warnings kept, so that ten thousand damaged files do not fill the memory. */
const warningLimit = 100

/** Other formats people try, by their first octets, and what to do about them. */
const lookalikes: readonly { magic: readonly number[], what: string, advice: string }[] = [
  { magic: [0xfd, 0x37, 0x7a, 0x58], what: 'compressed with xz', advice: 'Decompress it first: xz -dk FILE' },
  { magic: [0x42, 0x5a, 0x68], what: 'compressed with bzip2', advice: 'Decompress it first: bunzip2 -k FILE' },
  { magic: [0x04, 0x22, 0x4d, 0x18], what: 'compressed with lz4', advice: 'Decompress it first: lz4 -d FILE' },
  { magic: [0x50, 0x4b, 0x03, 0x04], what: 'a zip archive', advice: 'Unpack it first' },
  { magic: [0x73, 0x6e, 0x6f, 0x6f], what: 'a snoop capture', advice: 'Convert it: editcap -F pcap FILE OUT.pcap' },
  { magic: [0x47, 0x4d, 0x42, 0x55], what: 'a Network Monitor capture', advice: 'Convert it: editcap -F pcap FILE OUT.pcap' },
]

type Current = {
  name: string
  input: Input
  reader: RecordReader
  /** Octets [from, to) of the buffer are read and not yet parsed. */
  from: number
  to: number
  ended: boolean
  frames: number
  damagedBefore: number
}

export class FileSource implements Source {
  readonly name: string
  readonly counters = newSourceCounters()
  readonly warnings: { code: string, text: string }[] = []
  private readonly paths: readonly string[]
  private readonly frames: Frames = makeFrames(new Uint8Array(bufferOctets), framesPerBlock)
  private turn = 0
  private current: Current | undefined
  /** A block parsed ahead while opening. */
  private ahead = false
  private delivered = 0
  private closed = false
  private sizes: (number | undefined)[] = []
  private octetsBefore = 0

  /** At least one path; `-` is standard input. */
  constructor(paths: readonly string[]) {
    this.paths = paths
    this.name = paths.length === 1 ? nameOf(paths[0]) : `${nameOf(paths[0])} and ${String(paths.length - 1)} more`
  }

  progress(): SourceProgress {
    const name = this.current?.name ?? nameOf(this.paths[Math.max(0, this.turn - 1)])
    let total = 0
    for (const size of this.sizes) {
      if (size === undefined) return { name }
      total += size
    }
    const read = this.octetsBefore + (this.current?.input.position ?? 0)
    return { name, fraction: total === 0 ? 0 : Math.min(1, read / total) }
  }

  /**
   * Throws E_FILE_MISSING, E_FILE_DIRECTORY, E_FILE_UNREADABLE, E_CAPTURE_EMPTY, E_CAPTURE_FORMAT for any of the files,
   * E_CAPTURE_EMPTY for a single one without packets, and E_CAPTURE_DAMAGED when the first one has packets and none can be read.
   */
  async open(): Promise<void> {
    if (this.paths.length === 0) throw new VedetteError('E_USAGE', 'no capture file was named', 'Name one or more, or - for standard input')
    const sizes: (number | undefined)[] = []
    for (const path of this.paths.slice(1)) {
      const size = fileSize(path)
      sizes.push(size)
      if (size !== undefined) (await this.begin(path)).input.close()
    }
    this.current = await this.begin(this.paths[0])
    this.turn = 1
    this.sizes = [this.current.input.size, ...sizes]
    // Reading ahead on a pipe would wait for its first packet.
    if (this.current.input.size === undefined) return
    this.ahead = await this.fill(this.current)
    if (!this.ahead) this.finish()
  }

  async next(): Promise<Frames | undefined> {
    if (this.ahead) {
      this.ahead = false
      return this.count()
    }
    while (!this.closed) {
      if (this.current === undefined) {
        if (this.turn === this.paths.length) return undefined
        this.current = await this.later(this.paths[this.turn++])
        if (this.current === undefined) continue
      }
      if (await this.fill(this.current)) return this.count()
      this.finish()
    }
    return undefined
  }

  close(): Promise<void> {
    this.closed = true
    this.ahead = false
    this.current?.input.close()
    return Promise.resolve()
  }

  private count(): Frames {
    const { counters, current, frames } = this
    counters.frames += frames.count
    this.delivered += frames.count
    if (current !== undefined) current.frames += frames.count
    return frames
  }

  /** Opens a file and reads its header. */
  private async begin(path: string): Promise<Current> {
    const name = nameOf(path)
    const input = await openInput(path)
    try {
      const { bytes, view } = this.frames
      let to = 0
      while (to < pcapHeaderOctets) {
        const got = await input.read(bytes, to, Math.min(readOctets, bytes.length - to))
        if (got === 0) break
        to += got
      }
      const made = 'Check how it was made or copied'
      if (to === 0) throw new VedetteError('E_CAPTURE_EMPTY', `${name} is empty${input.damage === '' ? '' : `: ${input.damage}`}`, made)
      const file = { name, input, to, ended: false, frames: 0, damagedBefore: this.counters.damaged }
      if (to >= pcapngHeaderOctets && isPcapng(view)) return { ...file, reader: new PcapngReader(this.counters), from: 0 }
      if (to >= 4 && pcapOrder(view) !== undefined) {
        if (to < pcapHeaderOctets) throw new VedetteError('E_CAPTURE_FORMAT', `${name} ends inside its file header`, made)
        return { ...file, reader: new PcapReader(view, this.counters), from: pcapHeaderOctets }
      }
      throw notCapture(name, bytes.subarray(0, to))
    } catch (error) {
      input.close()
      throw error
    }
  }

  /**
   * A file whose turn has come; one that has become unusable since it was looked at is counted and said, and passed
   * over.
   */
  private async later(path: string): Promise<Current | undefined> {
    try {
      return await this.begin(path)
    } catch (error) {
      if (!(error instanceof VedetteError)) throw error
      this.counters.damaged++
      this.warn(error.code, error.message)
      return undefined
    }
  }

  /** Parses into `frames`, reading as needed; false when nothing more is to be had from this file. */
  private async fill(current: Current): Promise<boolean> {
    const { frames } = this
    const { reader, input } = current
    while (!reader.broken) {
      if (reader.skip === 0) {
        current.from = reader.parse(frames, current.from, current.to)
        if (frames.count > 0) return true
      }
      if (reader.skip > 0) {
        const passed = Math.min(reader.skip, current.to - current.from)
        current.from += passed
        reader.skip -= passed
        if (reader.skip === 0) continue
      }
      if (current.ended) return false
      if (!this.makeRoom(current)) return false
      const got = input.read(frames.bytes, current.to, Math.min(readOctets, frames.bytes.length - current.to))
      const octets = typeof got === 'number' ? got : await got
      if (octets === 0) current.ended = true
      current.to += octets
    }
    return false
  }

  /**
   * Moves what is left to the front and grows the buffer when the next record needs it; false when the file cannot hold
   * that record.
   */
  private makeRoom(current: Current): boolean {
    const { frames } = this
    const { reader, input, from, to } = current
    const wanted = reader.skip > 0 ? 0 : reader.needed
    if (wanted > frames.bytes.length) {
      // A length that the rest of the file cannot hold is damage: no memory is spent on it.
      if (!input.compressed && input.size !== undefined && wanted > input.size - input.position + to - from) return false
      const grown = new Uint8Array(wanted + readOctets)
      grown.set(frames.bytes.subarray(from, to))
      frames.bytes = grown
      frames.view = new DataView(grown.buffer)
    } else if (from > 0) frames.bytes.copyWithin(0, from, to)
    current.from = 0
    current.to = to - from
    return true
  }

  /** The end of a file: what is left over, or stopped the reader, is damage. */
  private finish(): void {
    if (this.current === undefined) return
    const { name, input, reader, from, to, frames, damagedBefore } = this.current
    this.current = undefined
    input.close()
    this.octetsBefore += input.size ?? 0
    const left = to - from
    const cut = reader.broken === '' && (left > 0 || reader.skip > 0)
    if (cut || (reader.broken === '' && input.damage !== '')) this.counters.damaged++
    const contradictions = this.counters.damaged - damagedBefore
    if (contradictions === 0) {
      if (frames > 0) return
      const text = `${name} has a header and no packets`
      // The only file, and nothing in it: nobody asked for that. From a pipe, or among others, it may be.
      if (this.paths.length === 1 && input.size !== undefined) throw new VedetteError('E_CAPTURE_EMPTY', text, 'Check how it was made or copied')
      this.warn('E_CAPTURE_EMPTY', text)
      return
    }
    const why = input.damage !== '' ? input.damage
      : reader.broken !== '' ? reader.broken
        : cut ? `it ends inside a record, ${String(left)} octets after its start`
          : `${String(contradictions)} record(s) contradict themselves`
    const text = `${name} is damaged after ${String(frames)} packets: ${why}`
    if (this.delivered === 0 && this.turn === 1) throw new VedetteError('E_CAPTURE_DAMAGED', text, 'Copy it again, or repair it with pcapfix')
    this.warn('E_CAPTURE_DAMAGED', `${text}. What could be read was used`)
  }

  private warn(code: string, text: string): void {
    if (this.warnings.length < warningLimit) this.warnings.push({ code, text })
  }
}

const nameOf = (path: string): string => path === '-' ? 'standard input' : path

function notCapture(name: string, head: Uint8Array): VedetteError {
  const known = lookalikes.find(({ magic }) => magic.every((octet, i) => head[i] === octet))
  const advice = known?.advice ?? 'Give a pcap or pcapng file (plain, gzip or zstd)'
  return new VedetteError('E_CAPTURE_FORMAT', `${name} is ${known?.what ?? 'not a capture file'}`, advice)
}
