import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { withPack } from './packs-list.ts'

const packsOf = (text: string | undefined): unknown => (parse(text ?? '') as { packs: unknown }).packs // a mapping

test('a pack takes the place of another, and nothing else of the file moves', () => {
  const text = `id: box # the one in the cellar\npacks:\n  - fire # of the city\n  - 'street'\n\nconnectors: []\n`
  assert.equal(withPack(text, 'own', 'street'), text.replace("'street'", 'own'))
  assert.equal(withPack(text, 'own', 'fire'), text.replace('fire', 'own'))
})

test('a pack is added to the end of a list in either way of writing', () => {
  const block = `packs:\n  - fire\n  - street # the last\nconnectors: []\n`
  assert.equal(withPack(block, 'own', undefined), block.replace('# the last', '# the last\n  - own'))
  assert.equal(
    withPack('packs: [fire, street]\nid: a\n', 'own', undefined),
    'packs: [fire, street, own]\nid: a\n',
  )
  assert.deepEqual(packsOf(withPack('packs:\n- fire', 'own', undefined)), ['fire', 'own'])
  assert.deepEqual(packsOf(withPack('packs: [\n  fire,\n  street\n]', 'own', 'fire')), ['own', 'street'])
})

test('what is no list of names is left to people', () => {
  assert.equal(withPack('packs: fire\n', 'own', undefined), undefined)
  assert.equal(withPack('id: a\n', 'own', undefined), undefined)
  assert.equal(withPack('packs: [fire]\n', 'own', 'street'), undefined)
})
