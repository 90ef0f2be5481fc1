/**
 * What `npm test` runs: types, lint, tests. The last line is `N passed, N failed` (and `, N skipped`), where types, lint and, with CI set,
 * coverage count as one each. Status 1 when anything failed, or when nothing ran.
 *
 *   npm test                     everything
 *   npm test -- test/agent       only these tests (arguments go to vitest), without types and lint
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export type Totals = { passed: number, failed: number, skipped: number }

/** What is read of vitest's JSON report. */
export type VitestReport = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: readonly { status: string, assertionResults: readonly { status: string }[] }[]
}

/** A file that failed without a failed test (it could not be loaded) counts as one failure; so does a bad status without any. */
export function countReport(report: VitestReport | undefined, status: number | null): Totals {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const broken = report.testResults.filter(({ status: file, assertionResults }) =>
    file === 'failed' && !assertionResults.some((test) => test.status === 'failed')).length
  const failed = report.numFailedTests + broken
  const skipped = report.numPendingTests + report.numTodoTests
  return { passed: report.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed, skipped }
}

export const lastLine = ({ passed, failed, skipped }: Totals): string =>
  `${String(passed)} passed, ${String(failed)} failed${skipped > 0 ? `, ${String(skipped)} skipped` : ''}`

const root = join(import.meta.dirname, '..')
const reportPath = join(root, '.cache/test/report.json')

function run(what: string, script: string, args: readonly string[]): number | null {
  process.stdout.write(`\n> ${what}\n`)
  return spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, stdio: 'inherit' }).status
}

function readReport(): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(reportPath, 'utf8')) as VitestReport
  } catch {
    return undefined
  }
}

function main(args: readonly string[]): number {
  const whole = args.length === 0
  const total: Totals = { passed: 0, failed: 0, skipped: 0 }
  const add = (passed: boolean): void => { if (passed) total.passed++; else total.failed++ }
  if (whole) {
    add(run('types', 'typescript/bin/tsc', ['--noEmit']) === 0)
    add(run('lint', 'eslint/bin/eslint.js', ['.', '--max-warnings', '0']) === 0)
  }
  mkdirSync(join(root, '.cache/test'), { recursive: true })
  rmSync(reportPath, { force: true })
  const coverage = whole && (process.env.CI ?? '') !== '' ? ['--coverage'] : []
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
  const status = run('tests', 'vitest/vitest.mjs', ['run', ...reporters, ...coverage, ...args])
  const { passed, failed, skipped } = countReport(readReport(), status)
  total.passed += passed
  total.failed += failed
  total.skipped += skipped
  if (passed + failed === 0) {
    process.stdout.write('no test ran\n')
    total.failed++
  }
  process.stdout.write(`\n${lastLine(total)}\n`)
  return total.failed === 0 ? 0 : 1
}

if (process.argv[1] === import.meta.filename) process.exit(main(process.argv.slice(2)))
