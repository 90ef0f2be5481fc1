/**
 * A configuration tree against its schema: every problem with its place and what would be right, and the typed value when there is none.
 * Unknown keys are errors (a misspelled limit must not silently be no limit); the message names the nearest known key. Pure.
 */
import type { TSchema } from 'typebox'
import { examples, formatQuantity, leaves, parseQuantity } from './config-schema.ts'
import type { Schema } from './config-schema.ts'
import type { Place, Tree } from './config-tree.ts'

export type Problem = { place: Place, key: string, text: string, advice: string }

export type Checked = {
  value: unknown
  problems: Problem[]
  /** Where each leaf was written. */
  places: Map<string, Place>
}

type State = { problems: Problem[], places: Map<string, Place>, root: TSchema }
type Leaf = Extract<Tree, { kind: 'value' }>

/** Checks and converts. `value` is complete only when there are no problems. */
export function checkTree(root: TSchema, tree: Tree): Checked {
  const state: State = { problems: [], places: new Map(), root }
  const value = check(root, tree, '', state)
  return { value, problems: state.problems, places: state.places }
}

function check(schema: Schema, tree: Tree, key: string, state: State): unknown {
  const wrong = (text: string, advice = ''): unknown => {
    state.problems.push({ place: tree.place, key, text: `${key === '' ? 'the configuration' : key} ${text}`, advice })
    return undefined
  }
  if (schema.type === 'object') return tree.kind === 'map' ? checkSection(schema, tree, key, state) : wrong('must be a section: keys, one per line, indented')
  state.places.set(key, tree.place)
  if (schema.type === 'array') {
    const list = looseList(tree)
    if (list === undefined) return wrong('must be a list')
    if (list.length < (schema.minItems ?? 0)) return wrong('must not be empty')
    return list.map((item, i) => check(schema.items ?? {}, item, `${key}[${String(i)}]`, state))
  }
  if (tree.kind !== 'value') return wrong(`must be ${expected(schema)}, not a ${tree.kind === 'list' ? 'list' : 'section'}`)
  if (tree.value === null) return wrong('has no value', 'Give one, or remove the line')
  const value = convertLeaf(schema, tree)
  if (value === undefined) {
    const hint = schema.type === 'string' && typeof tree.value !== 'string' && schema.enum === undefined ? 'Put it in quotes' : ''
    return wrong(`must be ${expected(schema)}, not ${shown(schema, tree)}`, suggestion(schema.enum ?? [], String(tree.value)) || hint)
  }
  return withinLimits(schema, value) ? value : wrong(`must be ${limits(schema)}, not ${shown(schema, tree)}`)
}

function checkSection(schema: Schema, tree: Extract<Tree, { kind: 'map' }>, key: string, state: State): Record<string, unknown> {
  const properties = new Map(Object.entries(schema.properties ?? {}))
  const patterns = Object.entries(schema.patternProperties ?? {})
  const value: Record<string, unknown> = {}
  for (const [name, { place, tree: inner }] of tree.entries) {
    const path = key === '' ? name : `${key}.${name}`
    const known = properties.get(name) ?? patterns.find(([pattern]) => new RegExp(pattern, 'u').test(name))?.[1]
    if (known !== undefined) value[name] = check(known, inner, path, state)
    else state.problems.push({ place, key: path, text: `there is no key ${path}`, advice: nearestKey([...properties.keys()], name, key, state.root) })
  }
  for (const name of schema.required ?? []) {
    if (tree.entries.has(name)) continue
    const inner = properties.get(name)
    if (inner?.type === 'object') value[name] = checkSection(inner, { kind: 'map', place: tree.place, entries: new Map() }, key === '' ? name : `${key}.${name}`, state)
    else state.problems.push({ place: tree.place, key, text: `the key ${key === '' ? name : `${key}.${name}`} is missing`, advice: '' })
  }
  return value
}

/** A list, or loose text taken as one: values between commas. */
function looseList(tree: Tree): Tree[] | undefined {
  if (tree.kind === 'list') return tree.items
  if (tree.kind !== 'value' || !tree.loose || typeof tree.value !== 'string') return undefined
  return tree.value.split(',').map((part) => part.trim()).filter((part) => part !== '').map((value) => ({ ...tree, value }))
}

