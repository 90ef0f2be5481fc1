/**
 * The oldest Node that runs this. Imported first by every command: native libraries crash on an older one, this says so
 * instead. Ends the process with status 2; loses nothing, nothing was begun.
 */
import { VedetteError } from '../error.ts'

export const oldestNode = 24

/** The error for a Node that is too old, undefined for one that is not. `version` is like '24.21.0'. */
export function nodeError(version: string): VedetteError | undefined {
  if (Number.parseInt(version, 10) >= oldestNode) return undefined
  return new VedetteError('E_PLATFORM', `this is Node ${version}; Vedette needs Node ${String(oldestNode)} or newer`,
    'npm start, npm run agent and npm run collector bring their own; otherwise use node_modules/.bin/node')
}

const error = nodeError(process.versions.node)
if (error !== undefined) {
  process.stderr.write(`vedette: ${error.line}\n`)
  process.exit(2)
}
