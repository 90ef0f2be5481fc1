import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { LiveMessage } from '../../../collector/api/live.ts'
import type { Served } from './serve.ts'
import { serve } from './serve.ts'
import { alertOf } from './samples.ts'

let served: Served | undefined
const start = async (...change: Parameters<typeof serve>): Promise<Served> => served = await serve(...change)
const sockets: WebSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate()
  await served?.close()
  served = undefined
})

type Page = { socket: WebSocket, messages: LiveMessage[], until(done: (messages: LiveMessage[]) => boolean): Promise<void> }

const open = (it: Served, query = '', headers: Record<string, string> = {}): Promise<Page> => new Promise((resolve, reject) => {
  const socket = new WebSocket(`ws://127.0.0.1:${it.port}/v1/live${query}`, { headers })
  sockets.push(socket)
  const messages: LiveMessage[] = []
  const waiting: { done: (messages: LiveMessage[]) => boolean, resolve: () => void }[] = []
  socket.on('message', (data) => {
    messages.push(JSON.parse((data as Buffer).toString()) as LiveMessage)
    for (const one of waiting) if (one.done(messages)) one.resolve()
  })
  socket.on('error', reject)
  socket.on('open', () => {
    const until: Page['until'] = (done) => new Promise((found) => {
      if (done(messages)) found()
      else waiting.push({ done, resolve: found })
    })
    resolve({ socket, messages, until })
  })
})

/** A client that speaks just enough to be let in. */
const upgrade = `${[
  'GET /v1/live HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
].join('\r\n')}\r\n\r\n`

const alertIds = (messages: LiveMessage[]): string[] => messages.flatMap((message) => message.type === 'alert' ? [message.alert.id] : [])

test('a page gets what changes after it came, in order of version', async () => {
  const it = await start()
  it.store.put(alertOf({ id: 'old' }))
  const page = await open(it)
  await page.until(([first]) => first?.type === 'beat' && first.version === 1)
  const [a, b] = [it.store.put(alertOf({ id: 'a' })), it.store.put(alertOf({ id: 'b' }))]
  it.server.live.publish([b, a])
  it.server.live.publish([a])
  it.server.live.publish([it.store.put(alertOf({ id: 'a', risk: 80 }))])
  await page.until((messages) => alertIds(messages).length === 3)
  expect(alertIds(page.messages)).toEqual(['a', 'b', 'a'])
  expect(page.messages.at(-1)).toMatchObject({ type: 'alert', version: 4, alert: { risk: 80 } })
})

test('a page that was away gets what it missed first, once, and only of its run', async () => {
  const it = await start()
  for (const id of ['a', 'b', 'c']) it.store.put(alertOf({ id, run: id === 'b' ? '' : 'demo' }))
  const page = await open(it, '?after=1&run=demo')
  it.server.live.publish([it.store.put(alertOf({ id: 'd' })), it.store.put(alertOf({ id: 'e', run: '' }))])
  await page.until((messages) => alertIds(messages).includes('d'))
  expect(alertIds(page.messages)).toEqual(['c', 'd'])
})

test('a page that missed too much, or comes from another data folder, is told to load anew', async () => {
  const it = await start({ live: { resumeAlerts: 2 } })
  for (const id of ['a', 'b', 'c']) it.store.put(alertOf({ id }))
  for (const after of [0, 17]) {
    const page = await open(it, `?after=${after}`)
    await page.until((messages) => messages.length >= 2)
    expect(page.messages[0]).toEqual({ type: 'reset', version: 3 })
    expect(alertIds(page.messages)).toEqual([])
  }
})

test('a page that does not read is cut off and counted; nothing is kept for it', async () => {
  const it = await start({ live: { bufferedOctets: 100_000 } })
  const quick = await open(it)
  const slow = connect(it.port, '127.0.0.1')
  slow.pause()
  slow.write(upgrade)
  const sentence = 'x'.repeat(60_000)
  let published = 0
  const flood = async (): Promise<void> => {
    // The other page reads in step, so only the one that does not read falls behind.
    while (it.server.live.counts().cutOff === 0 && published < 2000) {
      it.server.live.publish([it.store.put(alertOf({ id: 'a', sentence }))])
      published += 1
      await quick.until((messages) => alertIds(messages).length === published)
    }
  }
  await flood()
  expect(it.server.live.counts()).toMatchObject({ cutOff: 1, clients: 1 })
  expect(alertIds(quick.messages)).toHaveLength(published)
  slow.destroy()
})

test('a page that does not answer two beats is dropped, one that answers stays', async () => {
  const it = await start({ live: { beatMs: 15 } })
  const good = await open(it)
  const silent = connect(it.port, '127.0.0.1')
  const closed = once(silent, 'close')
  silent.write(upgrade)
  silent.resume()
  await closed
  expect(it.server.live.counts()).toMatchObject({ silent: 1, clients: 1 })
  const before = good.messages.length
  await good.until((messages) => messages.length > before)
})

test('only so many pages, only from here, only small messages', async () => {
  const it = await start({ live: { clients: 1 } })
  await expect(open(it, '', { origin: 'http://evil.example' })).rejects.toThrow('403')
  await expect(open(it, '', { host: 'evil.example' })).rejects.toThrow('403')
  await expect(open(it, '?after=-1')).rejects.toThrow('400')
  const page = await open(it, '', { origin: `http://127.0.0.1:${it.port}` })
  await expect(open(it)).rejects.toThrow('429')
  page.socket.send('x'.repeat(2000))
  expect((await once(page.socket, 'close'))[0]).toBe(1009)
  expect((await fetch(`${it.url}/v1/live`)).status).toBe(400)
})

test('closing the server ends its pages', async () => {
  const it = await start()
  const page = await open(it)
  const closed = once(page.socket, 'close')
  await it.close()
  expect((await closed)[0]).toBe(1001)
})
