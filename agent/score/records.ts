/**
 * The records of a chunk -> vectors, and scores -> the same records with `edgeScore` (field 55, float32) appended. A
 * chunk is the repeated field 6 of a FlowBatch: tag 0x32, length, Flow. Nothing of a record is touched but its length,
 * so what the scorer does not know survives. Buffers grow to the largest chunk seen and are kept. Throws
 * E_BATCH_UNDECODABLE on bytes that are not records.
 */
import { batchField } from '../../proto/codec.ts'
import { VedetteError } from '../../proto/error.ts'
import { featureCount } from '../../proto/feature.ts'
import { WireMeasures } from '../../proto/measures.ts'
import { Reader, varintLength, writeVarint } from '../../proto/wire.ts'
import { vectorInto } from '../../models/vector.ts'

const recordTag = batchField.flows * 8 + 2
/** Tag of field 55 with wire type 5, as two bytes of varint. */
const scoreTag = [55 * 8 + 5 & 127 | 128, 55 * 8 + 5 >> 7] as const
/** Bytes of a score on the wire. */
const scoreBytes = 6

export class RecordReader {
  /** Vectors, row after row: [count, featureCount]. */
  rows = new Float32Array(512 * featureCount)
  count = 0
  /** [from, to) of each record's content. */
  private spans = new Int32Array(512 * 2)
  private source: Uint8Array = new Uint8Array(0)
  private readonly measures = new WireMeasures()

  /** Reads the records of a chunk; afterwards `rows` and `count` hold their vectors. */
  read(bytes: Uint8Array): void {
    this.source = bytes
    this.count = 0
    const r = new Reader(bytes)
    try {
      while (r.at < bytes.length) {
        if (r.varint() !== recordTag) throw new RangeError('not a record')
        const end = r.length() + r.at
        if (this.count * 2 === this.spans.length) this.grow()
        this.spans[2 * this.count] = r.at
        this.spans[2 * this.count + 1] = end
        this.measures.read(r, end)
        vectorInto(this.measures, this.rows, this.count * featureCount)
        this.count++
      }
    } catch (error) {
      this.count = 0
      throw error instanceof RangeError ? new VedetteError('E_BATCH_UNDECODABLE', `a chunk is not records: ${error.message}`, '', { cause: error }) : error
    }
  }

  private grow(): void {
    const rows = new Float32Array(this.rows.length * 2)
    rows.set(this.rows)
    this.rows = rows
    const spans = new Int32Array(this.spans.length * 2)
    spans.set(this.spans)
    this.spans = spans
  }

  /** The chunk that was read last, each record with its score. A fresh buffer. */
  write(scores: Float32Array): Uint8Array<ArrayBuffer> {
    const { source, spans, count } = this
    let size = 0
    for (let i = 0; i < count; i++) {
      const length = spans[2 * i + 1] - spans[2 * i] + scoreBytes
      size += 1 + varintLength(length) + length
    }
    const out = new Uint8Array(size)
    const view = new DataView(out.buffer)
    let at = 0
    for (let i = 0; i < count; i++) {
      const from = spans[2 * i]
      const to = spans[2 * i + 1]
      out[at] = recordTag
      at = writeVarint(out, at + 1, to - from + scoreBytes)
      out.set(source.subarray(from, to), at)
      at += to - from
      out[at] = scoreTag[0]
      out[at + 1] = scoreTag[1]
      view.setFloat32(at + 2, scores[i], true)
      at += scoreBytes
    }
    return out
  }
}
