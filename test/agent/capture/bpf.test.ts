import { describe, expect, it } from 'vitest'
import { compileFilter, snapProgram } from '../../../agent/capture/bpf.ts'

const options = { link: 1, snapLength: 65535 }
const none = ['libpcap-that-nobody-has.so']

async function installed(): Promise<boolean> {
  try {
    await compileFilter('ip', options)
    return true
  } catch {
    return false
  }
}

describe('compileFilter', () => {
  it('refuses a filter clearly where libpcap is not installed', async () => {
    await expect(compileFilter('ip', { ...options, libraries: none }))
      .rejects.toMatchObject({ code: 'E_CAPTURE_FILTER', message: expect.stringContaining('libpcap') as string, advice: expect.stringContaining('Install') as string })
  })
})

describe.skipIf(!await installed())('compileFilter with libpcap (skipped where it is not installed)', () => {
  it('compiles tcpdump\'s language to instructions of the kernel', async () => {
    const program = await compileFilter('tcp port 443 and net 10.0.0.0/8', options)
    expect(program.length % 8).toBe(0)
    expect(program.length / 8).toBeGreaterThan(10)
    // The last two instructions return: the snap length, or nothing.
    expect([...program.subarray(-16)]).toEqual([6, 0, 0, 0, 255, 255, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0])
  })

  it('compiles for the link type of the interface', async () => {
    const [ethernet, raw] = await Promise.all([compileFilter('ip', options), compileFilter('ip', { ...options, link: 101 })])
    expect(raw).not.toEqual(ethernet)
  })

  it('refuses a bad filter with libpcap\'s own words', async () => {
    await expect(compileFilter('tcp prot 443', options))
      .rejects.toMatchObject({ code: 'E_CAPTURE_FILTER', message: expect.stringMatching(/"tcp prot 443" was refused: .*syntax error/) as string })
    await expect(compileFilter('host 300.1.2.3', options)).rejects.toMatchObject({ code: 'E_CAPTURE_FILTER' })
  })
})

describe('snapProgram', () => {
  it('is one instruction: return so many octets', () => {
    expect([...snapProgram(96)]).toEqual([6, 0, 0, 0, 96, 0, 0, 0])
  })
})
