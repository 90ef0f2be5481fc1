/** What stands around every page: the rail (tabs on a narrow screen), the strip, help, and the one voice for screen readers. */
import { linkState, queue, selected } from '../desk.ts'
import { helpOpen, keys } from '../keys.ts'
import { shortcuts } from '../preference.ts'
import { addressOf, route } from '../route.ts'
import { useEffect, useRef } from 'preact/hooks'
import { useSignal } from '@preact/signals'
import { Icon, Pennon } from './mark.tsx'
import type { IconName } from './mark.tsx'
import { Strip } from './strip.tsx'

const voiceMs = 10_000
const titles = { queue: 'Queue', alert: 'Alert', sensors: 'Sensors', flows: 'Flows', nowhere: 'Nothing here' } as const

type PlaceTo = { path: string, icon: IconName, name: string, here: boolean, mark?: number }

function Place({ path, icon, name, here, mark }: PlaceTo): preact.JSX.Element {
  return (
    <a class="place" href={addressOf(path, route.value.query)} aria-current={here ? 'page' : undefined}>
      <Icon name={icon} />
      <span>{name}</span>
      {mark === undefined || mark === 0 ? null : <b class="mark">{mark > 99 ? '99+' : mark}</b>}
    </a>
  )
}

/** Says at most every ten seconds what came, politely. */
function Voice(): preact.JSX.Element {
  const said = useSignal('')
  const last = useRef(0)
  const waiting = queue.value.waiting.size
  const state = linkState.value
  useEffect(() => {
    const came = waiting === 0 ? '' : `${waiting} new ${waiting === 1 ? 'alert' : 'alerts'}. `
    const timer = setTimeout(() => {
      said.value = `${came}${state === 'stale' ? 'The collector cannot be reached.' : ''}`
      last.current = performance.now()
    }, Math.max(0, last.current + voiceMs - performance.now()))
    return () => { clearTimeout(timer) }
  }, [waiting, state])
  return <div class="unseen" aria-live="polite">{said.value}</div>
}

function Help(): preact.JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null)
  const open = helpOpen.value
  useEffect(() => {
    if (open) dialog.current?.showModal()
    else dialog.current?.close()
  }, [open])
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => { helpOpen.value = false }} onClick={(event) => { if (event.target === dialog.current) helpOpen.value = false }}>
      <header>
        <h2 id="help-title">Keys</h2>
        <button type="button" class="plain" aria-label="Close" onClick={() => { helpOpen.value = false }}><Icon name="close" /></button>
      </header>
      <dl>
        {keys.map(({ keys: combination, text }) => (
          <div key={combination}><dt>{combination.split(' ').map((key) => <kbd key={key}>{key === 'Escape' ? 'Esc' : key}</kbd>)}</dt><dd>{text}</dd></div>
        ))}
      </dl>
      <label><input type="checkbox" checked={shortcuts.value} onChange={(event) => { shortcuts.value = event.currentTarget.checked }} /> Letters act as keys</label>
    </dialog>
  )
}

export function Shell({ children }: { children: preact.ComponentChildren }): preact.JSX.Element {
  const { page } = route.value
  const waiting = queue.value.waiting.size
  useEffect(() => { document.title = `${waiting === 0 ? '' : `(${waiting}) `}${titles[page]} · Vedette` }, [waiting, page])
  const first = useRef(true)
  useEffect(() => {
    // After a change of page the reader goes on where it begins: at the row left behind, or at the top.
    if (!first.current) (document.getElementById(page === 'queue' ? `row-${selected.value ?? ''}` : 'main') ?? document.getElementById('main'))?.focus()
    first.current = false
  }, [page])
  return (
    <div class={`shell on-${page}`}>
      <a class="skip" href="#main">To the content</a>
      <nav class="rail" aria-label="Pages">
        <a class="home" href={addressOf('/queue', route.value.query)} aria-label="Vedette: queue"><Pennon /></a>
        <Place path="/queue" icon="queue" name="Queue" here={page === 'queue' || page === 'alert' || page === 'flows'} mark={waiting} />
        <Place path="/sensors" icon="sensors" name="Sensors" here={page === 'sensors'} />
        <button type="button" class="place foot" aria-haspopup="dialog" onClick={() => { helpOpen.value = true }}><Icon name="help" /><span>Keys</span></button>
      </nav>
      <Strip />
      <main id="main" tabIndex={-1}>{children}</main>
      <Help />
      <Voice />
    </div>
  )
}
