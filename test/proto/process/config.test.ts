/** Layers, substitution, messages that say where and what, and secrets that stay secret. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Type } from 'typebox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nearest } from '../../../proto/process/config-check.ts'
import {
  duration, environmentName, environmentNames, flag, formatQuantity, octets, oneOf, parseQuantity, secret, section, text, whole,
} from '../../../proto/process/config-schema.ts'
import { ConfigError, dumpConfig, loadConfig, parseSettings } from '../../../proto/process/config.ts'
import type { ConfigOptions } from '../../../proto/process/config.ts'

const schema = section({
  name: text('Name.', { pattern: '^[a-z]+$', form: 'a name of letters' }),
  port: whole('Port.', { minimum: 0, maximum: 65535 }),
  on: flag('On.'),
  ratio: Type.Number({ minimum: 0, maximum: 1 }),
  flow: section({
    memory: octets('Memory.', { minimum: 1024, maximum: 2 ** 40 }), firstPart: duration('Part.', { minimum: 0, maximum: 3600_000 }),
  }),
  kind: oneOf(['http', 'file'], 'Kind.'),
  list: Type.Array(text('One.')),
  token: Type.Optional(secret('Token.')),
  channels: Type.Array(section({ name: text('Name.'), secret: Type.Optional(secret('Secret.')) })),
  ports: Type.Record(Type.String(), section({ name: text('Name.') })),
})

const defaults = `
name: base
port: 80
on: false
ratio: 0.5
flow:
  memory: 64MiB
  firstPart: 10s
kind: http
list: [a, b]
channels: []
ports: { 22: { name: SSH } }
`

let folder = ''
let files = 0
const file = (content: string): string => {
  const path = join(folder, `${String(files++)}.yaml`)
  writeFileSync(path, content)
  return path
}
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'vedette-config-')) })
afterAll(() => { rmSync(folder, { recursive: true }) })

const load = (options: Partial<ConfigOptions<typeof schema>> & { text?: string } = {}) =>
  loadConfig({ schema, defaults: file(defaults), env: {}, prefix: 'TEST', ...(options.text === undefined ? {} : { file: file(options.text) }), ...options })

/** The problems of a configuration, file names shortened. */
function problems(options: Parameters<typeof load>[0]): string[] {
  try {
    load(options)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((problem) => problem.replaceAll(/\S*\/\d+\.yaml/g, 'x.yaml').replace(/^\d+\.yaml/, 'x.yaml'))
  }
}

describe('layers', () => {
  it('lie over each other: default < file < file < environment < command line', () => {
    const { config, origins } = load({
      file: [file('port: 1\nname: first\nflow:\n  memory: 1MiB'), file('name: second')],
      env: { TEST_PORT: '3', TEST_FLOW_FIRST_PART: '5s', OTHER: 'x' }, flags: { port: 4, kind: undefined },
    })
    expect(config).toMatchObject({ port: 4, name: 'second', flow: { memory: 2 ** 20, firstPart: 5000 }, kind: 'http', list: ['a', 'b'] })
    expect(origins.get('port')).toBe('command line')
    expect(origins.get('name')).toMatch(/1\.yaml:1:7$|yaml:1:7$/)
    expect(origins.get('flow.firstPart')).toBe('TEST_FLOW_FIRST_PART')
    expect(origins.get('kind')).toBe('default')
  })

  it('replace lists, merge sections, and take an empty file for none', () => {
    expect(load({ text: 'list: [c]\nports: { 23: { name: Telnet } }' }).config).toMatchObject({ list: ['c'], ports: { 22: { name: 'SSH' }, 23: { name: 'Telnet' } } })
    expect(load({ text: '' }).config.port).toBe(80)
    expect(load({ text: '# only a comment\n' }).config.port).toBe(80)
  })

  it('read text of the environment and the command line as what the key wants', () => {
    const { config } = load({ env: { TEST_LIST: 'x, y', TEST_ON: 'true', TEST_RATIO: '0.25', TEST_CHANNELS: '[{ name: a }]' }, flags: { 'list': ['p,q'], 'flow.memory': '2048' } })
    expect(config).toMatchObject({ on: true, ratio: 0.25, list: ['p,q'], channels: [{ name: 'a' }], flow: { memory: 2048 } })
  })

  it('warn of variables that look like ours, and ignore those of Kubernetes', () => {
    const { warnings, config } = load({ env: { TEST_PROT: '1', TEST_PORT: 'tcp://10.0.0.1:80', TEST_PORT_80_TCP: 'tcp://10.0.0.1:80' } })
    expect(config.port).toBe(80)
    expect(warnings).toEqual([expect.stringContaining('TEST_PROT is not a key of the configuration; did you mean TEST_PORT?')])
  })
})

