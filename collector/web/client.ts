/** Reads from the API. The browser keeps answers by their ETag, so polling for something unchanged costs a few octets. */
import type { AlertDetailBody, AlertListBody, FlowListBody, Ledger, ReadinessReport, RunListBody } from '../api/schema.ts'

/** Why an answer failed, for people: always a code, a sentence and, when the server answered, the request's id. */
export type Failure = { code: string, text: string, requestId: string, retryable: boolean }
export type Reply<T> = { ok: true, body: T } | { ok: false, failure: Failure }

const waitMs = 15_000

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const textOf = (value: unknown, otherwise: string): string => typeof value === 'string' ? value : otherwise

async function read<T>(path: string, query: Record<string, string | undefined> = {}, alsoGood = 200): Promise<Reply<T>> {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const search = new URLSearchParams(given).toString()
  try {
    const response = await fetch(search === '' ? path : `${path}?${search}`, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(waitMs) })
    const body: unknown = await response.json()
    // The server serialises by the same schemas that this type comes from.
    if (response.ok || response.status === alsoGood) return { ok: true, body: body as T }
    const problem = isRecord(body) ? body : {}
    return {
      ok: false,
      failure: {
        code: textOf(problem['code'], `HTTP ${response.status}`), text: textOf(problem['detail'], 'The collector answered with an error.'),
        requestId: textOf(problem['requestId'], ''), retryable: problem['retryable'] !== false,
      },
    }
  } catch {
    return { ok: false, failure: { code: 'OFFLINE', text: 'The collector cannot be reached.', requestId: '', retryable: true } }
  }
}

export const readAlerts = (query: Record<string, string | undefined>): Promise<Reply<AlertListBody>> => read('/v1/alerts', query)
export const readAlert = (id: string): Promise<Reply<AlertDetailBody>> => read(`/v1/alerts/${encodeURIComponent(id)}`)
export const readFlows = (query: Record<string, string | undefined>): Promise<Reply<FlowListBody>> => read('/v1/flows', query)
export const readLedger = (): Promise<Reply<Ledger>> => read('/v1/ledger')
/** 'Not ready' is an answer like any other here. */
export const readReadiness = (): Promise<Reply<ReadinessReport>> => read('/readyz', {}, 503)
export const readRuns = (): Promise<Reply<RunListBody>> => read('/v1/runs')
