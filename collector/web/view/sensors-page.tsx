/**
 * The loss ledger: for every stage of every sensor, what came in and what became of it. Both sides are counted apart, so they can
 * differ.
 */
import type { Ledger, LedgerAccount } from '../../api/schema.ts'
import { ledger, ledgerFailure, parts, run } from '../desk.ts'
import { ago, count, dateTime, visible } from '../format.ts'
import { utc } from '../preference.ts'
import { coverage, stageNames } from '../summary.ts'
import { Icon } from './mark.tsx'
import { Failed, Loading, Notice } from './notice.tsx'
import { Datum } from './text.tsx'

type Equation = LedgerAccount['equations'][number]
type Term = Equation['right'][number]

function Terms({ terms, sum }: { terms: readonly Term[], sum: number }): preact.JSX.Element {
  const there = terms.filter(({ value }) => value !== 0)
  const absent = terms.filter(({ value }) => value === 0)
  return (
    <>
      <ul class="terms">
        {there.map(({ name, text, value, kind }) => <li key={name}><i class={`swatch ${kind}`} /><b>{count(value)}</b> <span>{text}</span></li>)}
        {absent.length === 0 ? null : <li class="absent" title={absent.map(({ text }) => text).join('\n')}>{there.length === 0 ? 'nothing yet' : `${absent.length} ${absent.length === 1 ? 'other' : 'others'} at 0`}</li>}
      </ul>
      <Flowing terms={there} sum={sum} />
    </>
  )
}

function Flowing({ terms, sum }: { terms: readonly Term[], sum: number }): preact.JSX.Element {
  let from = 0
  return (
    <svg class="flowing" height="6" width="100%" aria-hidden="true">
      <rect class="track" width="100%" height="6" rx="2" />
      {terms.map(({ name, value, kind }) => {
        const x = from
        const width = sum === 0 ? 0 : value / sum * 100
        from += width
        return <rect key={name} class={kind} x={`${x}%`} width={`${Math.max(0.25, width - 0.15)}%`} height="6" rx="1" />
      })}
    </svg>
  )
}

function Stage({ equation: { name, left, right, leftSum, rightSum, balanced } }: { equation: Equation }): preact.JSX.Element {
  return (
    <li class={balanced ? 'stage' : 'stage unequal'}>
      <h4>{stageNames[name] ?? name}</h4>
      <p class="came"><b>{count(leftSum)}</b><span>{left.map(({ text }) => text).join(' + ')}</span></p>
      <div class="became"><Terms terms={right} sum={Math.max(leftSum, rightSum)} /></div>
      <p class="verdict"><Icon name={balanced ? 'equal' : 'unequal'} />{balanced ? 'equal' : `${count(Math.abs(leftSum - rightSum))} ${leftSum > rightSum ? 'missing' : 'too many'}`}</p>
    </li>
  )
}

function Stages({ account }: { account: Ledger['collector'] }): preact.JSX.Element {
  return <ol class="stages">{account.equations.map((equation) => <Stage key={equation.name} equation={equation} />)}</ol>
}

function Stream({ stream, nowMs }: { stream: LedgerAccount, nowMs: number }): preact.JSX.Element {
  return (
    <section class="account">
      <header>
        <h3><Datum value={stream.sensor} strong /></h3>
        <span class={stream.last ? 'tag' : 'tag on'}>{stream.last ? 'finished' : 'reporting'}</span>
        {stream.simulated ? <span class="tag demo">simulated</span> : null}
        {stream.run === '' || stream.run === 'demo' ? null : <span class="tag">{visible(stream.run)}</span>}
        <p>
          stream <Datum value={stream.stream} /> · boot <Datum value={stream.boot} /> · seen from the {visible(stream.vantage)} · packet
          clock <time>{dateTime(stream.clockMicros, utc.value)}</time> · last heard {ago(stream.receivedMs * 1000, nowMs * 1000)}
        </p>
      </header>
      {stream.gaps === 0 ? null : <p class="gap" role="alert">{count(stream.gaps)} {stream.gaps === 1 ? 'batch is' : 'batches are'} missing in between.</p>}
      <div class="estimates">
        <h4>Before the ring</h4>
        <p class="mark">estimates</p>
        <ul>{stream.estimates.map(({ name, text, value }) => <li key={name} class={value === 0 ? 'zero' : ''}><b>≈ {count(value)}</b> <span>{text}</span></li>)}</ul>
      </div>
      <Stages account={stream} />
    </section>
  )
}

/** Only what is not simply ready needs words. */
function Parts(): preact.JSX.Element {
  return <>{parts.value.map(({ name, state, reason }) => <span key={name} class={`tag part-state ${state}`} title={reason}>{visible(name)} {state}{reason === '' || state === 'ready' ? '' : `: ${visible(reason)}`}</span>)}</>
}

export function SensorsPage(): preact.JSX.Element {
  const now = ledger.value
  if (now === undefined) {
    return ledgerFailure.value === undefined ? <Loading rows={6} label="The ledger is being read" /> : <Failed failure={ledgerFailure.value} retry={() => { location.reload() }} />
  }
  const all = coverage(now, run.value)
  const streams = now.streams.filter((stream) => run.value === undefined || stream.run === run.value)
  return (
    <article class="ledger">
      <header class={all.balanced ? 'equal' : 'unequal'}>
        <h1>{streams.length === 0 ? 'Nothing has been counted yet' : all.balanced ? 'Everything is accounted for' : 'The two sides of an equation differ'}</h1>
        <p>{all.balanced
          ? `${count(all.packets)} packets: each is in a flow or has a reason why not, and every record is on its way, delivered, or counted as dropped.`
          : 'Something left a stage without being counted: a defect of Vedette, or a process that was killed between two reports.'}</p>
      </header>
      {streams.length === 0 ? <Notice kind="empty" title="No sensor has reported" text="The ledger begins with the first batch." /> : streams.map((stream) => <Stream key={`${stream.stream} ${stream.boot}`} stream={stream} nowMs={now.nowMs} />)}
      <section class="account">
        <header><h3>Collector</h3><Parts /><p>Counts of all sensors and runs.</p></header>
        <Stages account={now.collector} />
      </section>
    </article>
  )
}
