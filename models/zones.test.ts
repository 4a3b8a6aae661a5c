import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import type { Track } from '../gateway/detection.ts'
import type { Zone } from '../gateway/site-file.ts'
import { standsIn, zoneStays } from './zones.ts'

function zone(id: string, polygon: Zone['polygon']): Zone {
  return { id, name: { zh: id, en: id }, polygon }
}

/** Its foot is at x, y. */
function track(trackId: number, x: number, y: number): Track {
  const box = { x: x - 0.05, y: y - 0.3, width: 0.1, height: 0.3 }
  return { trackId, label: 'bicycle', score: 0.5, box, firstSeen: instant(0), lastSeen: instant(0) }
}

const lane = zone('lane', [
  [0.2, 0.6],
  [0.8, 0.6],
  [0.9, 0.95],
  [0.1, 0.95],
])

test('a thing stands where its foot is, not where its top reaches', () => {
  assert.equal(standsIn(lane.polygon, track(1, 0.5, 0.8).box), true)
  assert.equal(standsIn(lane.polygon, track(1, 0.5, 0.55).box), false)
  assert.equal(standsIn(lane.polygon, { x: 0.45, y: 0.65, width: 0.1, height: 0.34 }), false)
})

test('every zone has its entry, the empty one too, and zones may share a track', () => {
  const door = zone('door', [
    [0.4, 0.7],
    [0.6, 0.7],
    [0.6, 0.9],
    [0.4, 0.9],
  ])
  const corner = zone('corner', [
    [0, 0],
    [0.1, 0],
    [0, 0.1],
  ])
  const inBoth = track(1, 0.5, 0.8)
  const inLane = track(2, 0.3, 0.8)
  assert.deepEqual(zoneStays([lane, door, corner], [inBoth, inLane, track(3, 0.5, 0.4)]), [
    { zone: 'lane', tracks: [inBoth, inLane] },
    { zone: 'door', tracks: [inBoth] },
    { zone: 'corner', tracks: [] },
  ])
})

test('a notch in the ground is outside', () => {
  const notched: Zone['polygon'] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0.6, 1],
    [0.6, 0.4],
    [0.4, 0.4],
    [0.4, 1],
    [0, 1],
  ]
  assert.equal(standsIn(notched, track(1, 0.5, 0.7).box), false)
  assert.equal(standsIn(notched, track(1, 0.2, 0.7).box), true)
  assert.equal(standsIn(notched, track(1, 0.5, 0.35).box), true)
})

test('it does not matter at which corner a zone begins or which way round it goes', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  const corners = fc.array(fc.tuple(part, part), { minLength: 3, maxLength: 8 })
  fc.assert(
    fc.property(corners, part, part, fc.nat(7), (polygon, x, y, shift) => {
      const { box } = track(1, x, y)
      const shifted = polygon.map((_, i) => polygon[(i + shift) % polygon.length] ?? [0, 0])
      assert.equal(standsIn(shifted, box), standsIn(polygon, box))
    }),
  )
})
