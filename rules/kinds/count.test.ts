import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import type { ZoneStay } from '../../gateway/detection.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import count from './count.ts'

const offender = { when: 'beamBlocked', times: 3, within: '100 s', for: '5 s', gap: '2 s' }
const crowd = { when: 'personInZone', atOnce: 3, for: '10 s', gap: '4 s' }

test('the third of three long enough blockings raises, and it clears when the first is too long ago', () => {
  const place = new RuleRun(count, offender)
  for (const begin of [10, 30, 50])
    place
      .until(begin)
      .say({ beamBlocked: true })
      .until(begin + 8)
      .say({ beamBlocked: false })
  place.until(300)
  assert.deepEqual(place.said, [
    { at: 55, is: 'raise', drill: false, since: 10 },
    { at: 110, is: 'clear', drill: false, ended: 110 },
  ])
  assert.deepEqual(place.raises[0]?.words, {
    count: '3',
    times: '3',
    within: '100 s',
    for: '5 s',
    parts: 'a',
  })
  assert.deepEqual(
    place.raises[0].readings.map(({ reading }) => [reading.quantity, reading.at]),
    [['beamBlocked', 50_000]],
  )
})

test('customers who pass are not counted, and a wavering beam is one blocking', () => {
  const place = new RuleRun(count, offender)
  for (let second = 0; second < 90; second += 10)
    place
      .until(second)
      .say({ beamBlocked: true })
      .until(second + 4)
      .say({ beamBlocked: false })
  assert.deepEqual(place.until(200).said, [])
  for (let second = 200; second < 230; second += 3)
    place
      .until(second)
      .say({ beamBlocked: true })
      .until(second + 2)
      .say({ beamBlocked: false })
  assert.deepEqual(place.until(500).said, [])
})

test('stored blockings that come late count by their own times', () => {
  const place = new RuleRun(count, offender).until(500)
  for (const begin of [410, 430, 450]) {
    place.say({ beamBlocked: true }, { at: begin }).say({ beamBlocked: false }, { at: begin + 8 })
  }
  place.until(503)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [[502, 'raise']],
  )
})

test('a beam and a camera that see the same blocking count once', () => {
  const place = new RuleRun(count, { when: 'beamBlocked', times: 2, within: '100 s' })
  place.say({ beamBlocked: true }, {}, 'a').until(1).say({ beamBlocked: true }, {}, 'b')
  place.until(5).say({ beamBlocked: false }, {}, 'a').until(6).say({ beamBlocked: false }, {}, 'b')
  assert.deepEqual(place.said, [])
  place.until(20).say({ beamBlocked: true }, {}, 'b')
  assert.equal(place.said.length, 1)
})

test('a counter that grows counts by how much; a device that was switched off and on begins at zero', () => {
  const place = new RuleRun(count, { counter: 'arcEvents', times: 14, within: '60 s' })
  const counts = [500, 506, 506, 3, 7]
  counts.forEach((arcEvents, index) => place.until(index * 10).say({ arcEvents }))
  assert.deepEqual(place.said, [])
  place.until(45).say({ arcEvents: 8 })
  assert.deepEqual(place.said, [{ at: 45, is: 'raise', drill: false, since: 10 }])
  assert.deepEqual(place.until(500).said.at(-1)?.is, 'clear')
  assert.equal(place.raises[0]?.readings[0]?.reading.value, 8)
})

test('so many devices that say so at once, for so long', () => {
  const site = new RuleRun(count, { when: 'smoke', atOnce: 2, for: '5 s' })
  site
    .say({ smoke: true }, {}, 'd1')
    .until(10)
    .say({ smoke: true }, {}, 'd2')
    .until(14)
    .say({ smoke: false }, {}, 'd1')
  assert.deepEqual(site.until(100).said, [])
  site.say({ smoke: true }, {}, 'd3').until(200).say({ smoke: false }, {}, 'd2')
  assert.deepEqual(site.said, [
    { at: 105, is: 'raise', drill: false, since: 100 },
    { at: 200, is: 'clear', drill: false, ended: 200 },
  ])
  assert.deepEqual(
    site.raises[0]?.readings.map(({ deviceId }) => deviceId),
    ['d2', 'd3'],
  )
  assert.equal(site.raises[0].words['count'], '2')
})

function people(zone: string, ids: readonly number[], at: number, label = 'person'): ZoneStay {
  const tracks = ids.map((trackId) => {
    const box = { x: 0.1 * (trackId % 9), y: 0.4, width: 0.1, height: 0.3 }
    return { label, score: 0.9, box, trackId, firstSeen: instant(0), lastSeen: instant(at * 1000) }
  })
  return { zone, tracks }
}

function look(site: RuleRun<typeof count.settings, unknown>, second: number, ...stays: ZoneStay[]): void {
  site.until(second)
  const zones = ['gate', 'lobby']
  for (const zone of zones) {
    site.say({ personInZone: stays.some((stay) => stay.zone === zone) }, { part: zone, stays }, 'camera')
  }
}

const plaza = (settings: object = {}) =>
  new RuleRun(count, { ...crowd, ...settings }) as unknown as RuleRun<typeof count.settings, unknown> // one name for all states

test('people are counted by their tracks, over the zones of a camera and each once', () => {
  const site = plaza()
  for (let second = 0; second < 40; second += 2) {
    const others = second < 10 ? [] : [people('lobby', [2, 3], second)]
    look(site, second, people('gate', [1, 2], second), ...others)
  }
  assert.deepEqual(site.said, [{ at: 20, is: 'raise', drill: false, since: 10 }])
  look(site, 42, people('gate', [1, 2], 42))
  assert.deepEqual(site.until(100).said.at(-1), { at: 46, is: 'clear', drill: false, ended: 42 })
})

