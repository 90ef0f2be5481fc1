/** The last line of `npm test` tells the truth, also when vitest cannot. */
import { expect, it } from 'vitest'
import { countReport, lastLine } from './run.ts'

const report = (fields: object = {}) =>
  ({ numPassedTests: 5, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1, testResults: [], ...fields })

it('counts tests', () => {
  expect(countReport(report(), 0)).toEqual({ passed: 5, failed: 0, skipped: 3 })
  expect(countReport(report({ numFailedTests: 2 }), 1)).toMatchObject({ failed: 2 })
})

it('counts a file that could not be loaded as a failure', () => {
  const testResults = [{ status: 'failed', assertionResults: [] }, { status: 'failed', assertionResults: [{ status: 'failed' }] }, { status: 'passed', assertionResults: [] }]
  expect(countReport(report({ numFailedTests: 1, testResults }), 1)).toMatchObject({ passed: 5, failed: 2 })
})

it('counts a failure without a failed test (coverage, an unhandled error)', () => {
  expect(countReport(report(), 1)).toMatchObject({ failed: 1 })
  expect(countReport(report(), null)).toMatchObject({ failed: 1 })
  expect(countReport(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

it('has the form that CI reads', () => {
  expect(lastLine({ passed: 12, failed: 0, skipped: 0 })).toBe('12 passed, 0 failed')
  expect(lastLine({ passed: 1, failed: 2, skipped: 3 })).toBe('1 passed, 2 failed, 3 skipped')
})
