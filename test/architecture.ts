/**
 * The rules of the house (who may import what, where packages live, names, sizes, forms), as functions of path and text, so that
 * a violation can be planted without a file. Pure; knows nothing of the file system.
 */
import ts from 'typescript'

export type Violation = { path: string, line: number, rule: string, text: string }

/** The steps of each process in data order: a step may name types of the steps before it. */
export const steps = {
  agent: ['capture', 'decode', 'flow', 'protocol', 'feature', 'receive', 'score', 'sink', 'fleet'],
  collector: ['ingest', 'enrich', 'aggregate', 'rescore', 'detect', 'explain', 'alert', 'channel', 'store', 'train', 'account', 'api', 'web', 'fleet', 'cli'],
} as const

/** Steps whose values another step may import, and why. */
const valueExceptions: ReadonlyMap<string, readonly string[]> = new Map([
  // Windows are the detectors' data structure.
  ['collector/detect', ['collector/aggregate']],
  // The layout of a decoded packet: the flow table reads it in place, a packet every 100 ns.
  ['agent/flow', ['agent/decode/packets.ts']],
])

/** Interfaces named after a role: whoever plugs in or is plugged into names their types, wherever it stands. */
const roles = new Set([
  'agent/capture/source.ts', 'agent/flow/chunk.ts', 'agent/sink/sink.ts', 'agent/score/scorer.ts',
  'collector/store/store.ts', 'collector/store/archive.ts', 'collector/detect/detector.ts', 'collector/channel/channel.ts',
])

/** Every third-party package and where it may be imported: a folder (ends with /), or a file name up to its *. */
const homes: ReadonlyMap<string, readonly string[]> = new Map([
  ['@duckdb/node-api', ['collector/store/duckdb*']],
  ['@fastify/static', ['collector/api/']],
  ['@fastify/websocket', ['collector/api/']],
  ['@preact/signals', ['collector/web/']],
  ['better-sqlite3', ['collector/store/sqlite*']],
  ['esbuild', ['collector/web/bundle*', 'packaging/']],
  ['fastify', ['collector/api/']],
  ['koffi', ['agent/capture/ring*', 'agent/capture/bpf*', 'proto/process/notify*', 'proto/process/privilege*']],
  ['onnxruntime-node', ['models/session*']],
  ['pino', ['proto/process/log.ts']],
  ['pino-pretty', ['proto/process/log.ts']],
  ['preact', ['collector/web/']],
  ['prom-client', ['proto/process/metrics.ts']],
  ['typebox', ['proto/process/config*', 'agent/config.ts', 'collector/config.ts', 'collector/detect/settings.ts', 'collector/api/']],
  ['yaml', ['proto/process/config*']],
])

/** Tables of data, exempt from the length cap. */
const dataTables = new Set<string>(['collector/detect/public-suffixes.ts'])
const sourceCap = 400
const testCap = 600

const forbiddenWords = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager', 'managers'])
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/

type Import = { specifier: string, typeOnly: boolean, line: number }