/** The value in the schema's type; undefined when it is not one. */
function convertLeaf(schema: Schema, { value, loose }: Leaf): string | number | boolean | undefined {
  const unit = schema['x-unit']
  if (unit !== undefined) {
    if (typeof value === 'number' && unit === 'octets') return Number.isSafeInteger(value) ? value : undefined
    return value === null || typeof value === 'boolean' ? undefined : parseQuantity(unit, String(value))
  }
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const number = loose && typeof value === 'string' && /^-?\d+(\.\d+)?(e-?\d+)?$/i.test(value.trim()) ? Number(value) : value
      if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
      return schema.type === 'integer' && !Number.isSafeInteger(number) ? undefined : number
    }
    case 'boolean':
      if (loose && (value === 'true' || value === 'false')) return value === 'true'
      return typeof value === 'boolean' ? value : undefined
    default:
      if (typeof value !== 'string') return undefined
      if (schema.enum !== undefined && !schema.enum.includes(value)) return undefined
      return schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value) ? value : undefined
  }
}

function withinLimits(schema: Schema, value: string | number | boolean): boolean {
  if (typeof value === 'number') return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity)
  return typeof value !== 'string' || (value.length >= (schema.minLength ?? 0) && value.length <= (schema.maxLength ?? Infinity))
}

/** What a value should be, in words. */
export function expected(schema: Schema): string {
  const unit = schema['x-unit']
  if (unit !== undefined) return `a ${unit === 'octets' ? 'size' : 'duration'} like ${examples[unit]}`
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`
  if (schema['x-form'] !== undefined) return schema['x-form']
  switch (schema.type) {
    case 'integer': return 'a whole number'
    case 'number': return 'a number'
    case 'boolean': return 'true or false'
    case 'array': return 'a list'
    default: return 'text'
  }
}

/** Limits in words: 'at least 1 and at most 65535'. */
export function limits(schema: Schema): string {
  const unit = schema['x-unit']
  const say = (value: number): string => unit === undefined ? String(value) : formatQuantity(unit, value)
  const parts: string[] = []
  if (schema.minimum !== undefined) parts.push(`at least ${say(schema.minimum)}`)
  if (schema.maximum !== undefined) parts.push(`at most ${say(schema.maximum)}`)
  if (schema.minLength !== undefined) parts.push(`at least ${String(schema.minLength)} characters long`)
  if (schema.maxLength !== undefined) parts.push(`at most ${String(schema.maxLength)} characters long`)
  return parts.join(' and ')
}

const shown = (schema: Schema, { value }: Leaf): string => {
  if (schema['x-secret'] === true) return 'what was given'
  const text = String(value)
  return text === '' ? 'an empty text' : text.length > 60 ? `${text.slice(0, 60)}...` : text
}

/** Advice for an unknown key: a sibling spelled alike, or the same key in another section. */
function nearestKey(siblings: readonly string[], name: string, section: string, root: TSchema): string {
  const near = nearest(siblings, name)
  if (near !== undefined) return `Did you mean ${section === '' || section.endsWith(']') ? near : `${section}.${near}`}?`
  const elsewhere = leaves(root).find(({ key }) => key.split('.').at(-1)?.toLowerCase() === name.toLowerCase())
  if (elsewhere !== undefined) return `Did you mean ${elsewhere.key}?`
  return siblings.length === 0 ? '' : `Known here: ${siblings.join(', ')}`
}

const suggestion = (names: readonly string[], name: string): string => {
  const near = nearest(names, name)
  return near === undefined ? '' : `Did you mean ${near}?`
}

/** The name with the fewest differing letters, when that is few enough to be a slip. */
export function nearest(names: readonly string[], name: string): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3))
  let best: string | undefined
  let fewest = most + 1
  for (const candidate of names) {
    const count = distance(candidate.toLowerCase(), name.toLowerCase())
    if (count < fewest) { fewest = count; best = candidate }
  }
  return best
}

/** Letters to insert, remove, replace or swap with a neighbour (optimal string alignment distance). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || b.length > 64) return Infinity
  const rows = Array.from({ length: a.length + 1 }, (_row, i) =>
    Array.from({ length: b.length + 1 }, (_cell, j) => i === 0 ? j : j === 0 ? i : 0))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const replace = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity
      rows[i][j] = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replace, swap)
    }
  }
  return rows[a.length][b.length]
}
