/** The address bar is the state of the view: page, alert and filters. Links work in a new tab, back and forward work everywhere. */
import { signal } from '@preact/signals'

export type Route =
  | { page: 'queue', query: URLSearchParams }
  | { page: 'alert', id: string, query: URLSearchParams }
  | { page: 'sensors', query: URLSearchParams }
  | { page: 'flows', query: URLSearchParams }
  | { page: 'nowhere', query: URLSearchParams }

/** What an address shows. */
export function routeOf(path: string, search: string): Route {
  const query = new URLSearchParams(search)
  if (path === '/' || path === '/queue') return { page: 'queue', query }
  if (path === '/sensors') return { page: 'sensors', query }
  if (path === '/flows') return { page: 'flows', query }
  const id = /^\/alerts\/([^/]+)$/.exec(path)?.[1]
  try {
    return id === undefined ? { page: 'nowhere', query } : { page: 'alert', id: decodeURIComponent(id), query }
  } catch {
    return { page: 'nowhere', query }
  }
}

/** An address with the parts of the present one that belong to every page (the run). */
export function addressOf(path: string, now: URLSearchParams, more: Record<string, string | undefined> = {}): string {
  const query = new URLSearchParams()
  const run = now.get('run')
  if (run !== null) query.set('run', run)
  for (const [name, value] of Object.entries(more)) if (value !== undefined) query.set(name, value)
  const search = query.toString()
  return search === '' ? path : `${path}?${search}`
}

export const alertPath = (id: string): string => `/alerts/${encodeURIComponent(id)}`

export const route = signal<Route>(routeOf(location.pathname, location.search))

const follow = (): void => { route.value = routeOf(location.pathname, location.search) }
addEventListener('popstate', follow)

/** Goes to `address` on this origin. `replace` leaves no step in the history (selection, filters). */
export function go(address: string, replace = false): void {
  if (address === location.pathname + location.search) return
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  follow()
}

/** Changes parts of the query in place; undefined removes. */
export function change(parts: Record<string, string | undefined>): void {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(parts)) {
    if (value === undefined) query.delete(name)
    else query.set(name, value)
  }
  const search = query.toString()
  go(search === '' ? location.pathname : `${location.pathname}?${search}`, true)
}

/** Follows a link inside the page without loading it anew; leaves new tabs and other origins to the browser. */
export function followLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (link === null || event.defaultPrevented || event.button !== 0) return
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  if (link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return
  event.preventDefault()
  go(link.pathname + link.search)
}
