import { spawn } from 'node:child_process'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { StdoutSink } from '../../../agent/sink/stdout.ts'
import { sealed, testFlow } from './batches.ts'

/** A stream that keeps what it gets; each write is taken when `release` is called, or at once. */
function keeper(hold = false) {
  const kept: string[] = []
  const held: (() => void)[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      kept.push(chunk.toString())
      if (hold) held.push(done)
      else done()
    },
  })
  return { kept, stream, release: () => { held.shift()?.() } }
}

const errno = (code: string): Error => Object.assign(new Error(`write ${code}`), { code })

describe('StdoutSink', () => {
  it('prints whole flows, one line each, in order', async () => {
    const { kept, stream } = keeper()
    const sink = new StdoutSink({ stream })
    await sink.open()
    await sink.send(sealed(1, [testFlow({ number: 1 }), testFlow({ number: 2, final: false }), testFlow({ number: 3, initiatorPort: 50001 })]))
    await sink.send(sealed(2, [testFlow({ number: 4, final: false })]))
    await sink.send(sealed(3, []))
    await sink.close()
    expect(kept).toHaveLength(1)
    const lines = kept[0].split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ sensor: 'test', number: 1 }, { number: 3, initiatorPort: 50001 }])
    expect(lines[0].startsWith('{"sensor":"test","startMicros":1700000000123456,')).toBe(true)
  })

  it('waits for a slow reader', async () => {
    const { stream, release } = keeper(true)
    const sink = new StdoutSink({ stream })
    await sink.open()
    let sent = false
    const sending = sink.send(sealed(1)).then(() => { sent = true })
    await new Promise((resolve) => { setImmediate(resolve) })
    expect(sent).toBe(false)
    release()
    await sending
  })

  it('takes a reader that has gone for an end, not an error, and says so once', async () => {
    let gone = 0
    const stream = new Writable({ write(_chunk, _encoding, done) { done(errno('EPIPE')) } })
    const sink = new StdoutSink({ stream, onReaderGone: () => { gone++ } })
    await sink.open()
    for (let i = 1; i <= 3; i++) await sink.send(sealed(i))
    await sink.close()
    expect(gone).toBe(1)
  })

  it('says that a redirected output cannot be written', async () => {
    const stream = new Writable({ write(_chunk, _encoding, done) { done(errno('ENOSPC')) } })
    const sink = new StdoutSink({ stream })
    await sink.open()
    await expect(sink.send(sealed(1))).rejects.toMatchObject({ code: 'E_DATA_UNWRITABLE', message: expect.stringContaining('ENOSPC') as string })
  })

  it('lets `| head` end a real process quietly', async () => {
    const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const program = `
      const { StdoutSink } = await import(${url('../../../agent/sink/stdout.ts')})
      const { sealed, testFlow } = await import(${url('./batches.ts')})
      const batch = sealed(1, Array.from({ length: 500 }, (_, i) => testFlow({ number: i + 1 })))
      let gone = false
      const sink = new StdoutSink({ onReaderGone: () => { gone = true } })
      await sink.open()
      let sent = 0
      while (!gone && sent < 10000) { await sink.send(batch); sent++ }
      console.error(gone && sent < 10000 ? 'reader gone' : 'never noticed')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text })
    child.stdout.once('data', () => { child.stdout.destroy() })
    const status = await new Promise((resolve) => { child.on('close', resolve) })
    expect(errors.trim()).toBe('reader gone')
    expect(status).toBe(0)
  })
})
