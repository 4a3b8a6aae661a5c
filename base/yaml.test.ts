import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { Type, type TSchema } from 'typebox'
import { tempFolder } from '../tests/fixtures.ts'
import { isGanglionError } from './errors.ts'
import { ConfigError, parseYaml, readYaml, readYamlWithout } from './yaml.ts'

const closed = { additionalProperties: false } as const
const Shelf = Type.Object(
  {
    name: Type.String(),
    boxes: Type.Optional(
      Type.Array(Type.Object({ id: Type.Integer(), 'a/b': Type.Optional(Type.String()) }, closed)),
    ),
  },
  closed,
)

function mistakes(text: string, schema: TSchema = Shelf): readonly string[] {
  try {
    parseYaml(text, schema, 'shelf.yaml')
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.ok(isGanglionError(error, 'config-invalid'))
    assert.equal(error.message.split('\n').length, error.mistakes.length)
    return error.mistakes.map(({ file, line, path, text: said }) => `${file}:${line} ${path} ${said}`)
  }
  return []
}

test('every mistake has its file, line and path', () => {
  const text = ['name: 3', 'boxes:', '  - id: 1', '  - id: two', '    a/b: 4', '  - idd: 3', 'extra: 1'].join(
    '\n',
  )
  assert.deepEqual([...mistakes(text)].sort(), [
    'shelf.yaml:1 /name must be string; got 3',
    'shelf.yaml:4 /boxes/1/id must be integer; got "two"',
    'shelf.yaml:5 /boxes/1/a~1b must be string; got 4',
    'shelf.yaml:6 /boxes/2 "id" is missing',
    'shelf.yaml:6 /boxes/2/idd unknown key "idd"; did you mean "id"?',
    'shelf.yaml:7 /extra unknown key "extra"; known are name, boxes',
  ])
})

test('lines are found behind comments, in flow style and with any line end', () => {
  assert.deepEqual(mistakes('# one\r\n# two\r\nname: shelf\r\nboxes: [{ id: 1 },\r\n  { id: x }]\r\n'), [
    'shelf.yaml:5 /boxes/1/id must be integer; got "x"',
  ])
})

test('a key that stands twice is a mistake on its line', () => {
  assert.deepEqual(mistakes('name: a\nboxes: []\nname: b\n'), ['shelf.yaml:3  Map keys must be unique'])
})

test('what is no YAML is told with its line', () => {
  for (const [text, line] of [
    ['name: a\nboxes: [1, 2\n', 3],
    ['name: a\n\tboxes: []\n', 2],
    ['name: "a\n', 2],
    ['name: !!js/function x\n', 1],
    ['name: a\n---\nname: b\n', 2],
  ] as const) {
    const [first = ''] = mistakes(text)
    assert.match(first, new RegExp(`^shelf\\.yaml:${line} `), text)
  }
})

test('an empty file is a mistake and no crash', () => {
  for (const text of ['', '# nothing\n', '---\n', 'null']) {
    assert.deepEqual(mistakes(text), ['shelf.yaml:1  must be object; got null'])
  }
})

test('aliases that explode are refused, and a few of them are fine', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 9; level++) {
    const name = String.fromCharCode(97 + level)
    const inner = String.fromCharCode(96 + level)
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${inner}`).join(', ')}]`)
  }
  const [first = ''] = mistakes(bomb.join('\n'), Type.Unknown())
  assert.match(first, /alias/i)
  assert.deepEqual(mistakes('a: &a [1]\nb: *a\n', Type.Unknown()), [])
})

test('a nest without end is a mistake and no crash', () => {
  for (const depth of [2000, 100_000]) {
    assert.equal(mistakes('['.repeat(depth) + ']'.repeat(depth), Type.Unknown()).length > 0, true)
  }
})

test('a text beyond 4 MB is not read', () => {
  assert.match(mistakes(`name: ${'x'.repeat(4 * 1024 * 1024)}`)[0] ?? '', /^shelf\.yaml:1 {2}larger than/)
})

test('plain words are text, as YAML 1.2 has it', () => {
  const { value } = parseYaml('[yes, on, 0o17, 1_000, 2026-03-02, 09:00, ~]', Type.Unknown(), 'x')
  assert.deepEqual(value, ['yes', 'on', 15, '1_000', '2026-03-02', '09:00', null])
})

test('a key such as __proto__ is a key like any other', () => {
  assert.match(mistakes('name: a\n__proto__: { x: 1 }\n')[0] ?? '', /:2 \/__proto__ unknown key/)
  assert.equal(({} as { x?: unknown }).x, undefined)
})

test('a file that cannot be read is called missing, with the reason', (t) => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'folder.yaml'))
  for (const [name, reason] of [
    ['none.yaml', 'ENOENT'],
    ['folder.yaml', 'EISDIR'],
  ] as const) {
    assert.throws(
      () => readYaml(join(folder, name), Shelf, name),
      (error) => {
        assert.ok(isGanglionError(error, 'config-missing'))
        assert.equal(error.message, `${name}: cannot be read (${reason})`)
        return true
      },
    )
  }
})

test('a file that was read knows the line of each path, for those who judge it later', (t) => {
  const file = join(tempFolder(t), 'shelf.yaml')
  writeFileSync(file, 'name: a\nboxes:\n  - id: 1\n  - id: 2\n')
  const shelf = readYaml(file, Shelf, 'shelf.yaml')
  assert.deepEqual(
    ['/boxes/1/id', '/boxes/1', '/boxes', '/name/none', '/none', ''].map((path) => shelf.lineOf(path)),
    [4, 4, 2, 1, 1, 1],
  )
  assert.deepEqual(shelf.mistake('/boxes/0', 'is wrong'), {
    file: 'shelf.yaml',
    line: 3,
    path: '/boxes/0',
    text: 'is wrong',
  })
})

test('what stands below a key that is left out is not read, and lines keep their numbers', (t) => {
  const file = join(tempFolder(t), 'a.yaml')
  const schema = Type.Object({ a: Type.Integer(), b: Type.Integer() }, { additionalProperties: false })
  writeFileSync(file, 'a: 1\ntests:\n- x: [1\n# so\n  - {y\nb: two\n')
  assert.throws(() => readYamlWithout('tests', file, schema, 'a.yaml'), /a\.yaml:6 \/b/)
  writeFileSync(file, 'a: 1\nb: 2\ntests: [\n')
  assert.deepEqual(readYamlWithout('tests', file, schema).value, { a: 1, b: 2 })
})
