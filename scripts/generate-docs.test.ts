import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { generatedDocs } from './generate-docs.ts'

const docs = generatedDocs()
const parsed = (path: string): Record<string, unknown> =>
  JSON.parse(docs.get(path) ?? '') as Record<string, unknown> // every generated file is an object

test('the committed schemas and OpenAPI are what the code generates', () => {
  assert.equal(docs.size, 7)
  for (const [path, text] of docs) {
    const committed = readFileSync(join(import.meta.dirname, '..', path), 'utf8')
    assert.ok(committed === text, `${path} is old; run: node scripts/generate-docs.ts`)
  }
})

test('every schema file compiles', () => {
  const files = [...docs.keys()].filter((path) => path.endsWith('.schema.json'))
  assert.equal(files.length, 6)
  for (const path of files) new Ajv({ strict: false }).compile(parsed(path))
})

test('a case may gain fields without a platform refusing it, a stage move may not', () => {
  assert.ok(!docs.get('docs/platform/event.schema.json')?.includes('"additionalProperties": false'))
  assert.equal(parsed('docs/platform/stage-move.schema.json')['additionalProperties'], false)
})

test('every reference of the OpenAPI leads somewhere', () => {
  const text = docs.get('docs/platform/openapi.json') ?? ''
  const { components } = parsed('docs/platform/openapi.json') as { components: { schemas: object } } // as generated
  const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)].map(
    (match) => match[1] ?? '',
  )
  assert.ok(references.length > 20)
  for (const name of references) assert.ok(Object.hasOwn(components.schemas, name), name)
})
