/** The words: exact sentences, numbers for people, foreign text made inert, ids that never change. */
import { describe, expect, it } from 'vitest'
import { createExplainer } from '../../../collector/explain/explain.ts'
import { fingerprintOf, identify } from '../../../collector/explain/identity.ts'
import { counted, decimal, duration, inert, number, octets } from '../../../collector/explain/words.ts'
import type { Detection } from '../../../collector/detect/detector.ts'
import type { UsualRange } from '../../../proto/alert.ts'

const detection = (change: Partial<Detection> = {}): Detection => ({
  detector: 'port-scan', entityKind: 'host', entity: '10.1.4.7', peer: '10.1.2.9', run: '', sensor: 'edge-1', firstMicros: 1, lastMicros: 2, windowMicros: 600e6,
  measure: 'failed-ports', evidence: [], riskParts: [], facts: { tried: 112, failed: 108, internal: true }, flows: [], episodeMicros: 0, step: 0, strand: '',
  techniques: ['T1046'], versionHash: 'abc', ...change,
})
const range = (change: Partial<UsualRange>): UsualRange => ({ low: 0, high: 2, maximum: 3, windows: 4000, learning: false, ...change })
const names = new Map([['10.1.2.9', 'srv-db2'], ['10.1.4.7', 'ws\u202e-114']])
const explain = createExplainer()
const sentence = (change: Partial<Detection>): string => explain(detection(change)).finding.sentence

describe('a sentence', () => {
  it('is the one in the design, when the host is known', () => {
    const { finding } = createExplainer({ nameOf: (address) => address === '10.1.2.9' ? names.get(address) : undefined })(detection({ usual: range({}) }))
    expect(finding.sentence).toBe('10.1.4.7 tried 112 ports on srv-db2 (10.1.2.9) in 10 min; 108 failed. Its usual maximum is 3.')
  })

  it('says in words how much is known of the host', () => {
    expect(sentence({})).toContain('There is no history of this host yet.')
    expect(sentence({ usual: range({ windows: 0, learning: true }) })).toContain('There is no history of this host yet.')
    expect(sentence({ usual: range({ windows: 11, learning: true, maximum: 0 }) })).toContain('Its usual maximum so far is 0 (still learning, 1.8 h of history).')
    expect(sentence({ usual: range({ windows: 700, learning: true }) })).toContain('Its usual maximum so far is 3 (still learning, 5 days of history).')
    expect(sentence({ facts: { tried: 1, failed: 1, internal: false } })).toBe('10.1.4.7 tried 1 port on 10.1.2.9 in 10 min; 1 failed. It is outside, so no usual range is kept for it.')
  })

  it('tells guessing, and guessing that got in', () => {
    const facts = { service: 'SSH', port: 22, responder: '10.1.2.9', attempts: 1234, succeeded: false, sessionSeconds: 0, sessionOctets: 0, internal: true }
    expect(sentence({ detector: 'brute-force', facts, usual: range({}) })).toBe('10.1.4.7 made 1,234 short SSH connections to 10.1.2.9 (port 22) in 10 min. Its usual maximum is 3.')
    expect(sentence({ detector: 'brute-force', windowMicros: 14_400e6, facts: { ...facts, succeeded: true, sessionSeconds: 61, sessionOctets: 999 } }))
      .toBe('10.1.4.7 made 1,234 short SSH connections to 10.1.2.9 (port 22) in 4 h, then one of 61 s and 999 bytes: the guessing probably succeeded. There is no history of this host yet.')
  })

  it('tells a tunnel', () => {
    const facts = { domain: 'evil.example', names: 61, labelLength: 30.04, entropy: 4.02, hosts: 2, internal: true }
    expect(sentence({ detector: 'dns-tunnel', peer: 'evil.example', facts })).toBe('10.1.4.7 asked for 61 different names below evil.example in 10 min; ' +
      'the longest labels have 30 characters on average, the names 4 bits per character; 2 hosts use this domain. There is no history of this host yet.')
  })

  it('does not pretend that an estimate is a count', () => {
    expect(sentence({ facts: { tried: 256, failed: 250, internal: true } })).toContain('tried 256 ports on')
    expect(sentence({ facts: { tried: 1016, failed: 1010, internal: true } })).toContain('tried about 1,016 ports on 10.1.2.9 in 10 min; 1,010 failed.')
  })

  it('exists for a detector it has no words for', () => {
    expect(explain(detection({ detector: 'new-one' }))).toMatchObject({ finding: { sentence: 'new-one fired for 10.1.4.7.' }, nextSteps: [] })
  })
})

describe('text from the network', () => {
  it('cannot act on a terminal, a page or a reader', () => {
    const hostile = 'a\u001b[2J\u202ecod.exe\u200b\u2028\ud800\u0000b'
    const { finding, nextSteps } = createExplainer({ nameOf: (address) => names.get(address) })(detection({ peer: hostile }))
    const everything = JSON.stringify([finding, nextSteps])
    expect(everything).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Cs}]/u)
    expect(finding.sentence).toContain('ws\\u{202e}-114 (10.1.4.7) tried')
    expect(finding.peer).toBe('a\\u{1b}[2J\\u{202e}cod.exe\\u{200b}\\u{2028}\\u{d800}\\u{0}b')
  })

  it('is cut when it is longer than any name', () => {
    expect(inert('x'.repeat(5000))).toHaveLength(254)
    expect(inert('Zürich-ñ-日本')).toBe('Zürich-ñ-日本')
  })

  it('does not reach into objects', () => {
    const { finding } = explain(detection({ detector: '__proto__', entity: '__proto__', facts: { ['__proto__']: 'x' } }))
    expect(finding.entity).toBe('__proto__')
    expect(finding.sentence).toBe('__proto__ fired for __proto__.')
  })
})

describe('an id', () => {
  it('is the same for the same episode and step, and differs for every other', () => {
    const id = (change: Partial<Detection>): string => explain(detection(change)).finding.id
    expect(id({})).toBe(id({ sensor: 'another', versionHash: 'changed', facts: {} }))
    const others = [id({}), id({ step: 1 }), id({ episodeMicros: 1 }), id({ strand: '22' }), id({ entity: '10.1.4.8' }), id({ peer: 'x' }), id({ run: 'demo' }), id({ detector: 'brute-force' })]
    expect(new Set(others).size).toBe(others.length)
    expect(explain(detection({ versionHash: 'changed' })).finding.fingerprint).toBe(explain(detection()).finding.fingerprint)
  })

  it('does not run its parts into each other, and never changes', () => {
    expect(identify('a', 'bc')).not.toBe(identify('ab', 'c'))
    expect(fingerprintOf({ run: '', detector: 'port-scan', entity: '10.1.4.7', peer: '10.1.2.9' })).toBe('c1e37b9387f26fb547117c047fce74cc')
  })
})

describe('numbers for people', () => {
  it('are short and have units', () => {
    expect([number(1_234_567), number(0.4), decimal(4.16), counted(1, 'port'), counted(2000, 'port')]).toEqual(['1,234,567', '0', '4.2', '1 port', '2,000 ports'])
    expect([0, 999, 1000, 1_234_567, 5e9, 7e15].map(octets)).toEqual(['0 bytes', '999 bytes', '1 kB', '1.2 MB', '5 GB', '7,000 TB'])
    expect([0, 89, 90, 600, 14_400, 100_000, 1_209_600].map(duration)).toEqual(['0 s', '89 s', '2 min', '10 min', '4 h', '27.8 h', '14 days'])
  })
})