test('what has another label is not counted', () => {
  const site = plaza({ labels: ['person'] })
  for (let second = 0; second < 40; second += 2)
    look(site, second, people('gate', [1, 2], second), people('gate', [3, 4], second, 'bicycle'))
  assert.deepEqual(site.said, [])
})

test('a crowd that shrinks for a moment stays one', () => {
  const site = plaza()
  for (let second = 0; second < 60; second += 2)
    look(site, second, people('gate', second % 8 === 0 ? [1, 2] : [1, 2, 3], second))
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [[12, 'raise']],
  )
})

test('a clock that jumps neither ends a count nor fills it', () => {
  const place = new RuleRun(count, offender)
  for (const begin of [10, 30])
    place
      .until(begin)
      .say({ beamBlocked: true })
      .until(begin + 8)
      .say({ beamBlocked: false })
  place
    .jump(86_400)
    .until(place.now + 5)
    .say({ beamBlocked: true })
    .until(place.now + 3)
  assert.deepEqual(place.said, [])
  place.until(place.now + 2)
  assert.equal(place.said.length, 1)
})

test('settings that contradict each other are mistakes', () => {
  const wrong = (settings: Parameters<NonNullable<typeof count.check>>[0]): number =>
    count.check?.(settings).length ?? 0
  assert.equal(wrong({ when: 'smoke', atOnce: 2 }), 0)
  assert.equal(wrong({ counter: 'arcEvents', times: 2, within: '1 s' }), 0)
  assert.equal(wrong({ when: 'smoke', counter: 'arcEvents', atOnce: 2 }), 1)
  assert.equal(wrong({ when: 'smoke', atOnce: 2, times: 2, within: '1 s' }), 1)
  assert.equal(wrong({ when: 'smoke', times: 2 }), 1)
  assert.equal(wrong({ counter: 'smoke', times: 2, within: '1 s' }), 1)
  assert.equal(wrong({ counter: 'arcEvents', atOnce: 2 }), 1)
  assert.equal(wrong({ when: 'smok', atOnce: 2 }), 1)
})

test('a restart anywhere changes nothing, also where messages come late', () => {
  const told = stories({ smoke: fc.boolean(), arcEvents: fc.integer({ min: 0, max: 9 }) }, 20)
  assertRestartsChangeNothing(
    count,
    { when: 'smoke', times: 3, within: '60 s', for: '5 s', gap: '3 s' },
    told,
  )
  assertRestartsChangeNothing(count, { counter: 'arcEvents', times: 5, within: '60 s' }, told)
  assertRestartsChangeNothing(count, { when: 'smoke', atOnce: 2, for: '5 s', gap: '3 s' }, told)
})

const story = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 9 }),
    who: fc.constantFrom('a', 'b', 'c'),
    so: fc.boolean(),
    restart: fc.boolean(),
  }),
  { maxLength: 50 },
)

test('counts within a span are those of a look at the whole story, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(
      story,
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 5, max: 40 }),
      fc.nat(6),
      (steps, times, within, wait) => {
        const place = new RuleRun(count, {
          when: 'smoke',
          times,
          within: `${within} s`,
          ...(wait > 0 && { for: `${wait} s` }),
        })
        const says = new Set<string>()
        const spans: [number, number][] = []
        for (const { wait: pause, who, so, restart } of steps) {
          place.until(place.now + pause)
          if (restart) place.restart()
          place.say({ smoke: so }, {}, who)
          const was = says.size > 0
          if (so) says.add(who)
          else says.delete(who)
          const last = spans.at(-1)
          if (!was && says.size > 0) spans.push([place.now, Infinity])
          else if (was && says.size === 0 && last) last[1] = place.now
        }
        const end = place.now
        place.until(end)
        const events = spans.filter(([since, until]) => Math.min(until, end) - since >= wait)
        const wanted: string[] = []
        let stands = false
        for (let second = 0; second <= end; second++) {
          const known = events
            .filter(([since]) => since + wait <= second && since > second - within)
            .map(([since]) => since)
          if (!stands && known.length >= times) wanted.push(`${second} raise ${known.slice(-times)[0] ?? ''}`)
          if (stands && known.length < times) wanted.push(`${second} clear`)
          stands = known.length >= times
        }
        const said = place.said.map(
          (one) => `${one.at} ${one.is}${one.is === 'raise' ? ` ${one.since}` : ''}`,
        )
        assert.deepEqual(said, wanted)
      },
    ),
  )
})

test('how many say so at once is what a second-by-second look finds, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 3 }), (steps, atOnce) => {
      const place = new RuleRun(count, { when: 'smoke', atOnce })
      const says = new Set<string>()
      const wanted: [number, string][] = []
      for (const { wait, who, so, restart } of steps) {
        place.until(place.now + wait)
        if (restart) place.restart()
        place.say({ smoke: so }, {}, who)
        const was = says.size >= atOnce
        if (so) says.add(who)
        else says.delete(who)
        const is = says.size >= atOnce
        if (was !== is) wanted.push([place.now, is ? 'raise' : 'clear'])
      }
      assert.deepEqual(
        place.said.map(({ at, is }) => [at, is]),
        wanted,
      )
    }),
  )
})
