import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'node:test'
import ts from 'typescript'

/**
 * The plan of the house: which room may know of which. It walks every `.ts` file, so that an arrow that is not in the
 * table cannot slip in, whether it is an import, a type, an `import()` or the file of a worker or a child process.
 */

const root = join(import.meta.dirname, '..')

const plugs = ['gateway', 'wire', 'base'] as const

/** Each room and the rooms it may know; everybody knows itself. */
const mayKnow: Readonly<Record<string, readonly string[] | 'all'>> = {
  base: [],
  wire: ['base'],
  gateway: ['base'],
  'device-drivers': plugs,
  models: plugs,
  rules: plugs,
  'cloud-bridge': plugs,
  // It meets the gateway on real wires only; a command alone may join the two in one process.
  simulator: ['wire', 'base'],
  scripts: 'all',
  commands: 'all',
  tests: 'all',
  bench: 'all',
  'main.ts': ['commands'],
}

/** Files and folders whose code is loaded by a name that only the running program knows, and where it is written down. */
const loadsByName: readonly string[] = [
  'bench/main.ts',
  'commands/rooms.ts',
  'device-drivers/codecs/by-name.ts',
  'device-drivers/push/form-by-name.ts',
  'gateway/rule-kinds.ts',
]

interface Arrow {
  readonly from: string
  readonly to: string
  readonly kind: 'import' | 'type' | 'file'
}

interface Seen {
  readonly arrows: readonly Arrow[]
  /** `import()` of something that is no literal. */
  readonly unknown: number
  readonly isBarrel: boolean
}

/** What one file points to inside the house. Paths are from the root. */
function look(from: string, text: string, exists: (path: string) => boolean): Seen {
  const arrows: Arrow[] = []
  let unknown = 0
  const source = ts.createSourceFile(from, text, ts.ScriptTarget.Latest)
  const point = (to: string, kind: Arrow['kind']): void => {
    if (to.startsWith('.')) arrows.push({ from, to: normalize(join(dirname(from), to)), kind })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const isType = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly
      const to = node.moduleSpecifier
      if (to && ts.isStringLiteral(to)) point(to.text, isType ? 'type' : 'import')
      return
    }
    if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      point(node.argument.literal.text, 'type')
      node.typeArguments?.forEach(visit)
      return
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [to] = node.arguments
      if (to && ts.isStringLiteralLike(to)) point(to.text, 'import')
      else unknown++
      return
    }
    if (ts.isStringLiteralLike(node) && node.text.endsWith('.ts')) {
      // new Worker(new URL('./writer.ts', import.meta.url)), fork(join(import.meta.dirname, 'vision-process.ts'))
      const to = normalize(join(dirname(from), node.text))
      if (exists(to)) arrows.push({ from, to, kind: 'file' })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  const isBarrel =
    source.statements.length > 0 &&
    source.statements.every((node) => ts.isExportDeclaration(node) && node.moduleSpecifier)
  return { arrows, unknown, isBarrel }
}

const roomOf = (path: string): string => path.split('/')[0] ?? ''

/** Why an arrow may not be, if so. Tests beside a file obey its room, and may use what `tests/` shares. */
function complaint({ from, to }: Arrow): string | undefined {
  const [room, other] = [roomOf(from), roomOf(to)]
  if (room === other) return undefined
  const known = mayKnow[room]
  if (known === undefined) return `${from}: the room "${room}" stands in no plan`
  if (known === 'all' || known.includes(other)) return undefined
  if (from.endsWith('.test.ts') && other === 'tests') return undefined
  return `${from} must not know ${to}`
}

/** Files that reach each other, by folders of more than one (Tarjan). */
function cyclesAcrossFolders(arrows: readonly Arrow[]): readonly (readonly string[])[] {
  const next = new Map<string, string[]>()
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to])
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file) ?? 0)
    stack.push(file)
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) visit(to)
      if (stack.includes(to)) low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0))
    }
    if (low.get(file) !== index.get(file)) return
    const cycle = stack.splice(stack.indexOf(file))
    if (new Set(cycle.map(dirname)).size > 1) found.push(cycle.sort())
  }
  for (const file of next.keys()) if (!index.has(file)) visit(file)
  return found
}

const files = globSync('**/*.ts', {
  cwd: root,
  exclude: (path) => ['node_modules', 'data', '.git'].includes(roomOf(path)),
}).sort()
const seen = files.map((file) => ({
  file,
  ...look(file, readFileSync(join(root, file), 'utf8'), (path) => existsSync(join(root, path))),
}))
const arrows = seen.flatMap((one) => one.arrows)

