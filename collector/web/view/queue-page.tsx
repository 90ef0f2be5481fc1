/** The queue: the list on the left, what is selected on the right. Rows stand still; news wait in the bar above them. */
import { severities } from '../../../proto/alert.ts'
import type { Alert } from '../../../proto/alert.ts'
import { filter, ledger, loadMore, moreCursor, nowMicros, queue, queueState, reload, run, selected, showNew, shownAlert } from '../desk.ts'
import { age, count, dateTime, short, visible } from '../format.ts'
import { utc, wide } from '../preference.ts'
import { addressOf, alertPath, change, route } from '../route.ts'
import { coverage } from '../summary.ts'
import { AlertView } from './alert-view.tsx'
import { Badge } from './mark.tsx'
import { Failed, Loading, Notice } from './notice.tsx'
import { Datum, Sentence } from './text.tsx'

function Row({ alert }: { alert: Alert }): preact.JSX.Element {
  const here = selected.value === alert.id
  const select = (event: MouseEvent): void => {
    // Beside the list is room for the preview; elsewhere the link opens the alert.
    if (!wide.value || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    change({ at: alert.id })
  }
  return (
    <li>
      <a id={`row-${alert.id}`} class={`row ${alert.severity}`} href={addressOf(alertPath(alert.id), route.value.query)} aria-current={here ? 'true' : undefined} onClick={select}>
        <Badge severity={alert.severity} risk={alert.risk} />
        <span class="head">
          <Datum value={alert.entity} strong />
          <span class="detector">{visible(alert.detector)}</span>
          {alert.techniques.slice(0, 2).map((id) => <span key={id} class="chip">{visible(id)}</span>)}
          {alert.findings > 1 ? <span class="times" title={`${alert.findings} findings`}>×{alert.findings}</span> : null}
        </span>
        <time class="age" title={dateTime(alert.lastMicros, utc.value)}>{age(alert.lastMicros, nowMicros.value)}</time>
        <span class="sentence"><Sentence text={alert.sentence} names={[]} /></span>
      </a>
    </li>
  )
}

function Bar(): preact.JSX.Element {
  const { order, severity, entity, detector } = filter.value
  const waiting = queue.value.waiting.size
  return (
    <div class="bar" role="toolbar" aria-label="Queue">
      <div class="segments" role="group" aria-label="Order">
        <button type="button" aria-pressed={order === 'newest'} onClick={() => { change({ order: undefined }) }}>Newest</button>
        <button type="button" aria-pressed={order === 'risk'} onClick={() => { change({ order: 'risk' }) }}>Highest risk</button>
      </div>
      <select aria-label="Least severity" value={severity ?? ''} onChange={(event) => { change({ severity: event.currentTarget.value === '' ? undefined : event.currentTarget.value }) }}>
        <option value="">any severity</option>
        {severities.slice(1).map((name) => <option key={name} value={name}>{name === 'critical' ? name : `${name} and above`}</option>)}
      </select>
      {[['entity', entity], ['detector', detector]].map(([name, value]) => name === undefined || value === undefined ? null : (
        <button key={name} type="button" class="chip filter" title={`${name}: remove this filter (Esc)`} onClick={() => { change({ [name]: undefined }) }}><Datum value={value} /> ×</button>
      ))}
      <button type="button" class={waiting === 0 ? 'news none' : 'news'} disabled={waiting === 0} onClick={showNew}>
        {waiting === 0 ? `${count(queue.value.shown.length)}${moreCursor.value === undefined ? '' : '+'} ${queue.value.shown.length === 1 ? 'alert' : 'alerts'}` : <>{waiting} new <kbd>n</kbd></>}
      </button>
    </div>
  )
}

function Empty(): preact.JSX.Element {
  const { severity, entity, detector } = filter.value
  const all = ledger.value === undefined ? undefined : coverage(ledger.value, run.value)
  if (severity !== undefined || entity !== undefined || detector !== undefined) {
    return (
      <Notice kind="empty" title="Nothing passes this filter" text="There may be alerts that the filter hides.">
        <button type="button" class="button" onClick={() => { change({ severity: undefined, entity: undefined, detector: undefined }) }}>Show all</button>
      </Notice>
    )
  }
  if (all === undefined || all.sensors === 0) {
    return <Notice kind="empty" title="No sensor has reported yet" text="An empty queue says nothing until traffic is seen. The first batch of flows appears here within seconds." />
  }
  return <Notice kind="clear" title="Queue clear" text={`${short(all.packets)} packets in ${short(all.flows)} flows were looked at; no detector has fired.`} />
}

function List(): preact.JSX.Element {
  const state = queueState.value
  const { shown } = queue.value
  if (shown.length === 0) {
    if (state === 'loading') return <Loading rows={8} label="The queue is being read" />
    return state === 'ready' ? <Empty /> : <Failed failure={state.failure} retry={reload} />
  }
  return (
    <div class={state === 'loading' ? 'scroll dimmed' : 'scroll'}>
      {typeof state === 'object' ? <p class="stale-note" role="alert">{state.failure.text} What you see may be old. <button type="button" class="text-button" onClick={reload}>Try again</button></p> : null}
      <ol class="rows" aria-label="Alerts">{shown.map((alert) => <Row key={alert.id} alert={alert} />)}</ol>
      {moreCursor.value === undefined ? null : <button type="button" class="button more" onClick={() => { void loadMore() }}>Show more</button>}
    </div>
  )
}

export function QueuePage(): preact.JSX.Element {
  const alert = shownAlert.value
  return (
    <div class="queue">
      <section class="list" aria-label="Queue"><Bar /><List /></section>
      {wide.value
        ? (
            <section class="preview" aria-label="Selected alert">
              {alert === undefined ? <Notice kind="empty" title="No alert selected" text="Choose one from the list, or press j." /> : <AlertView key={alert.id} alert={alert} />}
            </section>
          )
        : null}
    </div>
  )
}
