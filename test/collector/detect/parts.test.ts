/** The parts detectors are made of: domains, one-way views, slow counts, model scores, settings, the set. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { FlowModel } from '../../../collector/detect/flow-model.ts'
import { detectorNames, detectorSchema, readDetectorSettings } from '../../../collector/detect/index.ts'
import { OneWayGuard } from '../../../collector/detect/one-way.ts'
import { registeredDomain } from '../../../collector/detect/registered-domain.ts'
import { SlowCounts } from '../../../collector/detect/slow-count.ts'
import { mark } from '../../../proto/flow.ts'
import { VedetteError } from '../../../proto/error.ts'
import { loadConfig } from '../../../proto/process/config.ts'
import { Chain, cut, detect, makeFlow, MemoryStore, refused, shippedSettings } from '../chain.ts'
import type { Detection, SeenFlow } from '../../../collector/detect/detector.ts'
import type { Flow } from '../../../proto/flow.ts'

const start = 1_800_000_000e6
const seen = (change: Partial<SeenFlow>): SeenFlow =>
  ({ ...makeFlow({ startMicros: start }), stream: 's', sensor: 's', boot: 'b', run: '', initiatorInternal: true, responderInternal: true, ...change })

describe('registeredDomain', () => {
  it.each([
    ['www.example.com', 'example.com', 'www'], ['a.b.c.example.com', 'example.com', 'a.b.c'], ['example.com', 'example.com', ''],
    ['www.firm.co.uk', 'firm.co.uk', 'www'], ['firm.co.uk', 'firm.co.uk', ''], ['co.uk', 'co.uk', ''], ['x.y.cloudapp.azure.com', 'y.cloudapp.azure.com', 'x'],
    ['d1.cloudfront.net', 'd1.cloudfront.net', ''], ['__proto__.constructor', '__proto__.constructor', ''],
  ])('of %s is %s', (name, domain, below) => {
    expect(registeredDomain(name)).toEqual({ domain, below })
  })

  it.each(['localhost', '', '.', 'example.', '4.3.2.1.in-addr.arpa', 'printer.local'])('of %j is none', (name) => {
    expect(registeredDomain(name)).toBeUndefined()
  })
})

describe('OneWayGuard', () => {
  const guard = (): OneWayGuard => new OneWayGuard({ share: 0.2, flows: 20 })
  const blindAfter = (flows: Partial<SeenFlow>[]): boolean => {
    const it = guard()
    for (const flow of flows) it.observe(seen(flow))
    return it.blind('s')
  }
  const oneWay = { responderPackets: 0, connState: 'S0' } as const
  const many = (n: number, change: Partial<SeenFlow>): Partial<SeenFlow>[] => Array.from({ length: n }, () => change)

  it('trips above a fifth of proven one-way connections', () => {
    expect(blindAfter([...many(80, {}), ...many(20, oneWay)])).toBe(false)
    expect(blindAfter([...many(78, {}), ...many(22, oneWay)])).toBe(true)
    expect(blindAfter(many(3, oneWay))).toBe(true)
    expect(blindAfter([...many(3, oneWay), {}])).toBe(false)
    expect(blindAfter(many(30, { initiatorPackets: 0 }))).toBe(true)
  })

  it('is not tripped by a scan, by flows begun before capture, by later parts, or by UDP', () => {
    const silent = { ...oneWay, initiatorTcpFlags: 2, initiatorPayloadOctets: 0 }
    expect(blindAfter(many(500, silent))).toBe(false)
    expect(blindAfter(many(500, { ...oneWay, marks: mark.midstream }))).toBe(false)
    expect(blindAfter(many(500, { ...oneWay, part: 1 }))).toBe(false)
    expect(blindAfter(many(500, { ...oneWay, protocol: 17 }))).toBe(false)
  })

  it('forgets after 5 minutes', () => {
    const it = guard()
    for (const flow of many(30, oneWay)) it.observe(seen(flow))
    expect(it.blindStreams()).toHaveLength(1)
    it.observe(seen({ startMicros: start + 330e6 }))
    expect(it.blind('s')).toBe(false)
    expect(it.blind('another')).toBe(false)
  })

  it('leaves refusals countable: they were seen in both directions', () => {
    const blinded = Array.from({ length: 40 }, () => makeFlow({ startMicros: start, ...oneWay }))
    const scan = Array.from({ length: 30 }, (_, i) => refused({ startMicros: start + 1e6 + i, responderPort: i + 1 }))
    expect(detect([...blinded, ...scan]).alerts).toHaveLength(1)
  })
})

describe('SlowCounts', () => {
  it('counts 4 hours, late events too, and comes back from its rows', () => {
    const rows = new Map<string, string>()
    const remember = (key: string, value: string | undefined): void => { if (value === undefined) rows.delete(key); else rows.set(key, value) }
    const slow = new SlowCounts('x', 10, remember)
    for (let i = 0; i < 30; i++) slow.add('key', start + i * 600e6)
    expect(slow.count('key')).toBe(24)
    expect(slow.add('key', start + 25 * 600e6)).toBe(25)
    expect(slow.add('key', start)).toBe(0)
    slow.save()
    const other = new SlowCounts('x', 10, remember)
    other.restore(rows)
    expect(other.add('key', start + 30 * 600e6)).toBe(slow.add('key', start + 30 * 600e6))
    for (let i = 0; i < 30; i++) other.add(`key ${i}`, start + 30 * 600e6)
    expect(other.size()).toEqual({ entries: 10, evicted: 21 })
    other.save()
    expect(rows.size).toBe(10)
  })
})

describe('FlowModel', () => {
  const settings = { enabled: true, most: 10, tail: 0.01, learnt: 1000 }
  const learnt = (n: number): FlowModel => {
    const model = new FlowModel(settings, () => {})
    for (let i = 0; i < n; i++) model.observe(seen({ edgeScore: i % 1000 / 1250, modelHash: 'a' }))
    return model
  }
  const detection = (edgeScore: number): Detection => ({ edgeScore, evidence: [], riskParts: [] }) as unknown as Detection

  it('turns a score into its rarity here, and that into at most 10 points', () => {
    const model = learnt(20_000)
    const rare = detection(0.95)
    model.weigh(rare, 's')
    expect(rare.evidence.map(({ name, value }) => [name, value])).toEqual([['edge-score', 0.95], ['edge-tail', 0.00005]])
    expect(rare.riskParts).toEqual([{ name: 'flow-model', points: 10, reason: 'only 1 in 20001 flows here scores as high' }])
    const usual = detection(0.4)
    model.weigh(usual, 's')
    expect(usual.riskParts).toEqual([])
    expect(usual.evidence).toHaveLength(2)
  })

  it('adds no points before it has learnt, on another stream, or without a score', () => {
    const early = detection(0.95)
    learnt(500).weigh(early, 's')
    expect(early.evidence).toHaveLength(1)
    expect(early.riskParts).toEqual([])
    const elsewhere = detection(0.95)
    learnt(5000).weigh(elsewhere, 'other')
    expect(elsewhere.riskParts).toEqual([])
    const unscored = { evidence: [], riskParts: [] } as unknown as Detection
    learnt(5000).weigh(unscored, 's')
    expect(unscored.evidence).toEqual([])
  })

  it('never mixes the scores of two models, and forgets after a week', () => {
    const model = learnt(5000)
    expect(model.tail('edge/s', 0.95)).toBeCloseTo(1 / 5001)
    model.observe(seen({ edgeScore: 0.1, modelHash: 'b' }))
    expect(model.tail('edge/s', 0.95)).toBeUndefined()
    const old = learnt(5000)
    old.observe(seen({ edgeScore: 0.1, modelHash: 'a', endMicros: start + 8 * 86_400e6 }))
    expect(old.tail('edge/s', 0.95)).toBeUndefined()
  })

  it('comes back from its rows', () => {
    const rows = new Map<string, string>()
    const model = new FlowModel(settings, (key, value) => { if (value !== undefined) rows.set(key, value) })
    for (let i = 0; i < 3000; i++) model.observe(seen({ edgeScore: i / 4000, centralScore: 0.5, modelHash: 'a', centralModelHash: 'c' }))
    model.save()
    const other = new FlowModel(settings, () => {})
    other.restore(rows)
    for (const score of [0.1, 0.5, 0.9]) expect(other.tail('edge/s', score)).toBe(model.tail('edge/s', score))
    expect(other.tail('central/s', 0.6)).toBe(model.tail('central/s', 0.6))
  })

  it('stands in the alert as evidence and as a part of the risk', () => {
    const usual = Array.from({ length: 4000 }, (_, i) => makeFlow({ startMicros: start + i * 1e3, edgeScore: i / 8000 }))
    const scan = Array.from({ length: 20 }, (_, i) => refused({ startMicros: start + 20e6 + i * 1e6, responderPort: i + 1, edgeScore: 0.97, initiatorAddress: '10.1.4.8' }))
    const [alert] = detect([...usual, ...scan]).alerts
    expect(alert.edgeScore).toBe(0.97)
    expect(alert.evidence.map(({ name }) => name)).toEqual(['failed-ports', 'tried-ports', 'edge-score', 'edge-tail'])
    expect(alert.riskParts.find(({ name }) => name === 'flow-model')!.points).toBeLessThanOrEqual(10)
    expect(detect(usual.map((flow) => ({ ...flow, edgeScore: 1 }))).alerts).toEqual([])
  })
})

describe('the settings', () => {
  const path = join(import.meta.dirname, '../../../packaging/config/detectors.yaml')
  const shipped = (): Record<string, Record<string, Record<string, unknown>>> => parse(readFileSync(path, 'utf8')) as Record<string, Record<string, Record<string, unknown>>>

  it('as shipped are right, for this reader and for the configuration', () => {
    expect(Object.keys(shippedSettings().detectors)).toEqual([...detectorNames, 'flow-model'])
    expect(loadConfig({ schema: detectorSchema, defaults: path, env: {}, prefix: '' }).config).toEqual(shippedSettings())
  })

  it.each<[string, (plain: ReturnType<typeof shipped>) => void, RegExp]>([
    ['a misspelled key', (plain) => { plain['detectors']['port-scan']['leest'] = 3 }, /port-scan: unknown key 'leest', did you mean 'least'\?/],
    ['a misspelled detector', (plain) => { plain['detectors']['port-scam'] = {} }, /unknown key 'port-scam', did you mean 'port-scan'\?/],
    ['a number out of range', (plain) => { plain['detectors']['port-scan']['least'] = 0 }, /port-scan\.least: must be >= 2/],
    ['a text for a number', (plain) => { plain['detectors']['dns-tunnel']['hosts'] = 'few' }, /dns-tunnel\.hosts: must be integer/],
    ['a key that is missing', (plain) => { delete plain['oneWay'] }, /oneWay/],
    ['a port that is none', (plain) => { (plain['detectors']['brute-force']['services'] as Record<string, unknown>)['99999'] = { name: 'x' } }, /'99999' is not a port/],
    ['more than 10 points for a model', (plain) => { plain['detectors']['flow-model']['most'] = 30 }, /most: must be <= 10/],
    ['slots that are no power of two', (plain) => { (plain['limits'] as Record<string, unknown>)['slots'] = 1000 }, /limits\.slots: 1000 is not a power of two/],
  ])('refuse %s, clearly', (_, change, message) => {
    const plain = shipped()
    change(plain)
    expect(() => readDetectorSettings(plain)).toThrow(VedetteError)
    expect(() => readDetectorSettings(plain)).toThrow(message)
  })

  it('refuse what is no object at all', () => {
    for (const plain of [undefined, null, 'x', []]) expect(() => readDetectorSettings(plain)).toThrow(VedetteError)
  })

  it('leave a detector out that is switched off', () => {
    const off = shippedSettings((change) => { change.detectors['port-scan'].enabled = false; change.detectors['flow-model'].enabled = false })
    const flows: Flow[] = Array.from({ length: 40 }, (_, i) => refused({ startMicros: start + i, responderPort: i + 1, edgeScore: 1 }))
    expect(detect(flows, off).alerts).toEqual([])
  })
})

describe('the pages', () => {
  it('name every setting and every kind of evidence', () => {
    const page = (name: string): string => readFileSync(join(import.meta.dirname, `../../../docs/detectors/${name}.md`), 'utf8')
    for (const [name, keys] of Object.entries(shippedSettings().detectors)) for (const key of Object.keys(keys)) expect(page(name), name).toContain(`\`${key}\``)
    const scan = Array.from({ length: 20 }, (_, i) => refused({ startMicros: start + i * 1e6, responderPort: i + 1, edgeScore: 0.5 }))
    for (const { name } of detect(scan).alerts[0].evidence) expect(page('port-scan') + page('flow-model')).toContain(`\`${name}\``)
  })
})

describe('the set', () => {
  it('names a source, techniques and a version for every detector', () => {
    for (const { name, source, techniques, versionHash, kind } of new Chain().set.detectors) {
      expect(detectorNames).toContain(name)
      expect(source).toMatch(/\d{4}/)
      expect(techniques.every((id) => /^T\d{4}(\.\d{3})?$/.test(id))).toBe(true)
      expect(versionHash).toMatch(/^[0-9a-f]{12}$/)
      expect(kind).toBe('running')
    }
  })

  it('gives another version for other thresholds', () => {
    const other = shippedSettings((change) => { change.detectors['port-scan'].least = 16 })
    const versions = (settings = shippedSettings()): string[] => new Chain(new MemoryStore(), settings).set.detectors.map(({ versionHash }) => versionHash)
    expect(versions(other)[0]).not.toBe(versions()[0])
    expect(versions(other)[1]).toBe(versions()[1])
  })

  it('reports final numbers when ticks let the clock run on', () => {
    const chain = new Chain()
    const flows = Array.from({ length: 20 }, (_, i) => refused({ startMicros: start + i * 1e6, responderPort: i + 1 }))
    const [entry] = cut(flows, 100)
    chain.apply([{ ...entry, batch: { ...entry.batch, last: false } }])
    expect([...chain.store.findings.values()].map(({ evidence }) => evidence[0].value)).toEqual([15])
    for (const [i, seconds] of [40, 70, 100, 130].entries()) {
      chain.apply([{ offset: i + 1, next: i + 2, batch: { ...entry.batch, last: false, flows: [], clockMicros: start + seconds * 1e6 } }])
    }
    expect([...chain.store.findings.values()].map(({ evidence }) => evidence[0].value)).toEqual([15, 20])
  })
})
