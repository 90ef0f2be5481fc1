/** Password guessing: what counts as an attempt, what as success, and what is said. */
import { describe, expect, it } from 'vitest'
import { mark } from '../../../proto/flow.ts'
import { detect, login, makeFlow } from '../chain.ts'
import type { Flow } from '../../../proto/flow.ts'

const start = 1_800_000_000e6
/** `n` short log-ins of 2 s, `everyMicros` apart. */
const guess = (n: number, change: Partial<Flow> = {}, everyMicros = 5e6): Flow[] =>
  Array.from({ length: n }, (_, i) => login({ startMicros: start + i * everyMicros, initiatorPort: 40_000 + i, ...change }))

describe('brute-force', () => {
  it('names attacker, victim, service and number', () => {
    const { alerts } = detect(guess(47))
    expect(alerts).toHaveLength(1)
    expect(alerts[0]).toMatchObject({ detector: 'brute-force', entity: '10.1.4.7', peer: '10.1.2.9', severity: 'medium', techniques: ['T1110'] })
    expect(alerts[0].sentence).toBe('10.1.4.7 made 47 short SSH connections to 10.1.2.9 (port 22) in 10 min. There is no history of this host yet.')
  })

  it('fires at the threshold and not below', () => {
    expect(detect(guess(19)).alerts).toHaveLength(0)
    expect(detect(guess(20)).alerts).toHaveLength(1)
  })

  it('fires on 40 in 4 hours when 10 minutes see few', () => {
    expect(detect(guess(39, {}, 300e6)).alerts).toHaveLength(0)
    const { alerts } = detect(guess(41, {}, 300e6))
    expect(alerts).toHaveLength(1)
    expect(alerts[0].sentence).toContain('made 41 short SSH connections to 10.1.2.9 (port 22) in 4 h')
    expect(detect(guess(60, {}, 600e6)).alerts).toHaveLength(0)
  })

  it('becomes critical when a long session follows, in the same alert', () => {
    const session = login({ startMicros: start + 300e6, endMicros: start + 300e6 + 190e6, initiatorOctets: 200_000, responderOctets: 1_000_000, part: 3 })
    const { alerts, findings } = detect([...guess(45), session])
    expect(alerts).toHaveLength(1)
    expect(alerts[0]).toMatchObject({ severity: 'critical', techniques: ['T1110', 'T1078'] })
    expect(alerts[0].sentence).toBe('10.1.4.7 made 45 short SSH connections to 10.1.2.9 (port 22) in 10 min, then one of 3 min and 1.2 MB: ' +
      'the guessing probably succeeded. There is no history of this host yet.')
    expect(alerts[0].riskParts.map(({ name }) => name)).toContain('success')
    expect(alerts[0].evidence.map(({ name }) => name)).toEqual(['short-logins', 'short-logins-4h', 'session-seconds', 'session-octets'])
    expect(alerts[0].flows).toContainEqual(expect.objectContaining({ number: session.number }))
    expect(alerts[0].nextSteps[0]).toContain('taken over')
    expect(findings.filter(({ riskParts }) => riskParts.some(({ name }) => name === 'success'))).toHaveLength(1)
  })

  it('says at once that a session shows success, and how long it was when it has ended', () => {
    const part = (seconds: number, part: number, final = false): Flow =>
      login({ startMicros: start + 300e6, endMicros: start + 300e6 + seconds * 1e6, part, final, number: 77_777, responderOctets: 1000 * seconds })
    const after = guess(1, { startMicros: start + 1000e6 })
    const { alerts, findings } = detect([...guess(30), part(10, 0), part(70, 1), part(130, 2), part(650, 11, true), ...after])
    expect(findings.map(({ sentence }) => / then one of [^:]*/.exec(sentence)?.[0]).filter(Boolean)).toEqual([' then one of 70 s and 72.2 kB', ' then one of 11 min and 652.2 kB'])
    expect(alerts).toMatchObject([{ severity: 'critical', sentence: expect.stringContaining('11 min') as string }])
    expect(alerts[0].flows.filter(({ number }) => number === 77_777)).toHaveLength(1)
  })

  it('knows a success hours later, and a large one that was short', () => {
    const late = login({ startMicros: start + 3 * 3600e6, endMicros: start + 3 * 3600e6 + 600e6 })
    expect(detect([...guess(30), late]).alerts[0].severity).toBe('critical')
    const large = login({ startMicros: start + 200e6, endMicros: start + 212e6, responderOctets: 400_000 })
    expect(detect([...guess(30), large]).alerts[0].severity).toBe('critical')
    expect(detect([...guess(30), large]).alerts[0].sentence).toContain('then one of 12 s and 402.2 kB')
  })

  it('does not take a session that ran before, goes elsewhere, or is neither long nor large for success', () => {
    const before = login({ startMicros: start - 60e6, endMicros: start + 600e6, responderOctets: 1e6 })
    const elsewhere = login({ startMicros: start + 300e6, endMicros: start + 900e6, responderAddress: '10.1.2.10' })
    const small = login({ startMicros: start + 300e6, endMicros: start + 315e6 })
    const { alerts } = detect([...guess(30), before, elsewhere, small])
    expect(alerts.map(({ severity }) => severity)).toEqual(['medium'])
  })

  it('is critical from outside too once it has succeeded', () => {
    const from = { initiatorAddress: '203.0.113.9' }
    expect(detect(guess(25, from)).alerts[0]).toMatchObject({ severity: 'low' })
    const session = login({ ...from, startMicros: start + 300e6, endMicros: start + 500e6 })
    expect(detect([...guess(25, from), session]).alerts[0]).toMatchObject({ severity: 'critical' })
  })

  it('recognises the service by its protocol on any port', () => {
    expect(detect(guess(25, { responderPort: 902 })).alerts[0].sentence).toContain('25 short SSH connections to 10.1.2.9 (port 902)')
    expect(detect(guess(25, { responderPort: 902, application: '' })).alerts).toHaveLength(0)
  })

  it('needs more of services that programs use by themselves', () => {
    expect(detect(guess(59, { responderPort: 993, application: 'tls' })).alerts).toHaveLength(0)
    expect(detect(guess(60, { responderPort: 993, application: 'tls' })).alerts[0].evidence[0]).toMatchObject({ value: 60, threshold: 60 })
  })

  it('counts conversations only', () => {
    expect(detect(guess(40, { connState: 'REJ' })).alerts).toHaveLength(0)
    expect(detect(guess(40, { responderPayloadOctets: 0 })).alerts).toHaveLength(0)
    expect(detect(guess(40, { initiatorTcpFlags: 2 })).alerts).toHaveLength(0)
    expect(detect(guess(40, { marks: mark.midstream })).alerts).toHaveLength(0)
    expect(detect(guess(40, { final: false })).alerts).toHaveLength(0)
    expect(detect(Array.from({ length: 40 }, (_, i) => makeFlow({ startMicros: start + i * 1e6 }))).alerts).toHaveLength(0)
  })

  it('keeps attacks on two ports of one host in one alert, with findings of their own', () => {
    const { alerts, findings } = detect([...guess(20), ...guess(20, { responderPort: 21, application: 'ftp' })])
    expect(alerts).toHaveLength(1)
    expect(findings).toHaveLength(2)
  })
})
