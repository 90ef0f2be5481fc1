/**
 * How tests run: in processes of their own (native libraries do not share one), two at a time. Coverage is measured with --coverage, which
 * CI does; below the thresholds the run fails. Entry points, the page and worker files run in child processes or a browser, where
 * v8 does not see them from here: the end-to-end tests cover them.
 */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A slow machine is no reason to fail, a test that hangs is.
    teardownTimeout: 10_000,
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      include: ['proto/**/*.ts', 'models/**/*.ts', 'agent/**/*.ts', 'collector/**/*.ts'],
      exclude: ['**/main.ts', '**/*worker*.ts', 'collector/web/**', 'proto/process/node-guard.ts'],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: '.cache/coverage',
      thresholds: { lines: 90 },
    },
  },
})