test('every file of the house was seen, in every room', () => {
  assert.ok(files.length >= 250, `only ${files.length} files were seen`)
  assert.ok(arrows.length >= 1000, `only ${arrows.length} arrows were seen`)
  for (const kind of ['import', 'type', 'file'] as const) {
    const count = arrows.filter((arrow) => arrow.kind === kind).length
    assert.ok(count >= 5, `only ${count} arrows of the kind "${kind}" were seen`)
  }
  const rooms = new Set(files.map(roomOf))
  for (const room of Object.keys(mayKnow)) assert.ok(rooms.has(room), `no file of ${room} was seen`)
  for (const known of [
    ['gateway/store/store.ts', 'gateway/store/writer.ts', 'file'],
    ['gateway/draft.ts', 'gateway/store/schema.ts', 'type'],
    ['main.ts', 'commands/start.ts', 'import'],
  ] as const) {
    const isSeen = arrows.some(
      ({ from, to, kind }) => from === known[0] && to === known[1] && kind === known[2],
    )
    assert.ok(isSeen, `${known.join(' ')} was not seen`)
  }
})

test('no arrow leads where the plan has none, and each leads to a file', () => {
  assert.deepEqual(
    arrows.map(complaint).filter((text) => text !== undefined),
    [],
  )
  assert.deepEqual(
    arrows.filter(({ to }) => to.endsWith('.ts') && !files.includes(to)),
    [],
  )
})

test('code that is loaded by a name of the running program is loaded in few places', () => {
  const places = seen.filter(
    ({ file, unknown }) => unknown > 0 && !file.endsWith('.test.ts') && roomOf(file) !== 'tests',
  )
  assert.deepEqual(
    places.map(({ file }) => file).filter((file) => !loadsByName.includes(file)),
    [],
  )
})

test('there are no barrels', () => {
  assert.deepEqual(
    seen.filter(({ file, isBarrel }) => isBarrel || /(^|\/)index\.ts$/.test(file)).map(({ file }) => file),
    [],
  )
})

test('no file reaches itself through another folder', () => {
  assert.deepEqual(cyclesAcrossFolders(arrows), [])
})

test('the check itself sees each sort of forbidden arrow', () => {
  const all = (): boolean => true
  const wrong: readonly (readonly [string, string])[] = [
    ['base/a.ts', "import { b } from '../gateway/b.ts'"],
    ['wire/a.ts', "import type { B } from '../gateway/b.ts'"],
    ['gateway/a.ts', "export { b } from '../rules/b.ts'"],
    ['gateway/store/a.ts', "export type { B } from '../../wire/b.ts'"],
    ['rules/kinds/a.ts', "let b: import('../../models/b.ts').B"],
    ['models/a.ts', "await import('../cloud-bridge/b.ts')"],
    ['cloud-bridge/a.ts', "new Worker(new URL('../device-drivers/b.ts', import.meta.url))"],
    ['device-drivers/a.ts', "fork(join(import.meta.dirname, '../models/b.ts'))"],
    ['simulator/a.ts', "import '../gateway/b.ts'"],
    ['simulator/a.test.ts', "import { b } from '../gateway/b.ts'"],
    ['gateway/a.ts', "import { b } from '../tests/b.ts'"],
    ['garden/a.ts', "import { b } from '../base/b.ts'"],
  ]
  for (const [from, text] of wrong) {
    const found = look(from, text, all).arrows.map(complaint)
    assert.equal(found.length, 1, text)
    assert.notEqual(found[0], undefined, `${from}: ${text}`)
  }
  const right = look('gateway/a.test.ts', "import { b } from '../tests/b.ts'\nimport c from 'node:fs'", all)
  assert.deepEqual(right.arrows.map(complaint), [undefined])
  assert.equal(look('gateway/a.ts', 'await import(name)', all).unknown, 1)
  assert.ok(look('gateway/all.ts', "export * from './a.ts'\nexport { b } from './b.ts'", all).isBarrel)
  assert.ok(!look('gateway/a.ts', "export * from './a.ts'\nconst b = 1", all).isBarrel)
  const arrow = (from: string, to: string): Arrow => ({ from, to, kind: 'import' })
  const circle = [
    arrow('a/1.ts', 'a/2.ts'),
    arrow('a/2.ts', 'b/3.ts'),
    arrow('b/3.ts', 'a/1.ts'),
    arrow('b/3.ts', 'c/4.ts'),
  ]
  assert.deepEqual(cyclesAcrossFolders(circle), [['a/1.ts', 'a/2.ts', 'b/3.ts']])
  assert.deepEqual(
    cyclesAcrossFolders([arrow('a/1.ts', 'a/2.ts'), arrow('a/2.ts', 'a/1.ts'), arrow('a/1.ts', 'b/3.ts')]),
    [],
  )
})