/** All violations of one file. `path` is relative to the project, with forward slashes. */
export function checkFile(path: string, text: string): Violation[] {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind)
  const violations: Violation[] = []
  const report = (rule: string, what: string, line = 1): void => { violations.push({ path, line, rule, text: what }) }
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1

  checkName(path, report)
  checkLength(path, text, report)
  if (!path.endsWith('.test.ts') && !/^(#!.*\n)?(\/\*\*|\/\/)/.test(text)) report('header', 'the file does not begin with a comment that says what it is')
  for (const found of importsOf(source, lineOf)) checkImport(path, found, report)
  const visit = (node: ts.Node): void => {
    checkForm(path, node, (rule, what) => { report(rule, what, lineOf(node)) })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return violations
}

type Report = (rule: string, text: string, line?: number) => void

function checkName(path: string, report: Report): void {
  for (const part of path.split('/')) {
    if (!kebab.test(part)) report('name', `${part} is not kebab-case`)
    const word = part.split(/[-.]/).find((each) => forbiddenWords.has(each))
    if (word !== undefined) report('name', `${part}: "${word}" says nothing about what is inside`)
  }
}

function checkLength(path: string, text: string, report: Report): void {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  const cap = path.startsWith('test/') ? testCap : sourceCap
  if (lines > cap && !dataTables.has(path)) report('length', `${String(lines)} lines; ${String(cap)} are the most`)
}

function importsOf(source: ts.SourceFile, lineOf: (node: ts.Node) => number): Import[] {
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const { moduleSpecifier: from } = node
      if (from === undefined || !ts.isStringLiteral(from)) return
      found.push({ specifier: from.text, typeOnly: isTypeOnly(node), line: lineOf(node) })
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ specifier: node.argument.literal.text, typeOnly: true, line: lineOf(node) })
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments
      found.push({ specifier: ts.isStringLiteral(argument) ? argument.text : '(computed)', typeOnly: false, line: lineOf(node) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  const clause = node.importClause
  if (clause === undefined) return false
  return clause.phaseModifier === ts.SyntaxKind.TypeKeyword
}

function checkImport(path: string, { specifier, typeOnly, line }: Import, report: Report): void {
  if (path.startsWith('test/')) return
  if (specifier === '(computed)') { report('import', 'the path of an import must be written out', line); return }
  if (specifier.startsWith('node:')) return
  if (specifier.startsWith('.')) checkRelative(path, specifier, typeOnly, line, report)
  else checkPackage(path, specifier, line, report)
}

function checkPackage(path: string, specifier: string, line: number, report: Report): void {
  if (path.endsWith('.config.ts')) return
  const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
  const allowed = homes.get(name)
  if (allowed === undefined) report('package', `${name} has no home in test/architecture.ts (node's own modules take the prefix node:)`, line)
  else if (!allowed.some((home) => isAt(path, home))) report('package', `${name} is imported only in ${allowed.join(', ')}`, line)
}

function isAt(path: string, home: string): boolean {
  if (home.endsWith('*') || home.endsWith('/')) return path.startsWith(home.replace(/\*$/, ''))
  return path === home
}

function checkRelative(path: string, specifier: string, typeOnly: boolean, line: number, report: Report): void {
  if (!/\.(ts|tsx|json|css)$/.test(specifier)) report('extension', `${specifier} lacks its extension`, line)
  const target = resolve(path, specifier)
  const from = placeOf(path)
  const to = placeOf(target)
  const refuse = (why: string): void => { report('import', `${typeOnly ? 'types' : 'values'} of ${target}: ${why}`, line) }

  if (from.top === 'packaging') {
    if (to.top === 'agent' || to.top === 'collector') { if (!typeOnly && !['config', 'metrics'].includes(fileName(target))) refuse('packaging starts processes, it does not reach into them') }
    return
  }
  if (to.top === 'proto') {
    if (from.top === 'proto' && from.step === '' && to.step === 'process' && !typeOnly) refuse('the contract does not depend on how processes run')
    return
  }
  if (from.top === 'proto') { refuse('proto depends on nothing here'); return }
  if (to.top === 'models') return
  if (from.top === 'models') { refuse('models know only proto'); return }
  if (from.top !== to.top) { refuse('agent and collector never import each other'); return }
  if (isWhole(path) || from.step === to.step || allowedValue(from, to, target)) return
  if (!typeOnly) { refuse(to.step === '' ? 'a step does not import what stands above it' : 'a step imports values only from proto, models and itself'); return }
  if (roles.has(target) || from.step === '') return
  const order: readonly string[] = steps[from.top as keyof typeof steps]
  const [left, right] = [order.indexOf(to.step), order.indexOf(from.step)]
  if (to.step === 'store') return
  if (left < 0 || right < 0) refuse(`${left < 0 ? to.step : from.step} is not a step in test/architecture.ts`)
  else if (left > right) refuse('types come from the steps on the left')
}

type Place = { top: string, step: string }

/** agent/flow/table.ts -> agent, flow; agent/main.ts -> agent, '' */
function placeOf(path: string): Place {
  const parts = path.split('/')
  return { top: parts[0], step: parts.length > 2 ? parts[1] : '' }
}

const allowedValue = (from: Place, to: Place, target: string): boolean =>
  valueExceptions.get(`${from.top}/${from.step}`)?.some((allowed) => allowed === `${to.top}/${to.step}` || allowed === target) ?? false

const fileName = (path: string): string => path.split('/').at(-1)?.split('.')[0] ?? ''

/** The files that see every stage of their process; the agent's hot loop is put together in a file of its own. */
const isWhole = (path: string): boolean => /^(agent|collector)\/(main|pipeline)\.ts$/.test(path) || path === 'agent/engine.ts'

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** Where the environment, the wall clock and chance may be read: the edges of a process, the page (a browser), tests. */
const mayReadWorld = (path: string): boolean =>
  isWhole(path) || /^(proto\/process|packaging|collector\/web|test)\//.test(path) || path.endsWith('.config.ts') || path === 'models/train.ts'

/** `export default` in any of its forms. */
function exportsDefault(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (!ts.isFunctionDeclaration(node) && !ts.isClassDeclaration(node)) return false
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true
}

/** Whether a variable of the environment is written (for a library to read) rather than read. */
function isAssigned(node: ts.Node): boolean {
  const variable = node.parent
  const { parent } = variable
  return ts.isBinaryExpression(parent) && parent.left === variable && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
}

const world = new Set(['process.env', 'Date.now', 'Math.random', 'performance.now', 'process.hrtime'])

function checkForm(path: string, node: ts.Node, report: (rule: string, text: string) => void): void {
  if (ts.isEnumDeclaration(node)) report('form', 'no enum: a union, or a const object')
  if (ts.isModuleDeclaration(node) && (node.flags & ts.NodeFlags.GlobalAugmentation) === 0) report('form', 'no namespace: a module')
  if (ts.isDecorator(node)) report('form', 'no decorators: they are not erasable')
  if (ts.isParameter(node) && (ts.getModifiers(node) ?? []).length > 0) report('form', 'no parameter properties: they are not erasable')
  if (exportsDefault(node) && !path.endsWith('.config.ts')) report('form', 'no default export: a name')
  if (mayReadWorld(path)) return
  if (ts.isPropertyAccessExpression(node) && world.has(node.getText()) && !isAssigned(node)) report('world', `${node.getText()} is handed in, not read here`)
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments ?? []).length === 0) report('world', 'new Date() reads the clock, which is handed in')
}
