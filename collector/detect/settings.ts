/**
 * Thresholds of the detectors: the shape of packaging/config/detectors.yaml, checked once, trusted after. Reading the
 * file is the configuration's business; this takes the plain object.
 */
import { createHash } from 'node:crypto'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { VedetteError } from '../../proto/error.ts'
import type { Static } from 'typebox'

const count = (minimum = 1): ReturnType<typeof Type.Integer> => Type.Integer({ minimum })
const points = (): ReturnType<typeof Type.Integer> => Type.Integer({ minimum: 0, maximum: 100 })
const strict = { additionalProperties: false }
const learnt = {
  enabled: Type.Boolean(), least: count(2), factor: Type.Number({ minimum: 1 }), atMost: count(), points: points(), sizePoints: points(),
}
const serviceName = Type.String({ minLength: 1, maxLength: 40 })
const service = Type.Object({ name: serviceName, times: Type.Optional(Type.Number({ minimum: 1 })) }, strict)

export const detectorSchema = Type.Object({
  learningDays: Type.Number({ minimum: 0, maximum: 28 }),
  limits: Type.Object({ hosts: count(16), keys: count(16), slots: count(16), wide: count(4), episodes: count(4) }, strict),
  oneWay: Type.Object({ share: Type.Number({ minimum: 0, maximum: 1 }), flows: count() }, strict),
  fromOutside: points(),
  detectors: Type.Object({
    'port-scan': Type.Object(learnt, strict),
    'brute-force': Type.Object({
      ...learnt, leastLong: count(2), successPoints: points(), services: Type.Record(Type.String(), service),
      shortSeconds: Type.Number({ minimum: 1 }), sessionSeconds: Type.Number({ minimum: 1 }), sessionOctets: count(),
    }, strict),
    'dns-tunnel': Type.Object({
      ...learnt, labelLength: Type.Number({ minimum: 1 }), entropy: Type.Number({ minimum: 0 }), hosts: count(),
      exempt: Type.Array(Type.String()),
    }, strict),
    'flow-model': Type.Object({
      enabled: Type.Boolean(), most: Type.Integer({ minimum: 0, maximum: 10 }), learnt: count(),
      tail: Type.Number({ minimum: 0, maximum: 1 }),
    }, strict),
  }, strict),
}, strict)

export type DetectorSettings = Static<typeof detectorSchema>
export type LearntSettings = Pick<DetectorSettings['detectors']['port-scan'], 'least' | 'factor' | 'atMost'>
export type PortScanSettings = DetectorSettings['detectors']['port-scan']
export type BruteForceSettings = DetectorSettings['detectors']['brute-force']
export type DnsTunnelSettings = DetectorSettings['detectors']['dns-tunnel']
export type FlowModelSettings = DetectorSettings['detectors']['flow-model']

/** Checks a plain object. Throws E_CONFIG naming the key, what is wrong, and the known keys when one is misspelled. */
export function readDetectorSettings(plain: unknown): DetectorSettings {
  const [first] = [...Value.Errors(detectorSchema, plain)].filter(({ keyword }) => keyword !== 'boolean')
  if (first !== undefined) throw new VedetteError('E_CONFIG', `detectors: ${problem(first)}`, 'Compare with packaging/config/detectors.yaml')
  const settings = plain as DetectorSettings
  for (const port of Object.keys(settings.detectors['brute-force'].services)) {
    if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535) throw new VedetteError('E_CONFIG', `detectors: detectors.brute-force.services: '${port}' is not a port`, 'Ports are 1 to 65535')
  }
  const { slots } = settings.limits
  if ((slots & slots - 1) !== 0) throw new VedetteError('E_CONFIG', `detectors: limits.slots: ${slots} is not a power of two`, 'Use 65536, for example')
  return settings
}

type Problem = { keyword: string, instancePath: string, message: string, params: object }

function problem({ keyword, instancePath, message, params }: Problem): string {
  const path = instancePath.slice(1).replaceAll('/', '.')
  const at = path === '' ? '' : `${path}: `
  if (keyword !== 'additionalProperties' || !('additionalProperties' in params)) return `${at}${message}`
  const unknown = String((params.additionalProperties as unknown[])[0])
  const guess = nearest(unknown, knownKeys(path))
  return `${at}unknown key '${unknown}'${guess === undefined ? '' : `, did you mean '${guess}'?`}`
}

function knownKeys(path: string): string[] {
  let at: unknown = detectorSchema
  for (const part of path.split('.').filter((text) => text !== '')) at = (at as { properties?: Record<string, unknown> }).properties?.[part]
  return Object.keys((at as { properties?: Record<string, unknown> } | undefined)?.properties ?? {})
}

/** The known word at the least edit distance (Levenshtein 1966), if it is close. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, i) => i)
    for (let i = 1; i <= a.length; i++) {
      const next = [i]
      for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
      row = next
    }
    return row[b.length]
  }
  const [best] = known.map((text) => ({ text, far: distance(word.slice(0, 40), text) })).sort((a, b) => a.far - b.far)
  return best !== undefined && best.far <= Math.max(2, word.length / 3) ? best.text : undefined
}

/** Hash of thresholds, stored with every finding that they made: 12 hexadecimal digits. */
export function versionHash(name: string, settings: object): string {
  return createHash('sha256').update(`${name} ${JSON.stringify(settings)}`).digest('hex').slice(0, 12)
}
