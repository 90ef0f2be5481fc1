/** One alert, explained: the sentence, the numbers against what is usual, the parts of its risk, what to do, and the flows that show it. */
import type { Alert } from '../../../proto/alert.ts'
import { detail, loadDetail, nowMicros } from '../desk.ts'
import { ago, count, dateTime, duration, visible } from '../format.ts'
import { utc } from '../preference.ts'
import { addressOf, alertPath, route } from '../route.ts'
import { techniqueLink, techniqueName } from '../technique.ts'
import { EvidenceList, isOfModel } from './evidence.tsx'
import { FlowTable } from './flow-table.tsx'
import { Badge, Icon } from './mark.tsx'
import { Failed, Loading, Notice } from './notice.tsx'
import { Risk, Scores } from './risk.tsx'
import { Datum, Sentence, Step } from './text.tsx'

function Part({ title, note, children }: { title: string, note?: string, children: preact.ComponentChildren }): preact.JSX.Element {
  return <section class="part"><h3>{title}{note === undefined ? null : <small>{note}</small>}</h3>{children}</section>
}

function Fact({ name, children }: { name: string, children: preact.ComponentChildren }): preact.JSX.Element {
  return <div><dt>{name}</dt><dd>{children}</dd></div>
}

function Facts({ alert }: { alert: Alert }): preact.JSX.Element {
  const when = (micros: number): string => dateTime(micros, utc.value)
  return (
    <dl class="facts">
      <Fact name={alert.entityKind}><a href={addressOf('/queue', route.value.query, { entity: alert.entity })} title="All alerts of this one"><Datum value={alert.entity} strong /></a></Fact>
      {alert.peer === '' ? null : <Fact name="other side"><Datum value={alert.peer} strong /></Fact>}
      <Fact name="first seen"><time>{when(alert.firstMicros)}</time></Fact>
      <Fact name="last evidence"><time>{when(alert.lastMicros)}</time></Fact>
      <Fact name="lasted">{duration(alert.lastMicros - alert.firstMicros)}</Fact>
      <Fact name="findings">{count(alert.findings)}</Fact>
      <Fact name="sensor"><Datum value={alert.sensor} /></Fact>
      <Fact name="detector"><a href={addressOf('/queue', route.value.query, { detector: alert.detector })} title="All alerts of this detector">{visible(alert.detector)}</a></Fact>
    </dl>
  )
}

function Techniques({ ids }: { ids: readonly string[] }): preact.JSX.Element {
  return (
    <ul class="techniques">
      {ids.map((id) => {
        const address = techniqueLink(id)
        const text = <><b>{visible(id)}</b> {techniqueName(id)}</>
        return <li key={id}>{address === undefined ? text : <a href={address} target="_blank" rel="noreferrer noopener">{text}</a>}</li>
      })}
    </ul>
  )
}

function Flows({ alert }: { alert: Alert }): preact.JSX.Element {
  const now = detail.value
  const body = now?.id === alert.id ? now.body : undefined
  if (body === undefined) {
    return now?.id === alert.id && now.state === 'failed'
      ? <Failed failure={now.failure} retry={() => { void loadDetail(alert.id) }} />
      : <Loading rows={3} label="The flows are being read" />
  }
  if (body.missing !== undefined) {
    const text = `The alert is complete; its flows will be back with the archive (${body.missing.code}).`
    return <Notice kind="failed" title="The archive cannot be read just now" text={text} />
  }
  return body.flows.length === 0 ? <p class="quiet">No flow is kept with this alert.</p> : <FlowTable flows={body.flows} subject={alert.entity} />
}

function History({ alert }: { alert: Alert }): preact.JSX.Element | null {
  const now = detail.value
  const findings = now?.id === alert.id ? now.body?.findings ?? [] : []
  if (findings.length < 2) return null
  return (
    <Part title="Findings" note={`${findings.length} in ${duration(alert.lastMicros - alert.firstMicros)}`}>
      <ol class="history">
        {findings.map(({ id, lastMicros, sentence }) => (
          <li key={id}><time>{dateTime(lastMicros, utc.value).slice(11)}</time><Sentence text={sentence} names={[]} /></li>
        ))}
      </ol>
    </Part>
  )
}

/** `alone`: on a page of its own, not as the preview beside the list. */
export function AlertView({ alert, alone }: { alert: Alert, alone?: boolean }): preact.JSX.Element {
  const numbers = alert.evidence.filter((one) => !isOfModel(one))
  const scores = alert.evidence.filter((one) => isOfModel(one))
  return (
    <div class={`alert ${alert.severity}`}>
      <header>
        <Badge severity={alert.severity} risk={alert.risk} />
        <span class="state">{alert.state}</span>
        <span class="quiet">{ago(alert.lastMicros, nowMicros.value)}</span>
        {alone === true ? null : <a class="open" href={addressOf(alertPath(alert.id), route.value.query)}>Open <kbd>Enter</kbd></a>}
      </header>
      <h1><Sentence text={alert.sentence} names={[alert.entity, alert.peer]} /></h1>
      <Facts alert={alert} />
      {numbers.length === 0 ? null : <Part title="Against what is usual"><EvidenceList evidence={numbers} /></Part>}
      <div class="pair">
        <Part title="Why this risk"><Risk alert={alert} /></Part>
        <Part title="What the models say" note="evidence, never a reason alone">
          <Scores edge={alert.edgeScore} centre={alert.centralScore} evidence={scores} />
        </Part>
      </div>
      <div class="pair">
        {alert.nextSteps.length === 0 ? null : <Part title="Next steps"><ol class="steps">{alert.nextSteps.map((step) => <li key={step}><Step text={step} /></li>)}</ol></Part>}
        {alert.techniques.length === 0 ? null : <Part title="Techniques" note="MITRE ATT&CK"><Techniques ids={alert.techniques} /></Part>}
      </div>
      <Part title="Flows" note={alert.flows.length === 0 ? '' : alert.flows.length >= 20 ? `first ${alert.flows.length}` : String(alert.flows.length)}><Flows alert={alert} /></Part>
      <History alert={alert} />
      <details class="raw">
        <summary><Icon name="open" /> Raw JSON</summary>
        <pre tabIndex={0}>{visible(JSON.stringify(alert, null, 2)).replaceAll('\\u{000A}', '\n')}</pre>
      </details>
    </div>
  )
}
