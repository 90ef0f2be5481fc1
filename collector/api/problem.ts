/**
 * Every failure as RFC 9457 problem+json: the code from the table, whether trying again can help, the request's id. Never a stack
 * trace, a path or a statement of the store: what is not a VedetteError is logged under the id and answered as E_INTERNAL.
 */
import { VedetteError, errors } from '../../proto/error.ts'
import type { ErrorCode } from '../../proto/error.ts'

export const problemMediaType = 'application/problem+json; charset=utf-8'

export type Problem = {
  type: string
  title: string
  status: number
  detail: string
  code: string
  retryable: boolean
  requestId: string
  advice?: string
  errors?: { pointer: string, detail: string }[]
}

export type Answer = { problem: Problem, retryAfterSeconds?: number, defect: boolean }

const statusOf: Partial<Record<ErrorCode, number>> = {
  E_BATCH_SIGNATURE: 401,
  E_BATCH_TOO_LARGE: 413,
  E_BATCH_UNDECODABLE: 400,
  E_BATCH_VERSION: 400,
  E_SINK_BUSY: 429,
  E_DATA_FULL: 503,
  E_DATA_UNWRITABLE: 503,
  E_STORE: 503,
  E_NOT_FOUND: 404,
  E_REQUEST: 400,
  E_FORBIDDEN: 403,
}

const retryAfter: Partial<Record<ErrorCode, number>> = { E_SINK_BUSY: 1, E_DATA_FULL: 10, E_DATA_UNWRITABLE: 10, E_STORE: 2 }

/** What fastify itself refuses, by its own codes. */
const ofFramework: Record<string, { code: ErrorCode, status: number, detail: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'E_BATCH_TOO_LARGE', status: 413, detail: 'the body is larger than the limit' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'E_REQUEST', status: 415, detail: 'this content type is not accepted here' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'E_REQUEST', status: 400, detail: 'the body is not as long as announced' },
  FST_ERR_HANDLER_TIMEOUT: { code: 'E_STORE', status: 503, detail: 'the answer took too long' },
}

type ValidationFault = { instancePath?: string, message?: string, params?: Record<string, unknown> }

const faultsOf = (error: unknown): { pointer: string, detail: string }[] | undefined => {
  if (!(error instanceof Error) || !('validation' in error) || !Array.isArray(error.validation)) return undefined
  return (error.validation as ValidationFault[]).slice(0, 20).map((fault) => {
    const extra = fault.params?.['additionalProperty'] ?? fault.params?.['missingProperty']
    return { pointer: `${fault.instancePath ?? ''}${typeof extra === 'string' ? `/${extra}` : ''}`, detail: fault.message ?? 'is not valid' }
  })
}

const problem = (code: ErrorCode, status: number, detail: string, requestId: string): Problem =>
  ({ type: `urn:vedette:error:${code}`, title: errors[code].text, status, detail, code, retryable: errors[code].retryable, requestId })

/** The answer for anything thrown while `requestId` was handled. `defect` tells that it must be logged with its cause. */
export function answerFor(error: unknown, requestId: string): Answer {
  if (error instanceof VedetteError) {
    const status = statusOf[error.code]
    if (status === undefined) return { problem: problem('E_INTERNAL', 500, `${errors.E_INTERNAL.text}; the log has the details`, requestId), defect: true }
    const body = problem(error.code, status, error.code === 'E_STORE' ? errors.E_STORE.text : error.message, requestId)
    if (error.advice !== '') body.advice = error.advice
    const after = retryAfter[error.code]
    return { problem: body, defect: error.code === 'E_STORE', ...(after === undefined ? {} : { retryAfterSeconds: after }) }
  }
  const faults = faultsOf(error)
  if (faults !== undefined) {
    const first = faults[0]
    const detail = first === undefined ? errors.E_REQUEST.text : `${first.pointer === '' ? 'the request' : first.pointer.slice(1)} ${first.detail}`
    return { problem: { ...problem('E_REQUEST', 400, detail, requestId), errors: faults }, defect: false }
  }
  const known = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ofFramework[error.code] : undefined
  if (known !== undefined) return { problem: problem(known.code, known.status, known.detail, requestId), defect: false }
  const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500
  if (status >= 400 && status < 500) return { problem: problem('E_REQUEST', status, errors.E_REQUEST.text, requestId), defect: false }
  return { problem: problem('E_INTERNAL', 500, `${errors.E_INTERNAL.text}; the log has the details`, requestId), defect: true }
}
