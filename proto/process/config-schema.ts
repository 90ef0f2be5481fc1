/**
 * The vocabulary of configuration schemas: TypeBox types plus sizes ("256MiB") and durations ("10s"), which are written for people and
 * read as numbers (octets, milliseconds), and secrets, which are never printed. Pure; throws only E_INTERNAL, for a schema that
 * contradicts itself.
 */
import { Type } from 'typebox'
import type { TObject, TProperties, TSchema } from 'typebox'
import { VedetteError } from '../error.ts'

export type Unit = 'octets' | 'duration'

/** What config code reads of a schema: JSON Schema's words, `x-unit`, and `x-secret`. */
export type Schema = {
  type?: string
  properties?: Record<string, Schema>
  /** Regular expression -> schema of the keys that match it (TypeBox's Record). */
  patternProperties?: Record<string, Schema>
  required?: readonly string[]
  items?: Schema
  enum?: readonly string[]
  minimum?: number
  maximum?: number
  minItems?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  description?: string
  'x-unit'?: Unit
  'x-secret'?: boolean
  /** Says in words what `pattern` wants. */
  'x-form'?: string
}

type Range = { minimum: number, maximum: number }

/** A section: its keys and nothing else. */
export const section = <Keys extends TProperties>(properties: Keys): TObject<Keys> =>
  Type.Object(properties, { additionalProperties: false })

/** A size, written "64KiB", "256MiB", "1GB" or a number of octets; read as octets. */
export const octets = (description: string, range: Range) =>
  Type.Unsafe<number>({ type: 'integer', description, ...range, 'x-unit': 'octets' })

/** A duration, written "250ms", "10s", "5m", "72h", "30d"; read as milliseconds. */
export const duration = (description: string, range: Range) =>
  Type.Unsafe<number>({ type: 'integer', description, ...range, 'x-unit': 'duration' })

export const whole = (description: string, range: Range) => Type.Integer({ description, ...range })
export const flag = (description: string) => Type.Boolean({ description })
export const oneOf = <const Names extends readonly [string, ...string[]]>(names: Names, description: string) =>
  Type.Unsafe<Names[number]>({ type: 'string', enum: names, description })

/** Text; `form` says in words what `pattern` wants. */
export const text = (description: string, form?: { pattern: string, form: string }) =>
  Type.String({ description, ...(form === undefined ? {} : { 'pattern': form.pattern, 'x-form': form.form }) })

/** Text that is never printed. "file:PATH" and "credential:NAME" (systemd) are read when the configuration is. */
export const secret = (description: string) => Type.String({ description, 'minLength': 1, 'x-secret': true })

const sizeUnits: readonly (readonly [string, number])[] = [
  ['B', 1], ['kB', 1e3], ['KiB', 2 ** 10], ['MB', 1e6], ['MiB', 2 ** 20], ['GB', 1e9], ['GiB', 2 ** 30], ['TB', 1e12], ['TiB', 2 ** 40],
]
const timeUnits: readonly (readonly [string, number])[] = [['ms', 1], ['s', 1e3], ['m', 60e3], ['h', 3600e3], ['d', 86400e3]]
const unitsOf = { octets: sizeUnits, duration: timeUnits }
export const examples = { octets: '256MiB', duration: '10s' }

/** "256MiB" -> 268435456, "10s" -> 10000; undefined when it is not one. Sizes may be bare numbers, durations need a unit. */
export function parseQuantity(unit: Unit, written: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(written.trim())
  if (match === null) return undefined
  const [, digits, name] = match
  if (name === '') return unit === 'octets' ? wholeOnly(Number(digits)) : digits === '0' ? 0 : undefined
  const factor = unitsOf[unit].find(([known]) => known === name || (unit === 'octets' && known.toLowerCase() === name.toLowerCase()))?.[1]
  return factor === undefined ? undefined : wholeOnly(Math.round(Number(digits) * factor))
}

const wholeOnly = (value: number): number | undefined => Number.isSafeInteger(value) ? value : undefined

/** The shortest exact way to write a quantity; `parseQuantity` reads it back. */
export function formatQuantity(unit: Unit, value: number): string {
  if (value === 0) return unit === 'octets' ? '0B' : '0s'
  const fitting = unitsOf[unit].filter(([, factor]) => value % factor === 0)
  const [name, factor] = fitting.reduce((best, next) => next[1] > best[1] ? next : best)
  return `${String(value / factor)}${name}`
}

/** Every leaf of a schema: dotted key, schema, whether it may be missing. Lists are leaves. */
export function leaves(schema: TSchema, prefix = ''): { key: string, schema: Schema, optional: boolean }[] {
  const { properties = {}, required = [] } = schema as Schema
  return Object.entries(properties).flatMap(([name, inner]) => {
    const key = `${prefix}${name}`
    return inner.properties === undefined
      ? [{ key, schema: inner, optional: !required.includes(name) }]
      : leaves(inner, `${key}.`)
  })
}

/** flow.firstPart with prefix VEDETTE_AGENT -> VEDETTE_AGENT_FLOW_FIRST_PART */
export function environmentName(prefix: string, key: string): string {
  return `${prefix}_${key.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`
}

/** Environment name -> key, for every leaf. Throws E_INTERNAL when two keys would share a name. */
export function environmentNames(prefix: string, schema: TSchema): Map<string, string> {
  const names = new Map<string, string>()
  for (const { key } of leaves(schema)) {
    const name = environmentName(prefix, key)
    const other = names.get(name)
    if (other !== undefined) throw new VedetteError('E_INTERNAL', `the keys ${other} and ${key} share the environment name ${name}`)
    names.set(name, key)
  }
  return names
}
