/** Flows that a next step or a link asks for: the query of the address is the query of the archive. */
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import type { ArchivedFlow } from '../../store/archive.ts'
import { readFlows } from '../client.ts'
import type { Failure } from '../client.ts'
import { currentRun, run } from '../desk.ts'
import { count } from '../format.ts'
import { addressOf, change, route } from '../route.ts'
import { FlowTable } from './flow-table.tsx'
import { Icon } from './mark.tsx'
import { Failed, Loading, Notice } from './notice.tsx'
import { Datum } from './text.tsx'

/** What the archive can be asked by; everything else in the address belongs to the page. */
const fields = ['host', 'initiator', 'responder', 'port', 'protocol', 'application', 'communityId', 'fromMicros', 'toMicros'] as const

export function FlowsPage(): preact.JSX.Element {
  const { query } = route.value
  const given = fields.flatMap((name) => { const value = query.get(name); return value === null || value === '' ? [] : [{ name, value }] })
  const asked: Record<string, string | undefined> = { run: run.value, limit: '100', ...Object.fromEntries(given.map(({ name, value }) => [name, value])) }
  const key = JSON.stringify(asked)
  const found = useSignal<{ key: string, flows: ArchivedFlow[], next: string | undefined } | undefined>(undefined)
  const newest = useRef(key)
  newest.current = key
  const failure = useSignal<Failure | undefined>(undefined)

  const load = async (cursor?: string): Promise<void> => {
    const reply = await readFlows({ ...asked, cursor })
    // Another question was asked meanwhile: this answer is for nobody.
    if (newest.current !== key) return
    failure.value = reply.ok ? undefined : reply.failure
    if (!reply.ok) return
    const before = cursor !== undefined && found.value?.key === key ? found.value.flows : []
    found.value = { key, flows: [...before, ...reply.body.items], next: reply.body.next }
  }
  useEffect(() => { void load() }, [key, currentRun.value?.state])

  const now = found.value?.key === key ? found.value : undefined
  return (
    <article class="flows-page">
      <div class="above"><a class="back" href={addressOf('/queue', query)}><Icon name="back" /> Queue</a></div>
      <header>
        <h1>Flows{now === undefined ? '' : <small> {count(now.flows.length)}{now.next === undefined ? '' : ', newest first, more below'}</small>}</h1>
        {given.map(({ name, value }) => (
          <button key={name} type="button" class="chip filter" title="Remove this condition" onClick={() => { change({ [name]: undefined }) }}>
            {name} <Datum value={value} /> ×
          </button>
        ))}
      </header>
      {failure.value !== undefined ? <Failed failure={failure.value} retry={() => { void load() }} />
        : now === undefined ? <Loading rows={8} label="The archive is being asked" />
          : now.flows.length === 0 ? <Notice kind="empty" title="No such flow" text="Nothing in this run answers all of these conditions." />
            : <div class="part"><FlowTable flows={now.flows} subject={query.get('initiator') ?? query.get('host') ?? ''} /></div>}
      {now?.next === undefined ? null : <button type="button" class="button more" onClick={() => { void load(now.next) }}>Show more</button>}
    </article>
  )
}
