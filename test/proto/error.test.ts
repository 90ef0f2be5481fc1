import { describe, expect, it } from 'vitest'
import { errnoName, errors, VedetteError } from '../../proto/error.ts'

describe('VedetteError', () => {
  it('says what happened and what to do, in one line', () => {
    const error = new VedetteError('E_FILE_MISSING', 'there is no file x.pcap', 'Check the path')
    expect(error.line).toBe('E_FILE_MISSING: there is no file x.pcap. Check the path')
    expect(error).toMatchObject({ code: 'E_FILE_MISSING', retryable: false, name: 'VedetteError' })
  })

  it('falls back to the text of the table', () => {
    expect(new VedetteError('E_DATA_FULL').line).toBe('E_DATA_FULL: the disk is full')
    expect(new VedetteError('E_DATA_FULL').retryable).toBe(true)
  })
})

it('codes and texts have one form', () => {
  for (const [code, { text }] of Object.entries(errors)) {
    expect(code).toMatch(/^E_[A-Z]+(_[A-Z]+)*$/)
    expect(text).toMatch(/^[^A-Z].*[^.]$/)
  }
})

it('errnoName reads the name of a failed system call', () => {
  expect(errnoName(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT')
  expect([errnoName(new Error('x')), errnoName('ENOENT'), errnoName(undefined)]).toEqual(['', '', ''])
})
