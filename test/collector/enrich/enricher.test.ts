/** Internal or external, remembered within bounds. */
import { describe, expect, it } from 'vitest'
import { createEnricher } from '../../../collector/enrich/enricher.ts'
import { privateNetworks } from '../../../proto/address.ts'
import { VedetteError } from '../../../proto/error.ts'
import { makeFlow } from '../chain.ts'

const origin = { stream: 'edge-1/0', sensor: 'edge-1', boot: 'b', run: 'demo', modelHash: 'm' }

describe('the enricher', () => {
  it('knows which side is inside, and where the flow came from', () => {
    const enrich = createEnricher({ internal: privateNetworks })
    expect(enrich(origin, makeFlow({ responderAddress: '203.0.113.9' }))).toMatchObject({ ...origin, initiatorInternal: true, responderInternal: false })
    expect(enrich(origin, makeFlow({ initiatorAddress: '2001:db8::1', responderAddress: 'fd00::1' }))).toMatchObject({ initiatorInternal: false, responderInternal: true })
    expect(enrich(origin, makeFlow({ initiatorAddress: '::ffff:10.0.0.1', responderAddress: '::ffff:8.8.8.8' }))).toMatchObject({ initiatorInternal: true, responderInternal: false })
  })

  it('follows the networks it is given', () => {
    const enrich = createEnricher({ internal: ['198.51.100.0/24', '192.0.2.7'] })
    expect(enrich(origin, makeFlow({ initiatorAddress: '198.51.100.200', responderAddress: '192.0.2.7' }))).toMatchObject({ initiatorInternal: true, responderInternal: true })
    expect(enrich(origin, makeFlow({ initiatorAddress: '10.0.0.1', responderAddress: '192.0.2.8' }))).toMatchObject({ initiatorInternal: false, responderInternal: false })
  })

  it('answers the same after a million other addresses have pushed through its cache', () => {
    const enrich = createEnricher({ internal: privateNetworks })
    const before = enrich(origin, makeFlow()).initiatorInternal
    const flow = makeFlow()
    for (let i = 0; i < 100_000; i++) {
      flow.initiatorAddress = `198.${i >> 16}.${i >> 8 & 255}.${i & 255}`
      enrich(origin, flow)
    }
    expect(enrich(origin, makeFlow()).initiatorInternal).toBe(before)
  })

  it('takes a host named __proto__ for a host that is outside', () => {
    expect(createEnricher({ internal: privateNetworks })(origin, makeFlow({ initiatorAddress: '__proto__' })).initiatorInternal).toBe(false)
  })

  it('refuses what is not a network', () => {
    expect(() => createEnricher({ internal: ['10.0.0.0/8', '10.0.0.0/33'] })).toThrow(VedetteError)
    expect(() => createEnricher({ internal: ['inside'] })).toThrow(/'inside' is not a network/)
  })
})
