/** The strip above every page: which run, how much of the traffic was seen, whether the books balance, whether the page is live. */
import { currentRun, ledger, ledgerFailure, linkState, run, runs } from '../desk.ts'
import type { LinkState } from '../live.ts'
import { count, dateTime, percent, short, visible } from '../format.ts'
import { nextTheme, theme, utc } from '../preference.ts'
import { addressOf, change, go, route } from '../route.ts'
import { coverage } from '../summary.ts'
import { Icon } from './mark.tsx'

const runName = (name: string): string => name === '' ? 'live traffic' : visible(name)

function RunChoice(): preact.JSX.Element {
  const now = currentRun.value
  const choose = (name: string): void => {
    if (route.value.page === 'alert') go(addressOf('/queue', new URLSearchParams({ run: name })))
    else change({ run: name, at: undefined, entity: undefined, detector: undefined })
  }
  return (
    <div class="run">
      {runs.value.length > 1
        ? (
            <select aria-label="Run" value={run.value} onChange={(event) => { choose(event.currentTarget.value) }}>
              {runs.value.map(({ name }) => <option key={name} value={name}>{runName(name)}</option>)}
            </select>
          )
        : run.value === undefined ? null : <b class="run-name">{now?.kind === 'demo' && now.detail !== '' ? visible(now.detail) : runName(run.value)}</b>}
      {now === undefined || now.kind === 'live' ? null : (
        <span class={`tag ${now.kind}`} title={now.kind === 'demo' ? 'Simulated traffic: times are those of the run' : 'A capture being replayed: times are those of the capture'}>
          {now.kind === 'demo' ? 'demo run' : 'replay'}{now.state === 'running' ? ' · playing' : ''}
        </span>
      )}
      {now === undefined || now.kind === 'live' || now.clockMicros === 0 ? null
        : <span class="clock">to <time>{dateTime(now.clockMicros, utc.value).slice(0, 16)}</time></span>}
    </div>
  )
}

type Shown = { label: string, value: string, tone?: string, title?: string, wideOnly?: boolean }

function Figure({ label, value, tone, title, wideOnly }: Shown): preact.JSX.Element {
  return <div class={`figure ${tone ?? ''} ${wideOnly === true ? 'wide-only' : ''}`} title={title}><dt>{label}</dt><dd>{value}</dd></div>
}

function Figures(): preact.JSX.Element {
  const now = ledger.value
  if (now === undefined) return <dl class="figures dim"><Figure label="ledger" value={ledgerFailure.value === undefined ? '…' : 'unread'} /></dl>
  const all = coverage(now, run.value)
  return (
    <a class="figures-link" href={addressOf('/sensors', route.value.query)} aria-label="Coverage and ledger, see sensors">
      <dl class={`figures ${ledgerFailure.value === undefined ? '' : 'dim'}`}>
        <Figure label={all.sensors === 1 ? 'sensor' : 'sensors'} value={count(all.sensors)} wideOnly />
        <Figure label="packets" value={short(all.packets)} title={count(all.packets)} />
        <Figure label="flows" value={short(all.flows)} title={count(all.flows)} />
        <Figure label="lost" value={`${all.estimated > 0 ? '≈ ' : ''}${percent(all.lostShare)}`} tone={all.lostShare > 0.01 || all.recordsDropped > 0 ? 'bad' : ''}
          title={`${count(all.lost)} packets${all.estimated > 0 ? `, of them about ${count(all.estimated)} before the ring (the kernel's estimate)` : ''}`} />
        <Figure label="ledger" value={all.balanced ? 'balanced' : 'unequal'} tone={all.balanced ? 'good' : 'bad'} />
      </dl>
    </a>
  )
}

const words: Record<LinkState, { word: string, title: string }> = {
  live: { word: 'live', title: 'Alerts appear as they are raised' },
  connecting: { word: 'connecting', title: 'Opening the live feed' },
  polling: { word: 'polling', title: 'No live feed: asking every 5 s' },
  stale: { word: 'stale', title: 'The collector cannot be reached: what you see may be old' },
}

export function Strip(): preact.JSX.Element {
  const state = linkState.value
  return (
    <header class="strip">
      <RunChoice />
      <Figures />
      <div class="ends">
        <span class={`link ${state}`} title={words[state].title}><i />{words[state].word}</span>
        <button type="button" class="plain zone" title="Switch between UTC and local time (u)" onClick={() => { utc.value = !utc.value }}>{utc.value ? 'UTC' : 'local'}</button>
        <button type="button" class="plain" aria-label={`Theme: ${theme.value}`} title={`Theme: ${theme.value} (d)`} onClick={nextTheme}><Icon name={theme.value} /></button>
      </div>
    </header>
  )
}
