/** What the documentation promises is what the tables in the source say, and its links lead somewhere. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentSchema } from '../agent/config.ts'
import { agentMetricSpecs } from '../agent/metrics.ts'
import { collectorSchema } from '../collector/config.ts'
import { collectorMetricSpecs } from '../collector/metrics.ts'
import { madePages } from '../packaging/docs/main.ts'
import { errors } from '../proto/error.ts'
import { agentCounters, collectorCounters } from '../proto/ledger.ts'
import { leaves } from '../proto/process/config-schema.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const pages = globSync(['*.md', 'docs/**/*.md', 'models/**/*.md', 'packaging/**/*.md'], { cwd: root })
  .filter((path) => !path.includes('node_modules')).toSorted()

/** Cells of the rows of all tables of a page whose first cell is `code`. */
const rows = (text: string): Map<string, string[]> => new Map(text.split('\n').flatMap((line) => {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim())
  const name = /^`([^`]+)`$/.exec(cells.at(0) ?? '')?.[1]
  return name === undefined ? [] : [[name, cells.slice(1)] as const]
}))

describe('docs/errors.md', () => {
  const documented = rows(read('docs/errors.md'))

  it.each(Object.entries(errors))('%s is there with its text, a cause, and what to do', (code, { text, retryable }) => {
    const [says, why, action, again] = documented.get(code) ?? []
    expect(says).toBe(text)
    expect(why.length).toBeGreaterThan(20)
    expect(action.length).toBeGreaterThan(5)
    if (again === 'yes') expect(retryable).toBe(true)
  })

  it('names no code that does not exist', () => {
    expect([...documented.keys()].filter((code) => !(code in errors))).toEqual([])
  })

  it('covers every code that the source throws', () => {
    const thrown = globSync('{proto,models,agent,collector,packaging}/**/*.{ts,mjs}', { cwd: root })
      .filter((path) => !path.includes('node_modules')).flatMap((path) => read(path).match(/\bE_[A-Z]+(_[A-Z]+)*\b/g) ?? [])
    expect([...new Set(thrown)].filter((code) => !(code in errors))).toEqual([])
  })
})

describe('docs/metrics.md', () => {
  const documented = rows(read('docs/metrics.md'))
  const known = [...agentMetricSpecs, ...collectorMetricSpecs]

  it('lists every metric, and no other', () => {
    expect([...documented.keys()].toSorted()).toEqual(known.map(({ name }) => name).toSorted())
    expect(new Set(known.map(({ name }) => name)).size).toBe(known.length)
  })

  it('has every counter of the ledger', () => {
    expect(known.length).toBeGreaterThanOrEqual(agentCounters.length + collectorCounters.length)
  })

  it('has names and units as Prometheus recommends', () => {
    for (const { name, type, help } of known) {
      expect(name).toMatch(/^vedette_(agent|collector)(_[a-z0-9]+)+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      expect(help.length).toBeGreaterThan(5)
    }
  })
})

describe('docs/configuration.md', () => {
  const documented = rows(read('docs/configuration.md'))
  const known = [agentSchema, collectorSchema].flatMap((schema) => leaves(schema))

  it('lists every key', () => {
    expect(known.map(({ key }) => key).filter((key) => !documented.has(key))).toEqual([])
  })

  it('has a meaning for every key', () => {
    for (const { key, schema } of known) expect(schema.description, key).toMatch(/\S{2,}.*[.)]$/)
  })
})

describe('pages made from tables', () => {
  it.each([...madePages.keys()])('docs/%s is up to date (npm run docs)', (name) => {
    expect(read(`docs/${name}`)).toBe(madePages.get(name))
  })
})

describe('docs/detectors', () => {
  const index = join(root, 'collector/detect/index.ts')
  it.skipIf(!existsSync(join(root, 'docs/detectors')) || !existsSync(index))('has a page for every detector in the map', () => {
    const map = /export const detectors\b[^{]*\{([\s\S]*?)\n\}/.exec(readFileSync(index, 'utf8'))?.[1] ?? ''
    const names = [...map.matchAll(/^\s+'?([a-z][a-z-]*)'?:/gm)].map(([, name]) => name)
    expect(names.filter((name) => !existsSync(join(root, 'docs/detectors', `${name}.md`)))).toEqual([])
  })
})

/** GitHub's anchor of a heading. */
const anchor = (heading: string): string =>
  heading.toLowerCase().replaceAll(/[`*_]/g, '').replaceAll(/[^\p{L}\p{N}\s-]/gu, '').trim().replaceAll(' ', '-')

const anchorsOf = (text: string): Set<string> => new Set([...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => anchor(heading)))

/** Local targets of links and pictures that do not exist. */
function brokenLinks(path: string, text: string, exists: (target: string) => boolean, anchors: (target: string) => Set<string>): string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/^ {4}.*$/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [file, fragment] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    if (!exists(target)) return true
    return fragment !== undefined && target.endsWith('.md') && !anchors(target).has(fragment)
  })
}

describe('links', () => {
  it.each(pages)('of %s lead somewhere', (path) => {
    expect(brokenLinks(path, read(path), (target) => existsSync(join(root, target)), (target) => anchorsOf(read(target)))).toEqual([])
  })

  it('that are broken are found', () => {
    const text = 'See [a](gone.md), [b](there.md#right), [c](there.md#wrong), [d](#here), [e](https://example.org/x), `[f](code.md)`.\n'
    const found = brokenLinks('docs/x.md', text, (target) => target !== 'docs/gone.md', () => new Set(['right', 'here']))
    expect(found).toEqual(['gone.md', 'there.md#wrong'])
  })
})

/** Words that say something about the machine or the way this was made rather than about the product. */
const forbidden: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.])\/(work|root|home\/\w+|tmp\/bash)\//, 'a path of the machine it was written on'],
  [/\b(TODO|FIXME|XXX)\b/, 'unfinished'],
  [/\[(BENCH|PLACEHOLDER|TBD)[^\]]*\]/, 'a place left open'],
  [/lorem ipsum/i, 'filler'],
]

describe('words', () => {
  const files = [...pages, ...globSync(['{proto,models,agent,collector,packaging,test}/**/*.{ts,tsx,mjs,yaml,proto}', '*.{js,ts,json}', '.ci/run', '.github/**/*'], { cwd: root })]
    .filter((path) => !/node_modules|package-lock|\/dist\/|^test\/docs\.test\.ts$/.test(path) && /\.\w+$|\/run$/.test(path))

  it('that have no place here are not there', () => {
    const found = files.flatMap((path) => read(path).split('\n').flatMap((line, i) =>
      forbidden.filter(([word]) => word.test(line)).map(([, why]) => `${relative('.', path)}:${String(i + 1)}: ${why}`)))
    expect(found).toEqual([])
  })

  it.each([['see /root/x', 0], ['// TODO later', 1], ['**Fast.** [BENCH]', 2]])('%s is found', (text, at) => {
    expect(forbidden[at][0].test(`${text}/`)).toBe(true)
  })
})
