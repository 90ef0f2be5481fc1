/**
 * Who may ask, before there are accounts: only this machine's own names. A page of another site must not reach the API through the
 * reader's browser, neither by a name that it points at 127.0.0.1 (DNS rebinding: the Host header is checked), nor by a form, a script or
 * a WebSocket (Origin and Sec-Fetch-Site are checked). There is no CORS: nothing is ever shared with another origin.
 */
import { VedetteError } from '../../proto/error.ts'

export type AskedBy = { method: string, url: string, headers: Record<string, string | string[] | undefined> }

const one = (value: string | string[] | undefined): string | undefined => Array.isArray(value) ? value[0] : value

const hostOf = (text: string): URL | undefined => {
  // A Host header is `name[:port]` and nothing else; the URL parser alone would accept user names and paths.
  if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(text)) return undefined
  return URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : undefined
}

/** Builds the check for one server. Throws E_FORBIDDEN with what was wrong. */
export function createGuard(publicUrl: string): (request: AskedBy) => void {
  const own = new URL(publicUrl)
  const names = new Set(['localhost', '127.0.0.1', '[::1]', own.hostname])
  const refuse = (detail: string): never => { throw new VedetteError('E_FORBIDDEN', detail) }

  return ({ method, url, headers }) => {
    const host = hostOf(one(headers['host']) ?? '')
    if (host === undefined || !names.has(host.hostname)) {
      return refuse('the Host header names another host; set publicUrl to the name under which Vedette is reached')
    }
    const origin = one(headers['origin'])
    if (origin !== undefined && origin !== `http://${host.host}` && origin !== own.origin) return refuse('this request comes from a page of another origin')
    const site = one(headers['sec-fetch-site'])
    const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
    // Following a link from elsewhere to the page is fine; reading or changing anything through it is not.
    if (foreign && (url.startsWith('/v1/') || (method !== 'GET' && method !== 'HEAD'))) return refuse('this request comes from another site')
  }
}

/** Headers of every answer. No inline script or style, nothing from elsewhere, never in a frame; Trusted Types on top. */
export const safetyHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "base-uri 'none'",
    "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}
