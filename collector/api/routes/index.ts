/** Every route of the API by name. Adding one: a file here and a line in this map. */
import type { Route } from '../route.ts'
import { alert } from './alert.ts'
import { alerts } from './alerts.ts'
import { flows } from './flows.ts'
import { health } from './health.ts'
import { ledger } from './ledger.ts'
import { live } from './live.ts'
import { metrics } from './metrics.ts'
import { page } from './page.ts'
import { postFlows } from './post-flows.ts'
import { ready } from './ready.ts'
import { runs } from './runs.ts'

export const routes: Readonly<Record<string, Route>> = { postFlows, alerts, alert, flows, ledger, runs, health, ready, metrics, live, page }
