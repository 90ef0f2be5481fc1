/** Other tools' opinions of public captures. The figures are ratchets: they may rise, not fall; docs/accuracy.md has the table. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { communityId } from '../../proto/community-id.ts'
import { compare, conversationsOf, data, flowsOfCapture, missing, readCsv, readNdpi } from './oracle.ts'
import type { Flow } from '../../proto/flow.ts'

type ExpectedFlow = { src_ip: string, dst_ip: string, protocol: number, packets: number, bytes: number }
  & Partial<Record<'packets@rev' | 'bytes@rev' | 'src_port' | 'dst_port' | 'tcp_flags' | 'tcp_flags@rev' | 'ttl' | 'ttl@rev' | 'vlan_id'
    | 'vlan_id_inner' | 'icmp_type' | 'dns_resp_rcode', number>>
  & Partial<Record<'tls_sni' | 'http_host' | 'dns_req_query_name', string>>

/** Whether a record says what FlowTest expects, in every field that both have. */
function agrees(flow: Flow, expected: ExpectedFlow): boolean {
  const dns = flow.dns.at(0)
  const pairs: [unknown, unknown][] = [
    [flow.initiatorAddress, expected.src_ip], [flow.responderAddress, expected.dst_ip], [flow.protocol, expected.protocol],
    [flow.initiatorPackets, expected.packets], [flow.initiatorOctets, expected.bytes],
    [flow.responderPackets, expected['packets@rev'] ?? 0], [flow.responderOctets, expected['bytes@rev'] ?? 0],
    [flow.initiatorPort, expected.src_port], [flow.responderPort, expected.dst_port], [flow.initiatorTcpFlags, expected.tcp_flags],
    [flow.responderTcpFlags, expected['tcp_flags@rev']], [flow.initiatorTtl, expected.ttl], [flow.responderTtl, expected['ttl@rev']],
    [flow.vlan, expected.vlan_id], [flow.innerVlan, expected.vlan_id_inner], [flow.initiatorPort, expected.icmp_type],
    [flow.serverName, expected.tls_sni], [flow.serverName, expected.http_host], [dns?.query, expected.dns_req_query_name],
    [dns?.rcode, expected.dns_resp_rcode],
  ]
  return pairs.every(([mine, theirs]) => theirs === undefined || mine === theirs)
}

describe('Community ID', () => {
  const captures = 'pcap/community-id/pcaps'
  const values = 'pcap/community-id/baseline/baseline_deflt.json'
  it.skipIf(missing(values) !== undefined)('is right for every packet of the reference captures', () => {
    const baseline = JSON.parse(readFileSync(`${data}/${values}`, 'utf8')) as { saddr: string, daddr: string, proto: number, communityid: string }[]
    const expected = new Set(baseline.map(({ proto, saddr, daddr, communityid }) => `${String(proto)} ${[saddr, daddr].sort().join(' ')} ${communityid}`))
    const seen = new Set<string>()
    for (const flow of flowsOfCapture(`${captures}/combined.pcap.gz`)) {
      const key = `${String(flow.protocol)} ${[flow.initiatorAddress, flow.responderAddress].sort().join(' ')} ${communityId(flow)}`
      expect(expected, key).toContain(key)
      seen.add(key)
    }
    expect([...expected].filter((key) => !seen.has(key))).toEqual([])
    for (const name of readdirSync(`${data}/${captures}`).filter((file) => file.endsWith('.pcap') && file !== 'arp.pcap')) {
      for (const flow of flowsOfCapture(`${captures}/${name}`)) {
        const key = `${String(flow.protocol)} ${[flow.initiatorAddress, flow.responderAddress].sort().join(' ')} ${communityId(flow)}`
        expect(expected, `${name} ${key}`).toContain(key)
      }
    }
  })
})

describe('FlowTest', () => {
  const folder = 'pcap/flowtest/validation'
  it.skipIf(missing(folder) !== undefined)('agrees on every flow but those of ICMPv6 neighbour discovery, which Community ID pairs', () => {
    const differing: string[] = []
    let flows = 0
    for (const file of readdirSync(`${data}/${folder}`).filter((name) => name.endsWith('.yml'))) {
      const test = parse(readFileSync(`${data}/${folder}/${file}`, 'utf8')) as { pcap: string, flows: ExpectedFlow[] }
      const mine = flowsOfCapture(`pcap/flowtest/pcap/${test.pcap}`)
      for (const expected of test.flows) {
        flows++
        if (!mine.some((flow) => agrees(flow, expected))) differing.push(file)
      }
    }
    expect(flows).toBeGreaterThanOrEqual(42)
    expect(differing).toEqual(['icmpv6.yml', 'icmpv6.yml'])
  })
})

describe('nDPI', () => {
  const index = 'pcap/ndpi/INDEX.csv'
  it.skipIf(missing(index) !== undefined)('agrees on the packets of every conversation, where its own sums are the whole capture', () => {
    const differing: string[] = []
    let captures = 0
    let agree = 0
    let of = 0
    for (const { pcap, result, equal } of readCsv(index)) {
      const path = `pcap/ndpi/pcap/${pcap}`
      const expectation = `pcap/ndpi/${result}`
      if (equal !== 'yes' || !existsSync(`${data}/${path}`) || !existsSync(`${data}/${expectation}`)) continue
      captures++
      const outcome = compare(readNdpi(expectation), conversationsOf(flowsOfCapture(path)))
      agree += outcome.agree
      of += outcome.of
      if (outcome.differences.length > 0) differing.push(`${pcap}: ${outcome.differences.slice(0, 3).join('; ')}`)
    }
    expect(differing).toEqual([])
    expect(agree).toBe(of)
    expect(captures).toBeGreaterThanOrEqual(200)
  })
})
