import { afterAll, beforeAll, expect, test } from 'vitest'
import { filled } from './filled.ts'
import type { Filled } from './filled.ts'

let it: Filled
beforeAll(async () => { it = await filled() })
afterAll(async () => { await it.close() })

test('every address of the page gives the same document, asked for anew each time and locked down', async () => {
  const bodies = new Set<string>()
  for (const path of ['/', '/queue', '/alerts/a-scan?run=demo', '/sensors']) {
    const response = await fetch(`${it.url}${path}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'.*script-src 'self'/)
    bodies.add(await response.text())
  }
  expect(bodies.size).toBe(1)
  const [document = ''] = bodies
  expect(document).not.toMatch(/<style|style=|\son\w+=|<script(?! type="module" src="\/app-)/)
  expect([...document.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path).every((path) => path.startsWith('/'))).toBe(true)
})

test('script and style carry a hash, are kept for ever, and come compressed to who can take it', async () => {
  const document = await (await fetch(it.url)).text()
  for (const pattern of [/\/app-[A-Z0-9]{8}\.js/, /\/app-[A-Z0-9]{8}\.css/]) {
    const path = pattern.exec(document)?.[0] ?? ''
    const response = await fetch(`${it.url}${path}`, { headers: { 'accept-encoding': 'br' } })
    expect(response.headers.get('content-encoding')).toBe('br')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const plain = await fetch(`${it.url}${path}`, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    expect(await plain.text()).toBe(await response.text())
  }
  expect((await fetch(`${it.url}/favicon.svg`)).headers.get('content-type')).toMatch(/^image\/svg/)
})

test('the page names no other origin than the one of the techniques, which only a click follows', async () => {
  const document = await (await fetch(it.url)).text()
  const script = await (await fetch(`${it.url}${/\/app-\w+\.js/.exec(document)?.[0] ?? ''}`)).text()
  const origins = new Set([...script.matchAll(/https?:\/\/[a-z0-9.-]+/g)].map(([origin]) => origin))
  // The others are names of XML vocabularies.
  expect([...origins].filter((origin) => origin !== 'http://www.w3.org')).toEqual(['https://attack.mitre.org'])
})
