import { describe, expect, it } from 'vitest'
import { fixedNames, flowToJson } from '../../proto/json.ts'
import { makeFlow } from '../../proto/codec.ts'
import { communityId } from '../../proto/community-id.ts'
import { flowFields } from '../../proto/flow.ts'

const flow = makeFlow({
  initiatorAddress: '192.0.2.1', responderAddress: '198.51.100.7', initiatorPort: 50000, responderPort: 53, protocol: 17,
  startMicros: 1700000000123456, endMicros: 1700000000999999, initiatorPackets: 1, initiatorOctets: 60, connState: 'S0', history: 'D', endReason: 'idle',
})

describe('flowToJson', () => {
  it('has the fixed names always, first and in their order', () => {
    expect(fixedNames.join(' ')).toBe('sensor startMicros endMicros initiatorAddress responderAddress initiatorPort responderPort protocol '
      + 'initiatorPackets responderPackets initiatorOctets responderOctets connState history communityId endReason vlan edgeScore')
    const text = JSON.stringify(flowToJson(flow, 'office'))
    expect(text).toBe('{"sensor":"office","startMicros":1700000000123456,"endMicros":1700000000999999,"initiatorAddress":"192.0.2.1",'
      + '"responderAddress":"198.51.100.7","initiatorPort":50000,"responderPort":53,"protocol":17,"initiatorPackets":1,"responderPackets":0,'
      + `"initiatorOctets":60,"responderOctets":0,"connState":"S0","history":"D","communityId":"${communityId(flow)}","endReason":"idle",`
      + '"vlan":0,"edgeScore":null}')
  })

  it('adds the other fields that are set, in the order of the record', () => {
    const dns = [{ query: 'constructor.example', type: 16, rcode: 3, answers: 0, rttMicros: 1200, offsetMicros: 0 }]
    const json = flowToJson({ ...flow, number: 7, final: true, dns, sizes: [60, -90], application: 'dns', weight: 2.5 }, 'office')
    expect(Object.keys(json).slice(fixedNames.length)).toEqual(['number', 'final', 'sizes', 'application', 'dns', 'weight'])
    expect(json).toMatchObject({ number: 7, final: true, dns, sizes: [60, -90], application: 'dns', weight: 2.5 })
  })

  it('knows every field of the record', () => {
    const full = { ...flow }
    for (const { name } of flowFields) {
      if (full[name] === 0) Object.assign(full, { [name]: 5 })
      if (full[name] === '') Object.assign(full, { [name]: 'x' })
    }
    Object.assign(full, { final: true, sizes: [1], dns: [{}], context: [1], edgeScore: 0.5, weight: 3 })
    expect(new Set(Object.keys(flowToJson(full, 's')))).toEqual(new Set([...fixedNames, ...flowFields.map(({ name }) => name)]))
  })

  it.each([[0.1 + 0.2, 0.3], [Math.fround(0.1234), 0.1234], [0.99996, 1], [0, 0], [undefined, null], [Number.NaN, null]])('writes the score %s as %s', (edgeScore, expected) => {
    expect(flowToJson({ ...flow, ...(edgeScore === undefined ? {} : { edgeScore }) }, 's').edgeScore).toBe(expected)
  })

  it('says nothing of a weight of one', () => {
    expect(flowToJson(flow, 's')).not.toHaveProperty('weight')
  })
})
