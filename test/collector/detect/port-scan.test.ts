/** Port scans: what counts as one, what does not, and what is said about it. */
import { describe, expect, it } from 'vitest'
import { mark } from '../../../proto/flow.ts'
import { detect, makeFlow, refused, shippedSettings } from '../chain.ts'
import type { Flow } from '../../../proto/flow.ts'

const start = 1_800_000_000e6
/** `n` refused connections, `everyMicros` apart. */
const scan = (n: number, change: Partial<Flow> = {}, everyMicros = 1e6): Flow[] =>
  Array.from({ length: n }, (_, i) => refused({ startMicros: start + i * everyMicros, responderPort: 1000 + i, ...change }))

describe('port-scan', () => {
  it('says who tried how many ports on whom, and how many failed', () => {
    const open = [22, 80, 443, 3306].map((responderPort, i) => makeFlow({ startMicros: start + i, responderPort }))
    const { alerts } = detect([...open, ...scan(108)])
    expect(alerts).toHaveLength(1)
    expect(alerts[0]).toMatchObject({ detector: 'port-scan', entity: '10.1.4.7', peer: '10.1.2.9', techniques: ['T1046'], severity: 'medium', state: 'new' })
    expect(alerts[0].sentence).toBe('10.1.4.7 tried 112 ports on 10.1.2.9 in 10 min; 108 failed. There is no history of this host yet.')
    expect(alerts[0].evidence.map(({ name, value, threshold }) => [name, value, threshold])).toEqual([['failed-ports', 108, 15], ['tried-ports', 112, undefined]])
    expect(alerts[0].flows).toHaveLength(20)
    expect(alerts[0].nextSteps.length).toBeGreaterThan(1)
    expect(alerts[0].lastMicros - alerts[0].firstMicros).toBeGreaterThan(100e6)
  })

  it('fires at the threshold and not below', () => {
    expect(detect(scan(14)).alerts).toHaveLength(0)
    expect(detect(scan(15)).alerts).toHaveLength(1)
  })

  it('counts each port once', () => {
    expect(detect([...scan(14), ...scan(14), ...scan(14)]).alerts).toHaveLength(0)
  })

  it('counts only the last 10 minutes', () => {
    expect(detect(scan(30, {}, 45e6)).alerts).toHaveLength(0)
    expect(detect(scan(30, {}, 38e6)).alerts).toHaveLength(1)
  })

  it('needs one victim: a sweep over many hosts is something else', () => {
    expect(detect(scan(100).map((flow, i) => ({ ...flow, responderAddress: `10.1.2.${i % 20}` }))).alerts).toHaveLength(0)
  })

  it.each([
    ['S0', 1], ['REJ', 1], ['RSTOS0', 1], ['SH', 1], ['SF', 0], ['S1', 0], ['RSTO', 0], ['RSTR', 0], ['RSTRH', 0], ['SHR', 0], ['OTH', 0],
  ] as const)('takes state %s as a failure: %i', (connState, alerts) => {
    expect(detect(scan(40, { connState })).alerts).toHaveLength(alerts)
  })

  it('never counts flows begun before capture, nor later parts', () => {
    expect(detect(scan(40, { marks: mark.midstream })).alerts).toHaveLength(0)
    expect(detect(scan(40, { part: 1 })).alerts).toHaveLength(0)
  })

  it('counts unanswered UDP, but not traceroute, multicast, or the late answers of a server', () => {
    const udp = { protocol: 17, connState: 'S0', responderPackets: 0 } as const
    expect(detect(scan(40, udp)).alerts).toHaveLength(1)
    expect(detect(scan(40, { ...udp, responderPackets: 1 })).alerts).toHaveLength(0)
    expect(detect(scan(40, udp).map((flow, i) => ({ ...flow, responderPort: 33434 + i }))).alerts).toHaveLength(0)
    expect(detect(scan(40, { ...udp, responderAddress: '239.255.255.250' })).alerts).toHaveLength(0)
    expect(detect(scan(40, { ...udp, initiatorPort: 53 }).map((flow, i) => ({ ...flow, responderPort: 50_000 + i }))).alerts).toHaveLength(0)
  })

  it('counts attempts when they began, whatever order the records come in', () => {
    const flows = scan(60)
    const shuffled = flows.map((flow, i) => ({ flow, key: i * 7919 % 61 })).sort((a, b) => a.key - b.key).map(({ flow }) => flow)
    expect(detect(shuffled).alerts[0].evidence[0].value).toBe(60)
  })

  it('reports growth in a few findings, and the final numbers', () => {
    const { alerts, findings } = detect(scan(200, {}, 1e6))
    expect(findings.map(({ evidence }) => evidence[0].value)).toEqual([15, 23, 35, 53, 80, 120, 180, 200])
    expect(alerts[0]).toMatchObject({ findings: 8, sentence: expect.stringContaining('tried 200 ports') as string })
  })

  it('estimates beyond 256 ports', () => {
    const { alerts } = detect(scan(5000, {}, 10_000))
    expect(alerts[0].evidence[0].value).toBeGreaterThan(5000 * 0.9)
    expect(alerts[0].evidence[0].value).toBeLessThan(5000 * 1.1)
  })

  it('takes off points for an attacker outside, and keeps no range for it', () => {
    const { alerts } = detect(scan(20, { initiatorAddress: '203.0.113.9' }))
    expect(alerts[0]).toMatchObject({ severity: 'low', risk: 27 })
    expect(alerts[0].sentence).toContain('It is outside, so no usual range is kept for it.')
  })

  it('says nothing on a sensor that sees one direction only', () => {
    const oneWay = Array.from({ length: 40 }, (_, i) => makeFlow({ startMicros: start + i, responderPackets: 0, connState: 'S0', responderAddress: `10.1.3.${i}` }))
    const { alerts, chain } = detect([...oneWay, ...scan(100, { connState: 'S0', responderPackets: 0 })])
    expect(alerts).toHaveLength(0)
    expect(chain.set.guard.blindStreams()).toEqual([{ stream: 'edge-1/0', share: 1 }])
  })

  it('asks for more of a host whose learnt maximum is higher', () => {
    const settings = shippedSettings((change) => { change.learningDays = 0 })
    const day: Flow[] = []
    const later = (flows: Flow[], windows: number): Flow[] =>
      flows.map((flow) => ({ ...flow, startMicros: flow.startMicros + windows * 600e6, endMicros: flow.endMicros + windows * 600e6 }))
    for (let window = 0; window < 12; window++) day.push(makeFlow({ startMicros: start + window * 600e6 }), ...later(scan(14), window))
    const attack = (n: number): Flow[] => later(scan(n), 40)
    expect(detect([...day, ...attack(20)], settings).alerts).toHaveLength(0)
    const { alerts } = detect([...day, ...attack(21)], settings)
    expect(alerts).toHaveLength(1)
    expect(alerts[0].sentence).toContain('Its usual maximum is 14.')
    expect(alerts[0].evidence[0].usual).toMatchObject({ low: 0, high: 14, maximum: 14, learning: false })
  })
})
