/** GET /v1/alerts/:id: one alert with its findings and its flows. An archive that is away costs the flows, not the alert. */
import { Type } from 'typebox'
import { VedetteError } from '../../../proto/error.ts'
import type { FlowId } from '../../../proto/flow.ts'
import type { ArchivedFlow } from '../../store/archive.ts'
import { AlertDetail, refusals } from '../schema.ts'
import type { Route } from '../route.ts'

const maxFindings = 100
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 200 }) })

const keyOf = (id: FlowId): string => `${id.stream} ${id.boot} ${id.number}`

/** Newest part of each flow, in the order of `ids`: its totals are those of the whole flow so far. */
export function newestParts(ids: readonly FlowId[], records: readonly ArchivedFlow[]): ArchivedFlow[] {
  const newest = new Map<string, ArchivedFlow>()
  for (const record of records) {
    const before = newest.get(keyOf(record))
    if (before === undefined || record.part > before.part) newest.set(keyOf(record), record)
  }
  return ids.map((id) => newest.get(keyOf(id))).filter((record) => record !== undefined)
}

export const alert: Route = (app, { options: { store, archive, log } }) => {
  app.get('/v1/alerts/:id', { schema: { params: Params, response: { 200: AlertDetail, ...refusals } } }, async (request) => {
    const { id } = request.params
    const found = store.alert(id)
    if (found === undefined) throw new VedetteError('E_NOT_FOUND', 'there is no alert with this id')
    const findings = store.findings(id, maxFindings)
    try {
      return { alert: found, findings, flows: newestParts(found.flows, await archive.byId(found.flows)) }
    } catch (error) {
      const code = error instanceof VedetteError ? error.code : 'E_INTERNAL'
      log.warn(code, 'the flows of an alert could not be read', { requestId: request.id, cause: String(error) })
      return { alert: found, findings, flows: [], missing: { part: 'flows', code } }
    }
  })
}
