/** Another program's opinion of the simulated frames: tshark finds no wrong checksum, nothing malformed, nothing lost or out of order. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeCapture } from '../../../../agent/capture/simulate/index.ts'

const present = spawnSync('tshark', ['--version']).status === 0
const title = present ? 'tshark' : 'tshark is not installed: its opinion of the simulated frames is not asked'

describe.skipIf(!present)(title, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-tshark-'))
  const path = join(folder, 'office.pcap')
  beforeAll(async () => { await writeCapture(path, { seed: 2, hours: 0.5 }) })
  afterAll(() => { rmSync(folder, { recursive: true }) })

  /** Frames that match a display filter, with IP, TCP and UDP checksums checked. Port 57000 is no chat on this LAN. */
  function matching(filter: string): string[] {
    const checks = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`])
    const { stdout, status } = spawnSync('tshark', ['-r', path, ...checks, '--disable-protocol', 'irc', '-Y', filter],
      { encoding: 'utf8', maxBuffer: 1 << 26 })
    expect(status).toBe(0)
    return stdout.split('\n').filter((line) => line !== '').slice(0, 5)
  }

  it('finds every checksum right', () => {
    expect(matching('ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0')).toEqual([])
    expect(matching('tcp.checksum.status == 1 && frame.number < 50')).not.toEqual([])
  }, 30_000)

  it('finds nothing malformed', () => {
    // It tries to decrypt SMB without a key and at times takes the outcome for plain text.
    expect(matching('_ws.malformed && !smb2')).toEqual([])
  }, 30_000)

  it('finds nothing lost, repeated or out of order but unanswered SYNs', () => {
    const unexpected = ['retransmission', 'fast_retransmission', 'spurious_retransmission', 'out_of_order', 'lost_segment',
      'ack_lost_segment', 'duplicate_ack', 'window_full',
      'zero_window', 'reused_ports'].map((name) => `tcp.analysis.${name}`).join(' || ')
    expect(matching(`(${unexpected}) && !(tcp.flags.syn == 1)`)).toEqual([])
    expect(matching('tcp.analysis.out_of_order || tcp.analysis.reused_ports')).toEqual([])
  }, 30_000)
})
