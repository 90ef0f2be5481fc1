/** Random flow records for property tests: every field over its whole range, extremes more often than chance would have them. */
import fc from 'fast-check'
import { formatAddress } from '../../proto/address.ts'
import { connStates, directionMethods, endReasons, flowFields } from '../../proto/flow.ts'
import type { DnsTransaction, Flow } from '../../proto/flow.ts'

const edges = [0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]
export const uint = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat())
export const float32 = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value)
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value)
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 30 }))

export const address = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map((bytes) => formatAddress(bytes))

const dns: fc.Arbitrary<DnsTransaction> = fc.record(
  { query: text, type: uint, rcode: uint, answers: uint, rttMicros: uint, offsetMicros: uint },
  { requiredKeys: ['query', 'type', 'answers', 'rttMicros', 'offsetMicros'] },
)

const special: { [Name in keyof Flow]?: fc.Arbitrary<Flow[Name]> } = {
  initiatorAddress: address, responderAddress: address,
  connState: fc.constantFrom(...connStates), endReason: fc.constantFrom(...endReasons), directionMethod: fc.constantFrom(...directionMethods),
  sizes: fc.array(fc.integer(), { maxLength: 16 }), context: fc.array(uint, { maxLength: 8 }), dns: fc.array(dns, { maxLength: 4 }),
  edgeScore: float32, weight: float32,
}

const byWire = { uint, fixed64: uint, bool: fc.boolean(), double, float: float32, string: text }

const fields = Object.fromEntries(flowFields.map(({ name, wire }) => [name, special[name] ?? byWire[wire as keyof typeof byWire]]))

/** A complete record; `edgeScore` is sometimes absent. */
export const flowArbitrary = fc.record(fields, { requiredKeys: Object.keys(fields).filter((name) => name !== 'edgeScore') }) as unknown as fc.Arbitrary<Flow>
