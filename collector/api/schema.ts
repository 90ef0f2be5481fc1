/**
 * The shapes of the API, written once: they validate requests, serialise answers (what is not named here is never sent), and are the
 * types the page is checked against.
 */
import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { severities } from '../../proto/alert.ts'
import { flowFields } from '../../proto/flow.ts'
import type { WireType } from '../../proto/flow.ts'
import type { ArchivedFlow } from '../store/archive.ts'

const text = Type.String()
const number = Type.Number()
const integer = Type.Integer()

const UsualRange = Type.Object({ low: number, high: number, maximum: number, windows: integer, learning: Type.Boolean() })
const Evidence = Type.Object({
  name: text, label: text, value: number, unit: text, threshold: Type.Optional(number), usual: Type.Optional(UsualRange),
})
const RiskPart = Type.Object({ name: text, points: number, reason: text })
const FlowId = Type.Object({ stream: text, boot: text, number: integer })

export const states = ['new', 'acknowledged', 'escalated', 'closed'] as const
const entityKinds = ['host', 'service', 'sensor', 'metric'] as const

const subject = {
  id: text, fingerprint: text, detector: text, run: text, sensor: text, entityKind: Type.Enum([...entityKinds]), entity: text, peer: text,
}
const conclusion = {
  firstMicros: integer, lastMicros: integer, sentence: text, evidence: Type.Array(Evidence), riskParts: Type.Array(RiskPart),
  techniques: Type.Array(text), flows: Type.Array(FlowId), edgeScore: Type.Optional(number), centralScore: Type.Optional(number),
  versionHash: text,
}

export const FindingBody = Type.Object({ ...subject, ...conclusion, windowMicros: integer })

export const AlertBody = Type.Object({
  ...subject, ...conclusion, state: Type.Enum([...states]), severity: Type.Enum([...severities]), risk: number, raisedMs: integer,
  updatedMs: integer, findings: integer, nextSteps: Type.Array(text), version: integer,
})

const DnsTransaction = Type.Object({
  query: text, type: integer, rcode: Type.Optional(integer), answers: integer, rttMicros: integer, offsetMicros: integer,
})

const ofWire: Record<WireType, TSchema> = {
  uint: integer, bool: Type.Boolean(), fixed64: integer, double: number, float: number, bytes: text, string: text,
  packedUint: Type.Array(integer), packedSint: Type.Array(integer), message: Type.Array(DnsTransaction),
}
/** Numbers on the wire that are words in the record. */
const words = new Set<string>(['connState', 'endReason', 'directionMethod'])

/** Every field of the record by the contract's own table, and where it came from. */
export const FlowBody = Type.Unsafe<ArchivedFlow>(Type.Object({
  stream: text, sensor: text, boot: text, run: text, communityId: text,
  ...Object.fromEntries(flowFields.map(({ name, wire }) =>
    [name, name === 'edgeScore' ? Type.Optional(number) : words.has(name) ? text : ofWire[wire]])),
}))

export const ProblemBody = Type.Object({
  type: text, title: text, status: integer, detail: text, code: text, retryable: Type.Boolean(), requestId: text,
  advice: Type.Optional(text),
  errors: Type.Optional(Type.Array(Type.Object({ pointer: text, detail: text }))),
})
/** Put beside the good answer of every route. */
export const refusals = { '4xx': ProblemBody, '5xx': ProblemBody } as const

const paging = {
  limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }), cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
}
const word = (maxLength: number): ReturnType<typeof Type.String> => Type.String({ maxLength })
const port = Type.Integer({ minimum: 0, maximum: 65535 })
const micros = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const AlertFilter = Type.Object({
  /** '' is live traffic; without it, every run. */
  run: Type.Optional(word(200)),
  state: Type.Optional(Type.Enum([...states])),
  detector: Type.Optional(word(100)),
  entity: Type.Optional(word(300)),
  /** This one and above. */
  severity: Type.Optional(Type.Enum([...severities])),
  order: Type.Enum(['newest', 'risk'], { default: 'newest' }),
  ...paging,
}, { additionalProperties: false })

export const FlowFilter = Type.Object({
  run: Type.Optional(word(200)), host: Type.Optional(word(64)), initiator: Type.Optional(word(64)), responder: Type.Optional(word(64)),
  port: Type.Optional(port), protocol: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })), application: Type.Optional(word(64)),
  communityId: Type.Optional(Type.String({ pattern: '^1:[A-Za-z0-9+/]{27}=$' })),
  fromMicros: Type.Optional(micros), toMicros: Type.Optional(micros), ...paging,
}, { additionalProperties: false })

export const AlertList = Type.Object({ items: Type.Array(AlertBody), next: Type.Optional(text), version: integer })
export const FlowList = Type.Object({ items: Type.Array(FlowBody), next: Type.Optional(text) })
export const AlertDetail = Type.Object({
  alert: AlertBody, findings: Type.Array(FindingBody), flows: Type.Array(FlowBody),
  /** What could not be read just now, with the reason; the rest is complete. */
  missing: Type.Optional(Type.Object({ part: text, code: text })),
})
export const Receipt = Type.Object({ taken: integer, duplicate: integer, rejected: integer })

const Term = Type.Object({ name: text, text, kind: Type.Enum(['flow', 'exit', 'stock', 'estimate']), value: integer })
const Balance = Type.Object({
  name: text, left: Type.Array(Term), right: Type.Array(Term), leftSum: integer, rightSum: integer, balanced: Type.Boolean(),
})
const Account = {
  balanced: Type.Boolean(), equations: Type.Array(Balance), estimates: Type.Array(Term), counters: Type.Record(Type.String(), integer),
}

export const LedgerBody = Type.Object({
  streams: Type.Array(Type.Object({
    stream: text, sensor: text, boot: text, run: text, vantage: text, simulated: Type.Boolean(), clockMicros: integer, receivedMs: integer,
    last: Type.Boolean(), gaps: integer, ...Account,
  })),
  collector: Type.Object(Account),
  balanced: Type.Boolean(),
  nowMs: integer,
})

export const RunList = Type.Object({
  items: Type.Array(Type.Object({
    name: text, kind: Type.Enum(['live', 'demo', 'replay']), state: Type.Enum(['running', 'done']), startedMs: integer, fromMicros: integer,
    clockMicros: integer, records: integer, flows: integer, detail: text,
  })),
  version: text,
})

export const HealthBody = Type.Object({ status: Type.Literal('ok'), version: text })
export const ReadinessBody = Type.Object({
  ready: Type.Boolean(),
  parts: Type.Array(Type.Object({
    name: text, state: Type.Enum(['starting', 'ready', 'degraded', 'failed', 'stopped']), sinceMs: integer, reason: text,
  })),
})

export type AlertListBody = Static<typeof AlertList>
export type AlertDetailBody = Static<typeof AlertDetail>
export type FlowListBody = Static<typeof FlowList>
export type Ledger = Static<typeof LedgerBody>
export type LedgerAccount = Ledger['streams'][number]
export type ReadinessReport = Static<typeof ReadinessBody>
export type RunListBody = Static<typeof RunList>
export type Run = RunListBody['items'][number]
