import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { eventId, eventText } from './case-event.ts'

const key = 'a'.repeat(64)
const at = instant(Date.parse('2026-03-02T08:00:00Z'))
const delivery = (revision: number, data: object) => ({ key, revision, at, body: JSON.stringify(data) })
const typeOf = (text: string): unknown => (JSON.parse(text) as { type: unknown }).type

test('the case stands in the event as it is', () => {
  const data = { key, note: '"}\n中', clearedAt: null }
  assert.deepEqual(JSON.parse(eventText(delivery(1, data), 'box-1')), {
    specversion: '1.0',
    id: `${key}:1`,
    source: '/ganglion/box-1',
    type: 'ganglion.case.raised',
    time: '2026-03-02T08:00:00.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:ganglion:contract:1:case',
    data,
  })
  assert.equal(eventId(delivery(1, data)), `${key}:1`)
})

test('a first revision is raised, one that has ended is cleared, all others are updates', () => {
  assert.equal(typeOf(eventText(delivery(1, { clearedAt: null }), 'b')), 'ganglion.case.raised')
  assert.equal(typeOf(eventText(delivery(2, { clearedAt: null }), 'b')), 'ganglion.case.updated')
  assert.equal(
    typeOf(eventText(delivery(2, { clearedAt: '2026-03-02T08:00:00Z' }), 'b')),
    'ganglion.case.cleared',
  )
  assert.equal(
    typeOf(eventText(delivery(1, { clearedAt: '2026-03-02T08:00:00Z' }), 'b')),
    'ganglion.case.cleared',
  )
})

test('words inside a case cannot make it look standing', () => {
  const data = { note: '"clearedAt":null', clearedAt: '2026-03-02T08:00:00Z' }
  assert.equal(typeOf(eventText(delivery(3, data), 'b')), 'ganglion.case.cleared')
})
