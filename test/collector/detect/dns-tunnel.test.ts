/** DNS tunnels: long or random names below one rare domain, and the benign traffic that looks like it. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { entropyOf } from '../../../collector/detect/dns-tunnel.ts'
import { detect, lookup, shippedSettings } from '../chain.ts'
import type { Flow } from '../../../proto/flow.ts'

const start = 1_800_000_000e6
const random = (i: number, length = 48): string => createHash('sha512').update(String(i)).digest('hex').slice(0, length)
const tunnel = (n: number, domain = 'evil.example', change: Partial<Flow> = {}, everyMicros = 2e6): Flow[] =>
  Array.from({ length: n }, (_, i) => lookup(`${random(i)}.${domain}`, { startMicros: start + i * everyMicros, ...change }))

describe('dns-tunnel', () => {
  it('names host, domain, numbers and prevalence', () => {
    const { alerts } = detect(tunnel(240))
    expect(alerts).toHaveLength(1)
    expect(alerts[0]).toMatchObject({ detector: 'dns-tunnel', entity: '10.1.4.7', peer: 'evil.example', techniques: ['T1071.004', 'T1048'], severity: 'high' })
    expect(alerts[0].sentence).toBe('10.1.4.7 asked for 240 different names below evil.example in 10 min; the longest labels have 48 characters on average, ' +
      `the names ${alerts[0].evidence[2].value.toFixed(1)} bits per character; no other host uses this domain. There is no history of this host yet.`)
    expect(alerts[0].evidence.map(({ name }) => name)).toEqual(['unique-subdomains', 'label-length', 'entropy', 'domain-hosts', 'queries'])
  })

  it('fires at the threshold and not below, and counts a name once', () => {
    expect(detect(tunnel(59)).alerts).toHaveLength(0)
    expect(detect(tunnel(60)).alerts).toHaveLength(1)
    expect(detect([...tunnel(50), ...tunnel(50), ...tunnel(50)]).alerts).toHaveLength(0)
    expect(detect(tunnel(200, undefined, {}, 12e6)).alerts).toHaveLength(0)
  })

  it('takes short labels when they are random, and long ones when they are not', () => {
    const short = Array.from({ length: 70 }, (_, i) => lookup(`${'abcdefghijklmnop'.slice(0, 14)}${i}.evil.example`, { startMicros: start + i * 1e6 }))
    expect(detect(short).alerts).toHaveLength(1)
    const long = Array.from({ length: 70 }, (_, i) => lookup(`${'a'.repeat(30)}${i}.evil.example`, { startMicros: start + i * 1e6 }))
    expect(detect(long).alerts).toHaveLength(1)
    const plain = Array.from({ length: 70 }, (_, i) => lookup(`host${i}.evil.example`, { startMicros: start + i * 1e6 }))
    expect(detect(plain).alerts).toHaveLength(0)
  })

  it('leaves alone what more than three hosts use', () => {
    const by = (n: number): Flow[] => tunnel(400, 'avqs.example').map((flow, i) => ({ ...flow, initiatorAddress: `10.1.4.${i % n}` }))
    expect(detect(by(3)).alerts).toHaveLength(3)
    expect(detect(by(4)).alerts).toHaveLength(0)
  })

  it('counts by registered domain', () => {
    const flows = tunnel(80, 'x').map((flow, i) => ({ ...flow, dns: [{ ...flow.dns[0], query: `${random(i)}.t${i % 4}.firm.co.uk` }] }))
    expect(detect(flows).alerts[0].peer).toBe('firm.co.uk')
    const other = tunnel(80, 'x').map((flow, i) => ({ ...flow, dns: [{ ...flow.dns[0], query: `${random(i)}.firm${i % 4}.co.uk` }] }))
    expect(detect(other).alerts).toHaveLength(0)
  })

  it('leaves reverse look-ups, local names and exempt domains alone', () => {
    expect(detect(tunnel(80, 'ip6.arpa')).alerts).toHaveLength(0)
    expect(detect(tunnel(80, 'printers.local')).alerts).toHaveLength(0)
    expect(detect(tunnel(80), shippedSettings((change) => { change.detectors['dns-tunnel'].exempt = ['evil.example'] })).alerts).toHaveLength(0)
  })

  it('does not blame the resolver that passes a tunnel on', () => {
    const flows = tunnel(100).flatMap((flow, i) => [flow, lookup(flow.dns[0].query, { initiatorAddress: '10.1.0.53', responderAddress: '198.51.100.1', startMicros: flow.startMicros + 1000, initiatorPort: 30_000 + i })])
    expect(detect(flows).alerts.map(({ entity }) => entity)).toEqual(['10.1.4.7'])
    const upstream = flows.filter(({ initiatorAddress }) => initiatorAddress === '10.1.0.53')
    expect(detect(upstream).alerts.map(({ entity }) => entity)).toEqual(['10.1.0.53'])
  })

  it('takes several transactions of one flow at their own times', () => {
    const flow = lookup('x.evil.example', { startMicros: start })
    const many = Array.from({ length: 6 }, (_, part) => ({ ...flow, part, dns: Array.from({ length: 16 }, (_, i) => ({ ...flow.dns[0], query: `${random(part * 16 + i)}.evil.example`, offsetMicros: (part * 16 + i) * 1e6 })) }))
    expect(detect(many).alerts).toHaveLength(1)
    const slow = many.map((record) => ({ ...record, dns: record.dns.map((query) => ({ ...query, offsetMicros: query.offsetMicros * 12 })) }))
    expect(detect(slow).alerts).toHaveLength(0)
  })

  it('makes hostile names inert and takes __proto__ for a name', () => {
    const domain = 'evil\u202e\u001b[31m.example'
    const { alerts } = detect(tunnel(60, domain))
    expect(alerts[0].peer).toBe('evil\\u{202e}\\u{1b}[31m.example')
    expect(alerts[0].sentence).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(alerts[0].nextSteps.join(' ')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(detect(tunnel(60, '__proto__.constructor')).alerts[0].peer).toBe('__proto__.constructor')
    expect(detect(tunnel(60).map((flow) => ({ ...flow, initiatorAddress: '__proto__' }))).alerts).toHaveLength(0)
  })

  it('measures entropy as Shannon did', () => {
    expect(entropyOf('aaaa')).toBe(0)
    expect(entropyOf('ab.ab')).toBe(1)
    expect(entropyOf('abcdefgh')).toBe(3)
    expect(entropyOf('')).toBe(0)
  })
})
