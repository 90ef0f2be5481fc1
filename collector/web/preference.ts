/** How this reader wants to see things; kept in this browser, nowhere else. */
import { effect, signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'

const kept = (name: string): string | null => {
  // A browser may forbid storage; the page then simply forgets.
  try { return localStorage.getItem(name) } catch { return null }
}
const keep = (name: string, value: string): void => {
  try { localStorage.setItem(name, value) } catch { /* forgotten at the end of the visit */ }
}

const theme0 = kept('vedette.theme')
export const theme = signal<Theme>(theme0 === 'light' || theme0 === 'dark' ? theme0 : 'auto')
export const utc = signal(kept('vedette.zone') !== 'local')
export const shortcuts = signal(kept('vedette.keys') !== 'off')

effect(() => {
  keep('vedette.theme', theme.value)
  if (theme.value === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.value
})
effect(() => { keep('vedette.zone', utc.value ? 'utc' : 'local') })
effect(() => { keep('vedette.keys', shortcuts.value ? 'on' : 'off') })

const themes: readonly Theme[] = ['auto', 'light', 'dark']
export const nextTheme = (): void => { theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto' }

const media = (query: string): ReturnType<typeof signal<boolean>> => {
  const list = matchMedia(query)
  const held = signal(list.matches)
  list.addEventListener('change', () => { held.value = list.matches })
  return held
}
/** Wide enough for list and preview side by side. */
export const wide = media('(min-width: 1100px)')
