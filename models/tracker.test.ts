import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant, later, type Instant } from '../base/clock.ts'
import type { Detection } from '../gateway/detection.ts'
import { follow, isUndecided, noTracking, openTracks, type Tracking } from './tracker.ts'

const start = instant(Date.parse('2026-03-02T08:00:00+08:00'))
const at = (picture: number): Instant => later(start, picture * 500)

function thing(label = 'bicycle', x = 0.4, score = 0.5): Detection {
  return { label, score, box: { x, y: 0.5, width: 0.2, height: 0.2 } }
}

type Picture = readonly Detection[] | 'gated'

function after(pictures: readonly Picture[], tracking = noTracking): Tracking {
  return pictures.reduce((sofar, seen, i) => follow(sofar, seen, at(i)), tracking)
}

test('one hit opens nothing, the second of three opens a track that began at the first', () => {
  assert.deepEqual(openTracks(after([[thing()]])), [])
  const [track, ...others] = openTracks(after([[], [thing()], [], [thing()]]))
  assert.equal(others.length, 0)
  assert.equal(track?.firstSeen, at(1))
  assert.equal(track.lastSeen, at(3))
})

test('a hit, two misses and a hit are two false boxes', () => {
  const tracking = after([[thing()], [], [], [thing()]])
  assert.deepEqual(openTracks(tracking), [])
  assert.equal(tracking.followed.length, 1)
  assert.equal(tracking.followed[0]?.firstSeen, at(3))
})

test('two misses keep a track, the third in a row ends it', () => {
  const seen = [[thing()], [thing()]]
  assert.equal(openTracks(after([...seen, [], []])).length, 1)
  assert.equal(openTracks(after([...seen, [], [], [thing()], [], []])).length, 1)
  assert.deepEqual(after([...seen, [], [], []]).followed, [])
})

test('a track keeps its first moment and its number while it stands', () => {
  const [track] = openTracks(after(Array.from({ length: 100 }, () => [thing()])))
  assert.equal(track?.firstSeen, start)
  assert.equal(track.lastSeen, at(99))
  assert.equal(track.trackId, 1)
})

test('an e-bike that is bicycle in one picture and motorcycle in the next is one track, named as last seen', () => {
  const tracks = openTracks(after([[thing('bicycle')], [thing('motorcycle')]]))
  assert.deepEqual(
    tracks.map(({ label }) => label),
    ['motorcycle'],
  )
})

test('a person in the place of a bicycle is another thing', () => {
  assert.deepEqual(openTracks(after([[thing('bicycle')], [thing('person')]])), [])
})

test('a bicycle that is pushed is followed, one that appears across the picture is another', () => {
  const pushed = Array.from({ length: 8 }, (_, i) => [thing('bicycle', 0.1 + i * 0.08)])
  assert.deepEqual(
    openTracks(after(pushed)).map(({ trackId }) => trackId),
    [1],
  )
  const jumped = [
    [thing('bicycle', 0)],
    [thing('bicycle', 0)],
    [thing('bicycle', 0.7)],
    [thing('bicycle', 0.7)],
  ]
  assert.deepEqual(
    openTracks(after(jumped)).map(({ trackId }) => trackId),
    [1, 2],
  )
})

test('a bicycle half hidden by a passer-by is the same one', () => {
  const whole = thing('bicycle', 0.2)
  const half = { ...whole, box: { x: 0.2, y: 0.5, width: 0.09, height: 0.12 } }
  assert.equal(openTracks(after([[whole], [half]])).length, 1)
})

test('of two bicycles side by side each keeps its own box', () => {
  const both = [thing('bicycle', 0.3), thing('bicycle', 0.38)]
  const tracks = openTracks(after([both, both.toReversed()]))
  assert.deepEqual(
    tracks.map(({ trackId, box }) => [trackId, box.x]),
    [
      [1, 0.3],
      [2, 0.38],
    ],
  )
})

test('the next picture decides while a track is about to open or to end, and only then', () => {
  assert.equal(isUndecided(noTracking), false)
  assert.equal(isUndecided(after([[thing()]])), true)
  assert.equal(isUndecided(after([[thing()], [thing()]])), false)
  assert.equal(isUndecided(after([[thing()], [thing()], []])), true)
})

const detections = fc.array(
  fc
    .tuple(fc.constantFrom('bicycle', 'motorcycle', 'person'), fc.integer({ min: 0, max: 8 }))
    .map(([label, x]) => thing(label, x / 10)),
  { maxLength: 4 },
)

test('gated pictures change nothing, wherever they fall', () => {
  const pictures = fc.array(fc.tuple(detections, fc.integer({ min: 0, max: 3 })), { maxLength: 20 })
  fc.assert(
    fc.property(pictures, (run) => {
      let plain = noTracking
      let gated = noTracking
      run.forEach(([seen, stills], i) => {
        for (let still = 0; still < stills; still++) gated = follow(gated, 'gated', at(i))
        plain = follow(plain, seen, at(i))
        gated = follow(gated, seen, at(i))
      })
      assert.deepEqual(gated, plain)
    }),
  )
})

test('whatever is seen: numbers are unique, times in order, no track without two hits or after three misses', () => {
  fc.assert(
    fc.property(fc.array(detections, { maxLength: 30 }), (run) => {
      let tracking = noTracking
      const firstOf = new Map<number, Instant>()
      run.forEach((seen, i) => {
        tracking = follow(tracking, seen, at(i))
        assert.ok(tracking.followed.length >= seen.length)
        const tracks = openTracks(tracking)
        assert.equal(new Set(tracks.map(({ trackId }) => trackId)).size, tracks.length)
        for (const { trackId, firstSeen, lastSeen } of tracks) {
          assert.ok(firstSeen < lastSeen && lastSeen <= at(i))
          assert.ok(at(i) - lastSeen < 3 * 500)
          assert.equal(firstSeen, firstOf.get(trackId) ?? firstSeen)
          firstOf.set(trackId, firstSeen)
        }
      })
    }),
  )
})
