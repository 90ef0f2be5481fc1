/**
 * Writes ONNX files: just enough of onnx.proto (github.com/onnx/onnx, IR version 8) for small dense models. Operators
 * are those of ai.onnx opset 17. Same input, same bytes. A test compares the result with onnx.checker where Python has
 * it.
 */
import { Writer } from '../proto/codec.ts'

/** float32 values that come with the model: weights, constants. */
export type OnnxTensor = { name: string, dims: readonly number[], values: Float32Array }
/** One operator. Attributes: a whole number, or a list of them (never 0: the writer leaves zeros out). */
export type OnnxNode = {
  op: string
  inputs: readonly string[]
  outputs: readonly string[]
  attributes?: Readonly<Record<string, number | readonly number[]>>
}
/** A float32 input or output; a dimension that varies has a name. */
export type OnnxValue = { name: string, dims: readonly (number | string)[] }

export type OnnxGraph = {
  name: string
  nodes: readonly OnnxNode[]
  tensors: readonly OnnxTensor[]
  inputs: readonly OnnxValue[]
  outputs: readonly OnnxValue[]
  /** Shown by tools that open the file. */
  metadata: Readonly<Record<string, string>>
}

const irVersion = 8
const opset = 17
const float32 = 1
const attributeType = { int: 2, ints: 7 } as const

const message = (fill: (out: Writer) => void): Uint8Array => {
  const out = new Writer(256)
  fill(out)
  return out.done()
}

const attribute = (name: string, value: number | readonly number[]): Uint8Array => message((out) => {
  out.string(1, name)
  if (typeof value === 'number') out.uint(3, value)
  else out.packed(8, value)
  out.uint(20, typeof value === 'number' ? attributeType.int : attributeType.ints)
})

const node = ({ op, inputs, outputs, attributes }: OnnxNode): Uint8Array => message((out) => {
  for (const name of inputs) out.string(1, name)
  for (const name of outputs) out.string(2, name)
  out.string(3, outputs.join('+'))
  out.string(4, op)
  for (const [name, value] of Object.entries(attributes ?? {})) out.raw(5, attribute(name, value))
})

const tensor = ({ name, dims, values }: OnnxTensor): Uint8Array => message((out) => {
  out.packed(1, dims)
  out.uint(2, float32)
  out.string(8, name)
  const raw = new Uint8Array(values.length * 4)
  const view = new DataView(raw.buffer)
  values.forEach((value, i) => { view.setFloat32(i * 4, value, true) })
  out.raw(9, raw)
})

const value = ({ name, dims }: OnnxValue): Uint8Array => message((out) => {
  const shape = message((s) => {
    for (const dim of dims) s.raw(1, message((d) => { if (typeof dim === 'number') d.uint(1, dim); else d.string(2, dim) }))
  })
  out.string(1, name)
  out.raw(2, message((type) => { type.raw(1, message((t) => { t.uint(1, float32); t.raw(2, shape) })) }))
})

/** The bytes of an ONNX file. */
export function writeOnnx(graph: OnnxGraph): Uint8Array {
  return message((out) => {
    out.uint(1, irVersion)
    out.string(2, 'vedette')
    out.raw(7, message((g) => {
      for (const n of graph.nodes) g.raw(1, node(n))
      g.string(2, graph.name)
      for (const t of graph.tensors) g.raw(5, tensor(t))
      for (const v of graph.inputs) g.raw(11, value(v))
      for (const v of graph.outputs) g.raw(12, value(v))
    }))
    out.raw(8, message((o) => { o.uint(2, opset) }))
    for (const [key, text] of Object.entries(graph.metadata)) {
      out.raw(14, message((m) => { m.string(1, key); m.string(2, text) }))
    }
  })
}