describe('variables in values', () => {
  const env = { PORT: '99', EMPTY: '', NASTY: 'x\nport: 1' }

  it('are replaced, with defaults', () => {
    expect(load({ text: 'port: ${PORT}\nlist: ["${HOST:localhost}:${PORT}", "${EMPTY}"]\nflow: { memory: "${SIZE:2KiB}" }', env }).config)
      .toMatchObject({ port: 99, list: ['localhost:99', ''], flow: { memory: 2048 } })
  })

  it('never change the structure', () => {
    expect(load({ text: 'list: [ "${NASTY}" ]', env }).config).toMatchObject({ list: ['x\nport: 1'], port: 80 })
  })

  it('can be written literally', () => {
    expect(load({ text: 'list: ["$${PORT}", "$5"]', env }).config.list).toEqual(['${PORT}', '$5'])
  })

  it('that are missing or malformed are errors with their place', () => {
    expect(() => load({ text: '\nport: ${GONE}' })).toThrow(/yaml:2:7: the environment variable GONE is not set/)
    expect(() => load({ text: 'port: "${9}"' })).toThrow(/yaml:1:7: \$\{9\} is not a variable/)
  })
})

describe('what is wrong is said with place and advice', () => {
  it.each([
    ['flow:\n  memry: 1KiB', 'x.yaml:2:3: there is no key flow.memry. Did you mean flow.memory?'],
    ['memory: 1KiB', 'x.yaml:1:1: there is no key memory. Did you mean flow.memory?'],
    ['wholly: 1', 'x.yaml:1:1: there is no key wholly. Known here: name, port, on, ratio, flow, kind, list, token, channels, ports'],
    ['__proto__: { port: 1 }', 'x.yaml:1:1: there is no key __proto__. Known here: name, port, on, ratio, flow, kind, list, token, channels, ports'],
    ['port: eighty', 'x.yaml:1:7: port must be a whole number, not eighty'],
    ['port: 1.5', 'x.yaml:1:7: port must be a whole number, not 1.5'],
    ['port: "80"', 'x.yaml:1:7: port must be a whole number, not 80'],
    ['port: 70000', 'x.yaml:1:7: port must be at least 0 and at most 65535, not 70000'],
    ['port:', 'x.yaml:1:6: port has no value. Give one, or remove the line'],
    ['on: yes', 'x.yaml:1:5: on must be true or false, not yes'],
    ['name: 7', 'x.yaml:1:7: name must be a name of letters, not 7. Put it in quotes'],
    ['name: A1', 'x.yaml:1:7: name must be a name of letters, not A1'],
    ['kind: htpp', 'x.yaml:1:7: kind must be one of http, file, not htpp. Did you mean http?'],
    ['flow: { memory: 64XB }', 'x.yaml:1:17: flow.memory must be a size like 256MiB, not 64XB'],
    ['flow: { memory: 1B }', 'x.yaml:1:17: flow.memory must be at least 1KiB and at most 1TiB, not 1B'],
    ['flow: { firstPart: 10 }', 'x.yaml:1:20: flow.firstPart must be a duration like 10s, not 10'],
    ['flow: { firstPart: 2h }', 'x.yaml:1:20: flow.firstPart must be at least 0s and at most 1h, not 2h'],
    ['flow: 3', 'x.yaml:1:7: flow must be a section: keys, one per line, indented'],
    ['list: a', 'x.yaml:1:7: list must be a list'],
    ['list: [1]', 'x.yaml:1:8: list[0] must be text, not 1. Put it in quotes'],
    ['port: [1]', 'x.yaml:1:7: port must be a whole number, not a list'],
    ['channels: [{ nam: a }]', 'x.yaml:1:14: there is no key channels[0].nam. Did you mean name?'],
    ['token: ""', 'x.yaml:1:8: token must be at least 1 characters long, not what was given'],
    ['ports: { 80: { nme: x } }', 'x.yaml:1:16: there is no key ports.80.nme. Did you mean ports.80.name?'],
  ])('%j', (source, expected) => {
    expect(problems({ text: source })).toContain(expected)
  })

  it.each([
    ['a: [', /yaml:1:\d+: this is not valid YAML: /], ['port: 1\nport: 2', /yaml:2:1: this is not valid YAML: Map keys must be unique/],
    ['list: [*x]', /anchor|alias/i], ['? [a]\n: 1', /a key must be a plain word/], ['port: !!js/function x', /not valid YAML/],
    [`a: ${'['.repeat(40)}${']'.repeat(40)}`, /nested too deeply/],
  ])('%j', (source, message) => {
    expect(() => load({ text: source })).toThrow(message)
  })

  it('in the environment and on the command line too', () => {
    expect(problems({ env: { TEST_PORT: 'x' } })).toEqual(['TEST_PORT: port must be a whole number, not x'])
    expect(problems({ flags: { 'flow.sny': 1 } })).toEqual(['command line: there is no key flow.sny. Known here: memory, firstPart'])
  })

  it('all at once, the first in one line', () => {
    expect(problems({ text: 'port: x\non: 1\nnme: x' })).toHaveLength(3)
    expect(() => load({ text: 'port: x\non: 1' })).toThrow(/yaml:1:7: port must be a whole number, not x \(and 1 more; config check shows all\)$/)
  })

  it('across keys, pointing at the key', () => {
    const rules = () => [{ key: 'port', text: 'port must not be 81', advice: 'Take 80' }]
    expect(problems({ text: '\nport: 81', rules })).toEqual(['x.yaml:2:7: port must not be 81. Take 80'])
  })

  it('when a key that must be there is nowhere', () => {
    expect(() => loadConfig({ schema, defaults: file('name: a'), env: {}, prefix: '' })).toThrow(/the key port is missing/)
  })

  it('when the file is not there, or a folder', () => {
    expect(() => load({ file: join(folder, 'gone.yaml') })).toThrow(expect.objectContaining({ code: 'E_FILE_MISSING' }) as Error)
    expect(() => load({ file: folder })).toThrow(expect.objectContaining({ code: 'E_FILE_DIRECTORY' }) as Error)
  })
})

