/** One table makes the keys, the help and what they do. Letters act only when no field has the focus; they can be switched off. */
import { signal } from '@preact/signals'
import { queue, selected, showNew } from './desk.ts'
import { nextTheme, shortcuts, utc, wide } from './preference.ts'
import { neighbour } from './queue.ts'
import { addressOf, alertPath, change, go, route } from './route.ts'

export const helpOpen = signal(false)

export type Key = { keys: string, text: string, when: 'everywhere' | 'queue' | 'alert', act: () => void }

const to = (path: string): void => { go(addressOf(path, route.value.query)) }

function move(steps: number): void {
  if (route.value.page !== 'queue' && route.value.page !== 'alert') return
  const next = neighbour(queue.value, selected.value, steps)
  if (next === undefined) return
  if (route.value.page === 'alert') go(addressOf(alertPath(next.id), route.value.query), true)
  else {
    change({ at: next.id })
    requestAnimationFrame(() => { document.getElementById(`row-${next.id}`)?.focus() })
  }
}

function back(): void {
  if (helpOpen.value) helpOpen.value = false
  else if (route.value.page === 'flows') history.back()
  else if (route.value.page === 'alert') go(addressOf('/queue', route.value.query, { at: wide.value ? selected.value : undefined }))
  else if (route.value.page === 'queue') change({ entity: undefined, detector: undefined })
}

export const keys: readonly Key[] = [
  { keys: 'j', text: 'next alert', when: 'everywhere', act: () => { move(1) } },
  { keys: 'k', text: 'alert before', when: 'everywhere', act: () => { move(-1) } },
  { keys: 'Enter', text: 'open the selected alert', when: 'queue', act: () => { if (selected.value !== undefined) to(alertPath(selected.value)) } },
  { keys: 'Escape', text: 'back to the queue, close, clear filters', when: 'everywhere', act: back },
  { keys: 'n', text: 'show what is new', when: 'queue', act: showNew },
  { keys: 'o', text: 'order by time or by risk', when: 'queue', act: () => { change({ order: route.value.query.get('order') === 'risk' ? undefined : 'risk' }) } },
  { keys: 'g q', text: 'go to the queue', when: 'everywhere', act: () => { to('/queue') } },
  { keys: 'g s', text: 'go to the sensors', when: 'everywhere', act: () => { to('/sensors') } },
  { keys: 'u', text: 'UTC or local time', when: 'everywhere', act: () => { utc.value = !utc.value } },
  { keys: 'd', text: 'theme: as the system, light, dark', when: 'everywhere', act: nextTheme },
  { keys: '?', text: 'this help', when: 'everywhere', act: () => { helpOpen.value = !helpOpen.value } },
]

/** A sequence is forgotten after this long. */
const sequenceMs = 1200
let begun = ''
let begunAt = 0

const inField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))

/** Handler for keydown on the window. */
export function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (event.key !== 'Escape' && (inField(event.target) || !shortcuts.value)) return
  if (helpOpen.value && event.key !== 'Escape' && event.key !== '?') return
  // Enter on a link or a button is theirs, except on a row of the queue, which is what is selected anyway.
  if (event.key === 'Enter' && event.target instanceof Element && event.target.closest('a, button, summary') !== null && event.target.closest('.row') === null) return
  const typed = begun !== '' && event.timeStamp - begunAt < sequenceMs ? `${begun} ${event.key}` : event.key
  begun = ''
  const page = route.value.page
  const found = keys.find(({ keys: combination, when }) => combination === typed && (when === 'everywhere' || when === page))
  if (found !== undefined) {
    event.preventDefault()
    found.act()
  } else if (keys.some(({ keys: combination }) => combination.startsWith(`${typed} `))) {
    begun = typed
    begunAt = event.timeStamp
  }
}
