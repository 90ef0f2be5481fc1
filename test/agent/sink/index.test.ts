import { describe, expect, it } from 'vitest'
import { createSink, sinks } from '../../../agent/sink/index.ts'
import { sealed } from './batches.ts'

describe('createSink', () => {
  it('makes each sink by its name', () => {
    for (const name of Object.keys(sinks)) expect(createSink(name, { url: 'http://127.0.0.1:8420', path: '/tmp/x' }).name).toBe(name)
  })

  it.each(['kafka', '', 'constructor', '__proto__', 'toString'])('refuses %j, and says what there is', (name) => {
    expect(() => createSink(name)).toThrow(expect.objectContaining({ code: 'E_CONFIG', advice: 'Choose one of http, stdout, file, none' }) as Error)
  })

  it('says what a sink needs', () => {
    expect(() => createSink('http')).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: 'the sink http needs a url' }) as Error)
    expect(() => createSink('file', { path: '' })).toThrow(expect.objectContaining({ code: 'E_CONFIG', message: 'the sink file needs a path' }) as Error)
  })

  it('has one that keeps nothing', async () => {
    const sink = createSink('none')
    await sink.open()
    await sink.send(sealed(1))
    await sink.close()
  })
})
