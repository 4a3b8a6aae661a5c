import assert from 'node:assert/strict'
import test from 'node:test'
import { Type, type TSchema } from 'typebox'
import { checker, nearest } from './schema.ts'

const closed = { additionalProperties: false } as const
const Thing = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z]+$' }),
    size: Type.Optional(Type.Integer({ minimum: 1, default: 3 })),
    kind: Type.Optional(Type.Enum(['smoke', 'beam'] as const)),
    parts: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z]$' }), Type.Object({ n: Type.Number() }, closed), closed),
    ),
  },
  closed,
)

function complaints(schema: TSchema, value: unknown): readonly string[] {
  const checked = checker(schema)(value)
  return checked.ok ? [] : checked.complaints.map(({ path, text }) => `${path} ${text}`)
}

test('what obeys the schema comes back as it came: nothing is filled in', () => {
  const value = { id: 'a' }
  const checked = checker(Thing)(value)
  assert.ok(checked.ok)
  assert.equal(checked.value, value)
  assert.deepEqual(value, { id: 'a' })
})

test('nothing is coerced or deleted: what came is judged', () => {
  for (const value of [{ id: 'a', size: '3' }, { id: 'a', size: true }, { id: 1 }, { id: 'a', more: 1 }]) {
    const before = structuredClone(value)
    assert.equal(checker(Thing)(value).ok, false)
    assert.deepEqual(value, before)
  }
})

test('everything that is wrong is said at once, with its path and what was meant', () => {
  assert.deepEqual([...complaints(Thing, { sise: 1, kind: 'smok', parts: { a: { n: 'x', m: 1 } } })].sort(), [
    ' "id" is missing',
    '/kind wanted one of smoke, beam; got "smok"; did you mean "smoke"?',
    '/parts/a/m unknown key "m"; did you mean "n"?',
    '/parts/a/n must be number; got "x"',
    '/sise unknown key "sise"; did you mean "size"?',
  ])
})

test('a key that resembles none is told which there are, or what it must fit', () => {
  assert.deepEqual(complaints(Thing, { id: 'a', password: 'x' }), [
    '/password unknown key "password"; known are id, size, kind, parts',
  ])
  assert.deepEqual(complaints(Thing, { id: 'a', parts: { Bad: 1 } }), [
    '/parts/Bad unknown key "Bad"; wanted one that fits ^[a-z]$',
  ])
})

test('keys are parts of a JSON pointer, whatever they hold', () => {
  assert.match(complaints(Thing, { id: 'a', 'a/b~c': 1 })[0] ?? '', /^\/a~1b~0c unknown key "a\/b~c"/)
})

test('of a union that fits nowhere the reader is told of the branch that was meant', () => {
  const Either = Type.Object({
    from: Type.Union([Type.String(), Type.Object({ register: Type.Integer() }, closed)]),
  })
  assert.deepEqual([...complaints(Either, { from: { register: 'x' } })].sort(), [
    '/from must be string; got {"register":"x"}',
    '/from/register must be integer; got "x"',
  ])
})

test('a value that is wrong a hundred thousand times is wrong and no crash', () => {
  const many = complaints(
    Type.Array(Type.String()),
    Array.from({ length: 150_000 }, (_, index) => index),
  )
  assert.equal(many.length, 150_000)
  assert.equal(many[0], '/0 must be string; got 0')
})

test('a long value or key is shown by its beginning', () => {
  for (const value of [{ id: 'X'.repeat(100_000) }, { id: 'a', ['k'.repeat(100_000)]: 1 }]) {
    const [, text = ''] = / (.*)/s.exec(complaints(Thing, value)[0] ?? '') ?? []
    assert.ok(text.length < 200, `${text.length} characters`)
  }
})

test('nearest is the known word at most two slips away, a letter in a hundred being too far', () => {
  const known = ['profile', 'via', 'part', 'url']
  assert.deepEqual(
    ['profil', 'porfile', 'PROFILE', 'vai', 'ulr', 'prat', 'x', '', 'prophyle', 'partition'].map((word) =>
      nearest(word, known),
    ),
    ['profile', 'profile', 'profile', 'via', 'url', 'part', undefined, undefined, undefined, undefined],
  )
  assert.equal(nearest('a', []), undefined)
})
