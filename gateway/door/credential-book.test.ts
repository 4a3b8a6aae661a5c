import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { FakeClock, instant } from '../../base/clock.ts'
import { checker } from '../../base/schema.ts'
import { openStore, tempFolder } from '../../tests/fixtures.ts'
import { siteCalendar } from '../calendar.ts'
import { openingHours } from '../opening-hours.ts'
import type { Store } from '../store/store.ts'
import { cardHash } from './card-key.ts'
import { CredentialBook } from './credential-book.ts'
import { CredentialList, listComplaint } from './credential-list.ts'

const UID = '89D41B81'
const timeZone = 'Asia/Shanghai'
const calendar = siteCalendar({ timeZone, hours: openingHours('09:00-18:00', timeZone) })
const sites = [
  { id: 'shed', calendar },
  { id: 'hall', calendar },
]

async function opened(
  t: TestContext,
): Promise<{ book: CredentialBook; store: Store; again: () => CredentialBook }> {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const clock = new FakeClock()
  const again = (): CredentialBook => new CredentialBook({ clock, store, sites, hash: cardHash(folder) })
  return { book: again(), store, again }
}

const list = (version: number, card: object = {}, more: object = {}): CredentialList => ({
  version,
  cards: [{ id: 'c-1', uid: UID, ...card }],
  ...more,
})

/** Sunday is 2026-03-01; the clock of the site. */
const at = (time: string) => instant(Date.parse(`${time}+08:00`))

test('a list is known at its own site alone, also after a restart, and by a keyed hash alone', async (t) => {
  const { book, store, again } = await opened(t)
  assert.equal(await book.put('shed', list(1)), 'taken')
  for (const one of [book, again()]) {
    assert.equal(one.card('shed', UID.toLowerCase())?.id, 'c-1')
    assert.equal(one.card('shed', '89D41B82'), undefined)
    assert.equal(one.card('hall', UID), undefined)
    assert.equal(one.about('shed')?.version, 1)
  }
  const body = store.reader.prepare('SELECT body FROM credential_lists').pluck().get() as string
  assert.ok(!body.includes(UID) && body.includes('"hash"'))
})

test('the same card has another hash at another site and in another box, and the key is for nobody else to read', (t) => {
  const [one, two] = [tempFolder(t), tempFolder(t)]
  const hashes = [cardHash(one)('shed', UID), cardHash(one)('hall', UID), cardHash(two)('shed', UID)]
  assert.equal(new Set(hashes).size, 3)
  assert.equal(cardHash(one)('shed', UID), hashes[0])
  assert.equal(statSync(join(one, 'keys', 'cards.key')).mode & 0o777, 0o600)
})

test('only a list of a higher version replaces another one; a card that it leaves out is out', async (t) => {
  const { book } = await opened(t)
  await book.put('shed', list(5))
  assert.equal(await book.put('shed', list(5)), 'same')
  assert.equal(await book.put('shed', list(5, { doors: ['gate'] })), 'other')
  assert.equal(await book.put('shed', list(4)), 'older')
  assert.equal(book.card('shed', UID)?.id, 'c-1')
  assert.equal(await book.put('shed', { version: 6, cards: [] }), 'taken')
  assert.equal(book.card('shed', UID), undefined)
})

test('a list that could not be stored leaves the one of before', async (t) => {
  const { book, store } = await opened(t)
  await book.put('shed', list(1))
  await store.close()
  await assert.rejects(book.put('shed', { version: 2, cards: [] }))
  assert.deepEqual([book.about('shed')?.version, book.card('shed', UID)?.id], [1, 'c-1'])
})

test('a card opens its doors from its first to its last day, at its hours of the week', async (t) => {
  const { book } = await opened(t)
  await book.put(
    'shed',
    list(1, {
      doors: ['gate'],
      from: '2026-03-01T00:00:00+08:00',
      until: '2026-04-01T00:00:00+08:00',
      hours: [{ days: ['mon'], clock: '22:00-02:00' }, { days: ['sat', 'sun'] }],
    }),
  )
  const why = (time: string, door = 'gate') => book.card('shed', UID)?.refusalAt(door, at(time))
  assert.equal(why('2026-03-01T12:00:00'), undefined)
  assert.equal(why('2026-03-01T12:00:00', 'back'), 'wrong-door')
  assert.equal(why('2026-03-02T21:59:00'), 'wrong-hours')
  assert.equal(why('2026-03-02T22:00:00'), undefined)
  assert.equal(why('2026-03-03T01:59:00'), undefined)
  assert.equal(why('2026-03-03T02:00:00'), 'wrong-hours')
  assert.equal(why('2026-02-28T23:59:00'), 'not-yet')
  assert.equal(why('2026-04-01T00:00:00'), 'expired')
})

test('a box that does not know the time lets in only cards that hold at any time', async (t) => {
  const { book } = await opened(t)
  await book.put('shed', {
    version: 1,
    cards: [
      { id: 'ever', uid: UID },
      { id: 'until', uid: '0D330B', until: '2030-01-01T00:00:00Z' },
    ],
  })
  const never = instant(1000)
  assert.equal(book.card('shed', UID)?.refusalAt('gate', never), undefined)
  assert.equal(book.card('shed', '0D330B')?.refusalAt('gate', never), 'clock-unset')
})

test('what is revoked is revoked by its holder or by its own number', async (t) => {
  const { book } = await opened(t)
  await book.put('shed', list(1, {}, { revoked: { subjects: ['R1'], tokens: ['t1'] } }))
  assert.ok(book.isRevoked('shed', { subject: 'R1', id: 'x' }))
  assert.ok(book.isRevoked('shed', { subject: 'x', id: 't1' }))
  assert.ok(!book.isRevoked('shed', { subject: 'x', id: 'x' }))
  assert.ok(!book.isRevoked('hall', { subject: 'R1', id: 't1' }))
})

test('a list of two cards with one number or id, or of an end before its beginning, is wrong', () => {
  const wrong = (...cards: CredentialList['cards']) => listComplaint({ version: 1, cards })
  assert.match(wrong({ id: 'a', uid: '0D330B' }, { id: 'a', uid: UID }) ?? '', /two cards have the id "a"/)
  assert.match(wrong({ id: 'a', uid: UID }, { id: 'b', uid: UID.toLowerCase() }) ?? '', /"b" is listed twice/)
  const [from, until] = ['2026-03-02T00:00:00Z', '2026-03-01T00:00:00Z']
  assert.match(wrong({ id: 'a', uid: UID, from, until }) ?? '', /"a" ends before it begins/)
  assert.equal(wrong({ id: 'a', uid: UID }), undefined)
})

test('the schema takes no names, no phones and no lists without end', () => {
  const check = checker(CredentialList)
  assert.ok(check(list(1)).ok)
  for (const card of [
    { name: 'Li' },
    { id: '张三' },
    { uid: '212,07041' },
    { uid: '89D4' },
    { until: 'tomorrow' },
  ])
    assert.ok(!check(list(1, card)).ok, JSON.stringify(card))
  const many = Array.from({ length: 10_001 }, (_, i) => ({ id: `c-${i}`, uid: (i + 0x10_0000).toString(16) }))
  assert.ok(!check({ version: 1, cards: many }).ok)
})
