/**
 * Configuration text as a tree that remembers where each value was written. YAML 1.2 (one document, no custom tags), with `${VAR}` and
 * `${VAR:default}` replaced inside values after parsing, so a variable's content can never change the structure. `$${` writes `${`.
 * The only user of the yaml package. Throws E_CONFIG with file, line and column.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'
import { VedetteError } from '../error.ts'

/** Where a value was written: 'agent.yaml:4:7', an environment variable, or the command line. */
export type Place = { layer: 'default' | 'file' | 'environment' | 'flag', text: string }

/**
 * A value with its place. `loose` text came through a variable or a flag, where everything is text: it may stand for a number or a list.
 */
export type Tree =
  | { kind: 'map', place: Place, entries: Map<string, { place: Place, tree: Tree }> }
  | { kind: 'list', place: Place, items: Tree[] }
  | { kind: 'value', place: Place, value: string | number | boolean | null, loose: boolean }

export type Environment = Readonly<Record<string, string | undefined>>

/** Parses YAML. `name` is the file's name in messages. An empty document is an empty section. */
export function parseTree(source: string, name: string, layer: Place['layer'], env: Environment): Tree {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false, strict: true })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { layer, text: `${name}:${String(line)}:${String(col)}` }
  }
  const problem = document.errors.at(0) ?? document.warnings.at(0)
  if (problem !== undefined) throw configError(at(problem.pos[0]), `this is not valid YAML: ${problem.message.split('\n')[0]}`)
  if (document.contents === null) return { kind: 'map', place: at(0), entries: new Map() }
  return convert(document.contents, document, at, env, 0)
}

export const configError = (place: Place, what: string, advice = ''): VedetteError => new VedetteError('E_CONFIG', `${place.text}: ${what}`, advice)

/** Deeper than any configuration is; an alias inside its own anchor ends here. */
const deepest = 32

function convert(node: Node, document: Document, at: (offset: number) => Place, env: Environment, depth: number): Tree {
  const place = at(node.range?.[0] ?? 0)
  if (depth > deepest) throw configError(place, 'this is nested too deeply')
  if (isAlias(node)) {
    const target = node.resolve(document)
    if (target === undefined) throw configError(place, `there is no anchor &${node.source}`)
    return convert(target, document, at, env, depth + 1)
  }
  if (isSeq<Node>(node)) return { kind: 'list', place, items: node.items.map((item) => convert(item, document, at, env, depth + 1)) }
  if (isMap<Node, Node | null>(node)) {
    const entries = new Map<string, { place: Place, tree: Tree }>()
    for (const { key, value } of node.items) {
      const keyPlace = at(key.range?.[0] ?? 0)
      if (!isScalar(key)) throw configError(keyPlace, 'a key must be a plain word')
      const tree: Tree = value === null ? { kind: 'value', place: keyPlace, value: null, loose: false } : convert(value, document, at, env, depth + 1)
      entries.set(String(key.value), { place: keyPlace, tree })
    }
    return { kind: 'map', place, entries }
  }
  if (!isScalar(node)) throw configError(place, 'this is not a value')
  const { value } = node
  if (typeof value === 'string') return substitute(value, node.type === 'PLAIN', place, env)
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return { kind: 'value', place, value, loose: false }
  throw configError(place, 'this kind of value is not supported')
}

/** `${NAME}` or `${NAME:default}`; the default ends at the first closing brace. */
const variable = /\$(\$\{)|\$\{([^}]*)\}/g

function substitute(value: string, plain: boolean, place: Place, env: Environment): Tree {
  let replaced = false
  const text = value.replace(variable, (whole, escaped: string | undefined, inside: string | undefined) => {
    if (escaped !== undefined || inside === undefined) return '${'
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::(.*))?$/.exec(inside) ?? []
    if (name === undefined) throw configError(place, `${whole} is not a variable`, 'Write ${NAME} or ${NAME:default}; for a literal ${ write $${')
    const found = env[name] ?? fallback
    if (found === undefined) throw configError(place, `the environment variable ${name} is not set`, `Set it, or give a default: \${${name}:value}`)
    replaced = true
    return found
  })
  return { kind: 'value', place, value: text, loose: replaced && plain }
}

/** `upper` over `lower`: sections are merged key by key, everything else is replaced. */
export function mergeTrees(lower: Tree, upper: Tree): Tree {
  if (lower.kind !== 'map' || upper.kind !== 'map') return upper
  const entries = new Map(lower.entries)
  for (const [name, { place, tree }] of upper.entries) {
    const below = entries.get(name)
    entries.set(name, { place, tree: below === undefined ? tree : mergeTrees(below.tree, tree) })
  }
  return { kind: 'map', place: upper.place, entries }
}

/** A tree that holds `leaf` under a dotted key. */
export function treeAt(key: string, leaf: Tree): Tree {
  return key.split('.').reduceRight<Tree>((tree, name) => ({ kind: 'map', place: leaf.place, entries: new Map([[name, { place: leaf.place, tree }]]) }), leaf)
}
