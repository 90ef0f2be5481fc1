/** What `npm start` asks the collector, over the same API as the page. Throws E_SINK_AWAY when it does not answer. */
import { setTimeout as wait } from 'node:timers/promises'
import { VedetteError } from '../../proto/error.ts'
import type { Alert } from '../../proto/alert.ts'

type Term = { name: string, text: string, value: number }

export type Account = {
  balanced: boolean
  equations: { name: string, left: Term[], right: Term[], leftSum: number, rightSum: number, balanced: boolean }[]
  estimates: Term[]
  counters: Record<string, number>
}
export type LedgerAnswer = {
  streams: (Account & { stream: string, boot: string, run: string, last: boolean })[]
  collector: Account
  balanced: boolean
}

/** How often a backlog is asked for, milliseconds. */
const askEveryMs = 100

export class Desk {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  ledger(): Promise<LedgerAnswer> {
    return this.get('/v1/ledger') as Promise<LedgerAnswer>
  }

  /** Highest risk first, of one run. */
  async alerts(run: string): Promise<Alert[]> {
    return (await this.get(`/v1/alerts?order=risk&limit=500&run=${encodeURIComponent(run)}`) as { items: Alert[] }).items
  }

  /** Resolves when detection and archive have read all there is. */
  async settled(): Promise<void> {
    for (;;) {
      const { counters } = (await this.ledger()).collector
      if (counters.recordsDetecting === 0 && counters.recordsArchiving === 0) return
      await wait(askEveryMs)
    }
  }

  private async get(path: string): Promise<unknown> {
    try {
      const answer = await fetch(`${this.url}${path}`)
      if (!answer.ok) throw new Error(`status ${String(answer.status)}`)
      return await answer.json()
    } catch (error) {
      throw new VedetteError('E_SINK_AWAY', `the collector does not answer ${path} (${(error as Error).message})`, '', { cause: error })
    }
  }
}
