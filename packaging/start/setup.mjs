// Set-up, run by every npm script before anything else. It runs under whatever Node the machine has (20 or newer), so it is plain
// JavaScript without dependencies. It installs what package-lock.json names, once per lockfile, and bundles the web page, once per
// source. Nothing is compiled and no package's own script runs (.npmrc ignore-scripts): all native code arrives prebuilt.
// Fails with one line and status 2.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const quiet = process.argv.includes('--quiet')
const say = (text) => { if (!quiet) process.stderr.write(`${text}\n`) }
const fail = (text) => { process.stderr.write(`vedette: ${text}\n`); process.exit(2) }
const changedAt = (path) => existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0

if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
  fail(`E_PLATFORM: this machine is ${process.platform}/${process.arch}; Vedette runs on Linux, x64 or arm64`)
}

/** Written after a whole installation: an interrupted one leaves none and is repeated. */
const stamp = 'node_modules/.vedette-installed'
if (changedAt(stamp) < changedAt('package-lock.json')) {
  say('First start: installing the pinned dependencies and Node 24 (about 15 s, 700 MB) ...')
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: ['ignore', quiet ? 'ignore' : 2, 'inherit'] })
  } catch {
    fail('E_SETUP_INSTALL: `npm ci` failed (see above). Check that the npm registry is reachable and that 1 GB is free, then try again')
  }
  if (!existsSync(join(root, 'node_modules/.bin/node'))) fail('E_SETUP_NODE: the pinned Node 24 did not install: run `npm ci --include=optional`')
  writeFileSync(join(root, stamp), '')
}

const newestIn = (folder) => Math.max(0, ...readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.parentPath.includes('/dist')).map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs))
if (existsSync(join(root, 'collector/web/bundle.ts')) && changedAt('collector/web/dist/index.html') < newestIn('collector/web')) {
  try {
    execFileSync(join(root, 'node_modules/.bin/node'), [join(root, 'collector/web/bundle.ts')], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  } catch {
    fail('E_SETUP_WEB: the web page could not be bundled (see above)')
  }
}