describe('secrets', () => {
  it('may be in a file or a credential, and are never printed', () => {
    writeFileSync(join(folder, 'soc'), 'from systemd\n')
    const channels = '[{ name: a, secret: credential:soc }, { name: b, secret: plain-hunter3 }]'
    const loaded = load({ text: `token: file:${file('hunter2\n')}\nchannels: ${channels}`, env: { CREDENTIALS_DIRECTORY: folder } })
    expect(loaded.config.token).toBe('hunter2')
    expect(loaded.config.channels).toMatchObject([{ secret: 'from systemd' }, { secret: 'plain-hunter3' }])
    expect(dumpConfig(loaded)).not.toMatch(/hunter|from systemd/)
    expect(dumpConfig(loaded)).toContain('token: "[redacted]"')
  })

  it('that cannot be read are errors that do not show them', () => {
    expect(() => load({ text: 'token: file:/nowhere' })).toThrow(/yaml:1:8: the secret token cannot be read from \/nowhere \(ENOENT\)/)
    expect(() => load({ text: 'token: credential:x' })).toThrow(/there are none/)
  })
})

describe('the dump', () => {
  it('says where each value comes from, and can be read again', () => {
    const loaded = load({ text: 'channels: [{ name: a }, { name: b }]\nflow: { memory: 1536KiB }', flags: { port: 8 } })
    const dump = dumpConfig(loaded)
    expect(dump).toContain('port: 8  # command line\n')
    expect(dump).toContain('  memory: 1536KiB  # ')
    expect(dump).toContain('  firstPart: 10s  # default\n')
    expect(load({ text: dump.replace(/^ports:.*$/m, '') }).config).toEqual(loaded.config)
  })
})

describe('names and quantities', () => {
  it('environment names come from the keys and cannot clash', () => {
    expect(environmentName('VEDETTE_AGENT', 'flow.firstPart')).toBe('VEDETTE_AGENT_FLOW_FIRST_PART')
    expect(() => environmentNames('X', section({ aB: flag('x.'), a: section({ b: flag('x.') }) }))).toThrow(/share the environment name X_A_B/)
  })

  it('quantities come back as they were', () => {
    fc.assert(fc.property(fc.maxSafeNat(), fc.constantFrom('octets' as const, 'duration' as const), (value, unit) => parseQuantity(unit, formatQuantity(unit, value)) === value))
  })

  it.each([['octets', '1.5KiB', 1536], ['octets', '10mb', 10e6], ['octets', '7', 7], ['duration', '1.5s', 1500], ['duration', '90m', 5400e3], ['duration', '0', 0]] as const)('%s %s is %i', (unit, written, value) => {
    expect(parseQuantity(unit, written)).toBe(value)
  })

  it.each([['octets', ''], ['octets', '-1MB'], ['octets', '1e3'], ['octets', '99999TiB99'], ['duration', '10'], ['duration', '5 M'], ['duration', '1s2']] as const)('%s %j is none', (unit, written) => {
    expect(parseQuantity(unit, written)).toBeUndefined()
  })

  it('settings of the command line are split at the first equals sign', () => {
    expect(parseSettings(['a.b=c=d', 'e='])).toEqual({ 'a.b': 'c=d', 'e': '' })
    expect(() => parseSettings(['x'])).toThrow('--set takes KEY=VALUE')
  })

  it('the nearest name is one that a slip explains', () => {
    expect(nearest(['memory', 'idle'], 'memroy')).toBe('memory')
    expect(nearest(['memory', 'idle'], 'banana')).toBeUndefined()
    expect(nearest(['memory'], 'x'.repeat(200))).toBeUndefined()
  })
})
