import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { ConfigError } from '../base/yaml.ts'
import { readCatalogue } from './catalogue.ts'

const head = ['version: 1', 'name: { zh: 清单, en: List }', 'classes:']

/** A class whose code stands in the second line below its id. */
const entry = (id: string, rest: string): string[] => [
  `  ${id}:`,
  `    ${rest}`,
  '    name: { zh: 某类, en: Some class }',
  '    severity: ordinary',
  '    filing: { zh: 立案, en: filed }',
  '    closing: { zh: 结案, en: closed }',
  '    source: default',
]

function fileOf(...lines: string[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'catalogue-')), 'city.yaml')
  writeFileSync(file, [...head, ...lines].join('\n'))
  return file
}

function mistakesOf(...lines: string[]): string[] {
  try {
    readCatalogue(fileOf(...lines), 'city.yaml')
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.mistakes.map(({ file, line, path, text }) => `${file}:${line} ${path}: ${text}`)
  }
}

test('a class knows its code, whether it is national, and whether lives hang on it', () => {
  const smoke = entry('smoke', 'code: X-SMOKE\n    local: true').join('\n').replace('ordinary', 'life-safety')
  const { classes } = readCatalogue(fileOf(...entry('shop', "code: '0504'"), smoke))
  const shop = classes.get('shop')
  assert.deepEqual([shop?.code, shop?.local, shop?.isLifeSafety, shop?.aliases], ['0504', false, false, []])
  assert.deepEqual([classes.get('smoke')?.local, classes.get('smoke')?.isLifeSafety], [true, true])
})

test('a code that two classes share is a mistake that names both lines', () => {
  assert.deepEqual(mistakesOf(...entry('shop', "code: '0504'"), ...entry('stall', "code: '0504'")), [
    'city.yaml:12 /classes/stall/code: code "0504" is that of "shop" in line 5 already; codes are unique',
  ])
})

test('a code without quotes is a number and no code', () => {
  assert.match(mistakesOf(...entry('shop', 'code: 0504'))[0] ?? '', /^city.yaml:5 \/classes\/shop\/code: /)
})

test('own codes are letters and say so', () => {
  assert.equal(mistakesOf(...entry('smoke', 'code: X-SMOKE')).length, 1)
  assert.equal(mistakesOf(...entry('shop', "code: '0504'\n    local: true")).length, 1)
})
