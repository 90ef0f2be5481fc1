/**
 * YAML files that have a schema of their own elsewhere (thresholds): read, `later over earlier`, as a plain object. Aliases are
 * limited, so a small file cannot become a large one.
 */
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { errnoName, VedetteError } from '../error.ts'

type Plain = Record<string, unknown>

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Merges sections; lists and single values are replaced whole. Throws E_FILE_MISSING, E_FILE_UNREADABLE, E_CONFIG with line and column. */
export function readPlainYaml(paths: readonly string[]): Plain {
  return paths.map((path) => readOne(path)).reduce(merge)
}

function readOne(path: string): Plain {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const name = errnoName(error)
    if (name === 'ENOENT') throw new VedetteError('E_FILE_MISSING', `there is no file ${path}`, 'Check the path')
    throw new VedetteError('E_FILE_UNREADABLE', `cannot read ${path} (${name})`, 'Check its permissions', { cause: error })
  }
  const document = parseDocument(text, { prettyErrors: true })
  if (document.errors.length > 0) {
    const { message, linePos } = document.errors[0]
    const at = linePos === undefined ? '' : `:${String(linePos[0].line)}:${String(linePos[0].col)}`
    throw new VedetteError('E_CONFIG', `${path}${at}: ${message.split('\n')[0]}`)
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isPlain(value)) throw new VedetteError('E_CONFIG', `${path} does not hold sections of keys`)
  return value
}

function merge(lower: Plain, upper: Plain): Plain {
  const merged = new Map(Object.entries(lower))
  for (const [key, value] of Object.entries(upper)) {
    const below = merged.get(key)
    merged.set(key, isPlain(below) && isPlain(value) ? merge(below, value) : value)
  }
  return Object.fromEntries(merged)
}
