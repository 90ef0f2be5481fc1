import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentDefaults, agentPrefix, agentSchema, loadAgentConfig } from '../../agent/config.ts'
import { dumpConfig } from '../../proto/process/config.ts'
import { environmentNames, leaves } from '../../proto/process/config-schema.ts'

describe('the shipped configuration of an agent', () => {
  const { config, origins, warnings } = loadAgentConfig({ env: {} })

  it('loads, and is the default', () => {
    expect(warnings).toEqual([])
    expect(new Set(origins.values())).toEqual(new Set(['default']))
    expect(config.flow).toEqual({
      preset: 'vedette', memory: 256 * 2 ** 20, idle: 120_000, syn: 40_000, close: 5000, firstPart: 10_000, part: 60_000,
    })
    expect(config.batch).toEqual({ records: 512, octets: 131072, clock: 10_000 })
    expect(config.metrics.port).toBe(0)
  })

  it('has a value for every key but those that may be missing', () => {
    for (const { key, optional } of leaves(agentSchema)) expect(origins.has(key), key).toBe(!optional)
  })

  it('names the keys it leaves out, as comments', () => {
    const text = readFileSync(agentDefaults, 'utf8')
    for (const { key, optional } of leaves(agentSchema)) if (optional) expect(text).toContain(`# ${key.split('.').at(-1) ?? ''}: `)
  })

  it('is read again from its own dump', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-agent-config-'))
    writeFileSync(join(folder, 'dump.yaml'), dumpConfig(loadAgentConfig({ env: {} })))
    expect(loadAgentConfig({ file: join(folder, 'dump.yaml'), env: {} }).config).toEqual(config)
    rmSync(folder, { recursive: true })
  })

  it('has an environment name for every key', () => {
    const names = environmentNames(agentPrefix, agentSchema)
    expect(names.size).toBe(leaves(agentSchema).length)
    expect(names.get('VEDETTE_AGENT_FLOW_MEMORY')).toBe('flow.memory')
    expect(loadAgentConfig({ env: { VEDETTE_AGENT_FLOW_MEMORY: '64MiB' } }).config.flow.memory).toBe(2 ** 26)
  })
})

describe('rules across keys', () => {
  it.each([
    [{ 'sink.kind': 'file' }, 'sink.kind is file, but sink.path is missing'],
    [{ 'flow.syn': '10m' }, 'flow.syn must not be longer than flow.idle'],
    [{ 'flow.firstPart': '2m' }, 'flow.firstPart must not be longer than flow.part'],
    [{ sensor: 'a/b' }, 'sensor must be a name of letters'],
    [{ 'sink.url': 'collector:8420' }, 'sink.url must be an address like http://collector:8420'],
  ])('%j', (flags, message) => {
    expect(() => loadAgentConfig({ env: {}, flags })).toThrow(message)
  })
})
