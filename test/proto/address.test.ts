import { BlockList, isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAddress, inNetworks, parseAddress, parseNetwork, privateNetworks } from '../../proto/address.ts'

const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 })
/** Runs of zeros are what the short form is about, so they are frequent. */
const v6 = fc.array(fc.oneof(fc.constant(0), fc.nat(65535)), { minLength: 8, maxLength: 8 })
  .map((words) => Uint8Array.from(words.flatMap((word) => [word >> 8, word & 255])))

describe('text', () => {
  it('of an address is read back to the same bytes', () => {
    fc.assert(fc.property(fc.oneof(v4, v6), (bytes) => { expect(parseAddress(formatAddress(bytes))).toEqual(bytes) }))
  })

  it('of IPv6 is what the URL standard writes (RFC 5952)', () => {
    fc.assert(fc.property(v6, (bytes) => formatAddress(bytes) === new URL(`http://[${formatAddress(bytes)}]/`).hostname.slice(1, -1)))
  })

  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], ['2001:0DB8::0001', '2001:db8::1'], ['0:0:0:0:0:0:0:0', '::'], ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'], ['1::', '1::'],
  ])('%s is written %s', (written, canonical) => {
    expect(formatAddress(parseAddress(written)!)).toBe(canonical)
  })

  it('is read from the middle of a packet', () => {
    expect(formatAddress(Uint8Array.of(0, 0, 10, 1, 2, 3, 0), 2, 4)).toBe('10.1.2.3')
    expect(formatAddress(new Uint8Array(7))).toBe('')
  })
})

describe('parsing', () => {
  it('accepts what Node accepts, and nothing else', () => {
    const close = fc.oneof(
      fc.array(fc.oneof(fc.nat(300).map(String), fc.constantFrom('', '00', '01', 'x', ' 1', '1 ')), { minLength: 3, maxLength: 5 }).map((parts) => parts.join('.')),
      fc.array(fc.constantFrom('', '0', '1', 'ffff', '10000', 'g', '1.2.3.4', '::'), { minLength: 2, maxLength: 10 }).map((parts) => parts.join(':')),
      fc.string(),
    )
    fc.assert(fc.property(close, (text) => {
      expect(parseAddress(text) !== undefined, text).toBe(isIPv4(text) || (isIPv6(text) && !text.includes('%')))
    }), { numRuns: 2000 })
  })

  it.each(['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1.2.3', 'fe80::1%eth0', '1.2.3.4::'])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

describe('networks', () => {
  it('hold what Node says they hold', () => {
    const network = fc.oneof(fc.tuple(v4, fc.nat(32)), fc.tuple(v6, fc.nat(128)))
    fc.assert(fc.property(network, fc.oneof(v4, v6), fc.nat(128), ([base, prefix], other, shared) => {
      // An address that shares the first bits with the network, else it would almost never be inside.
      const near = other.length === base.length ? other.map((byte, i) => i * 8 < shared ? base[i] : byte) : other
      const list = new BlockList()
      list.addSubnet(formatAddress(base), prefix, base.length === 4 ? 'ipv4' : 'ipv6')
      const parsed = parseNetwork(`${formatAddress(base)}/${String(prefix)}`)!
      const mapped = near.length !== base.length
      expect(inNetworks(formatAddress(near), [parsed])).toBe(!mapped && list.check(formatAddress(near), near.length === 4 ? 'ipv4' : 'ipv6'))
    }), { numRuns: 500 })
  })

  it('may be a bare address', () => {
    expect(inNetworks('10.0.0.1', [parseNetwork('10.0.0.1')!])).toBe(true)
    expect(inNetworks('10.0.0.2', [parseNetwork('10.0.0.1')!])).toBe(false)
    expect(inNetworks('not an address', [parseNetwork('0.0.0.0/0')!])).toBe(false)
  })

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', 'x/8', '::/129', '10.0.0.0/ 8'])('%j is none', (text) => {
    expect(parseNetwork(text)).toBeUndefined()
  })

  it('that are private are the usual ones', () => {
    const networks = privateNetworks.map((text) => parseNetwork(text)!)
    for (const inside of ['10.9.9.9', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.1.1', '127.0.0.1', 'fd00::1', 'fe80::1', '::1']) expect(inNetworks(inside, networks)).toBe(true)
    for (const outside of ['11.0.0.1', '172.32.0.1', '192.169.0.1', '100.128.0.1', '8.8.8.8', '2001:db8::1', '::2']) expect(inNetworks(outside, networks)).toBe(false)
  })
})
