import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import type { ZoneStay } from '../../gateway/detection.ts'
import { RuleRun } from '../rule-run.ts'
import dwell from './dwell.ts'

const beam = { quantity: 'beamBlocked', for: '8 s' } as const
const camera = { quantity: 'vehicleInZone', for: '8 s', gap: '3 s', labels: ['bicycle'] } as {
  quantity: 'vehicleInZone'
  for: string
  gap: string
  labels: string[]
} // the schema's list is not readonly

test('a beam that stays blocked for its time raises since it was blocked, and clears when it is free', () => {
  const place = new RuleRun(dwell, beam)
    .until(2)
    .say({ beamBlocked: true })
    .until(20)
    .say({ beamBlocked: false })
  assert.deepEqual(place.said, [
    { at: 10, is: 'raise', drill: false, since: 2 },
    { at: 20, is: 'clear', drill: false, ended: 20 },
  ])
  assert.equal(place.raises[0]?.words['for'], '8 s')
})

test('customers who walk through raise nothing', () => {
  const place = new RuleRun(dwell, beam)
  for (let second = 0; second < 60; second += 8) {
    place
      .until(second)
      .say({ beamBlocked: true })
      .until(second + 7)
      .say({ beamBlocked: false })
  }
  assert.deepEqual(place.until(200).said, [])
})

test('repetition neither shortens nor prolongs the wait', () => {
  const place = new RuleRun(dwell, beam)
  for (let second = 0; second <= 20; second += 2) place.until(second).say({ beamBlocked: true })
  assert.deepEqual(place.said, [{ at: 8, is: 'raise', drill: false, since: 0 }])
  assert.equal(place.writes, 2)
})

test('an interruption within the gap is none; a longer one ended when it began', () => {
  const place = new RuleRun(dwell, { ...beam, gap: '2 s' }).say({ beamBlocked: true })
  place.until(5).say({ beamBlocked: false }).until(6).say({ beamBlocked: true }).until(9)
  assert.deepEqual(place.said, [{ at: 8, is: 'raise', drill: false, since: 0 }])
  place.say({ beamBlocked: false }).until(30)
  assert.deepEqual(place.said[1], { at: 11, is: 'clear', drill: false, ended: 9 })
})

test('nothing is raised in the middle of an interruption', () => {
  const place = new RuleRun(dwell, { ...beam, gap: '2 s' }).say({ beamBlocked: true })
  place.until(7).say({ beamBlocked: false }).until(60)
  assert.deepEqual(place.said, [])
})

test('a wait goes on over a restart; the key of the case stays that of the saved beginning', () => {
  const place = new RuleRun(dwell, beam).until(2).say({ beamBlocked: true }).until(5).restart(6).until(30)
  assert.deepEqual(place.said, [{ at: 10, is: 'raise', drill: false, since: 2 }])
  assert.equal(place.restart(40).until(60).say({ beamBlocked: true }).said.length, 1)
})

test('a clock that was set back delays a wait by itself at most', () => {
  const place = new RuleRun(dwell, beam).until(1000).say({ beamBlocked: true }).restart(10).until(18)
  assert.equal(place.said[0]?.at, 18)
})

test('a message that comes late does not end what began after it', () => {
  const place = new RuleRun(dwell, beam)
    .until(100)
    .say({ beamBlocked: true })
    .say({ beamBlocked: false }, { at: 90 })
  assert.equal(place.until(108).said.length, 1)
})

test('a blocking that was over before it was heard of raises nothing', () => {
  const place = new RuleRun(dwell, beam).until(100).say({ beamBlocked: true }, { at: 50 })
  place.say({ beamBlocked: false }, { at: 70 }).until(200)
  assert.deepEqual(place.said, [])
})

/** Open from second 100 to 200, 300 to 400, and so on. */
const hundreds = {
  isOpen: (at: number) => Math.floor(at / 100_000) % 2 === 1,
  nextOpeningChange: (at: number) => instant((Math.floor(at / 100_000) + 1) * 100_000),
}

test('in opening hours the wait counts from the later of blocking and opening', () => {
  const shop = () => new RuleRun(dwell, { ...beam, during: 'hours' }, hundreds)
  assert.deepEqual(shop().until(50).say({ beamBlocked: true }).until(350).said, [
    { at: 108, is: 'raise', drill: false, since: 50 },
  ])
  assert.equal(shop().until(195).say({ beamBlocked: true }).until(350).said[0]?.at, 308)
  assert.equal(shop().until(150).say({ beamBlocked: true }).until(350).said[0]?.at, 158)
})

test('a gateway that slept over closing time does not speak after it', () => {
  const shop = new RuleRun(dwell, { ...beam, during: 'hours' }, hundreds)
  shop.until(150).say({ beamBlocked: true }).restart(220).until(299)
  assert.deepEqual(shop.said, [])
  assert.equal(shop.until(400).said[0]?.at, 308)
})

test('the midnight of a shop that never closes interrupts nothing', () => {
  const never = { ...hundreds, isOpen: () => true }
  const shop = new RuleRun(dwell, { ...beam, during: 'hours' }, never).until(95).say({ beamBlocked: true })
  assert.equal(shop.until(300).said[0]?.at, 103)
})

test('a shop that is never open raises nothing', () => {
  const closed = { isOpen: () => false, nextOpeningChange: () => undefined }
  const shop = new RuleRun(dwell, { ...beam, during: 'hours' }, closed).say({ beamBlocked: true }).until(9999)
  assert.deepEqual(shop.said, [])
})

/** What a camera says of its zone: bicycles at these places, first hit in this second. */
function stay(x: number, firstSeen: number, label = 'bicycle'): ZoneStay {
  const box = { x, y: 0.5, width: 0.2, height: 0.3 }
  const times = { firstSeen: instant(firstSeen * 1000), lastSeen: instant(firstSeen * 1000) }
  return { zone: 'lane', tracks: [{ label, score: 0.8, box, trackId: firstSeen, ...times }] }
}

const look = (place: ReturnType<typeof watch>, second: number, ...stays: ZoneStay[]): void => {
  place.until(second).say({ vehicleInZone: stays.length > 0 }, { stays, part: 'lane' })
}

const watch = () => new RuleRun(dwell, camera)

test('a bicycle stands there from its first hit', () => {
  const place = watch()
  for (let second = 10; second < 25; second++) look(place, second, stay(0.4, 9))
  assert.deepEqual(place.said, [{ at: 17, is: 'raise', drill: false, since: 9 }])
})

test('a bicycle that was pushed into the zone stands there from then', () => {
  const place = watch()
  for (let second = 30; second < 45; second++) look(place, second, stay(0.4, 2))
  assert.equal(place.raises[0]?.since, 30_000)
})

test('what came into the zone is dated by when it came, not by when the camera first saw it elsewhere', () => {
  const place = watch().until(60)
  for (let second = 60; second < 75; second++) {
    const seen = stay(0.4, 10)
    const tracks = seen.tracks.map((track) => ({ ...track, lastSeen: instant(second * 1000) }))
    // In between the detector misses it once.
    const stays = second === 64 ? [] : [{ ...seen, tracks }]
    const at = second === 64 ? 64 : 10
    place.until(second).say({ vehicleInZone: stays.length > 0 }, { at, stays, part: 'lane' })
  }
  assert.deepEqual(place.said, [{ at: 68, is: 'raise', drill: false, since: 60 }])
})

test('a track that breaks on a bicycle that stays does not begin the wait anew', () => {
  const place = watch()
  for (let second = 0; second < 12; second++) look(place, second, stay(second === 0 ? 0.4 : 0.41, second))
  assert.equal(place.said[0]?.at, 8)
})

test('a stream of passing bicycles parks nothing', () => {
  const place = watch()
  for (let second = 0; second < 120; second++) look(place, second, stay((second % 7) * 0.1, second))
  assert.deepEqual(place.said, [])
})

test('a second bicycle is counted from when the first is known to have left: nobody saw where it stood', () => {
  const place = watch()
  for (let second = 0; second < 4; second++) look(place, second, stay(0.1, 0))
  for (let second = 4; second < 6; second++) look(place, second, stay(0.1, 0), stay(0.6, 1))
  for (let second = 6; second < 30; second++) look(place, second, stay(0.6, 1))
  assert.deepEqual(place.said, [{ at: 17, is: 'raise', drill: false, since: 9 }])
})

test('a person who stands in the zone is not what has to stand there', () => {
  const place = watch()
  for (let second = 0; second < 60; second++) {
    look(place, second, stay(0.6, 0, 'person'), stay(((second * 3) % 8) / 10, second))
  }
  assert.deepEqual(place.said, [])
})

test('a clock that is set forward ends neither a wait nor a stay', () => {
  const wait = new RuleRun(dwell, beam).until(10).say({ beamBlocked: true }).until(12).jump(86_400)
  wait.say({ beamBlocked: true })
  assert.deepEqual(wait.until(wait.now + 5).said, [])
  assert.equal(wait.until(wait.now + 1).said.length, 1)
  const stay = new RuleRun(dwell, { ...beam, gap: '5 s' })
    .say({ beamBlocked: true })
    .until(20)
    .say({ beamBlocked: false })
  stay
    .jump(86_400)
    .until(stay.now + 3)
    .say({ beamBlocked: true })
    .until(stay.now + 60)
  assert.equal(stay.said.length, 1)
})

test('a camera’s other zones are none of it', () => {
  const place = new RuleRun(dwell, { ...camera, zones: ['gate'] })
  for (let second = 0; second < 30; second++) look(place, second, stay(0.4, 0))
  assert.deepEqual(place.said, [])
})

test('only what came from where it has to come from stands there', () => {
  const leaving = { ...camera, for: '0 s', cameFrom: ['bays'] }
  const track = (zone: string, trackId: number): ZoneStay => ({
    zone,
    tracks: stay(0.4, 5).tracks.map((one) => ({ ...one, trackId })),
  })
  const say = (place: ReturnType<typeof watch>, second: number, ...stays: ZoneStay[]): void => {
    place
      .until(second)
      .say({ vehicleInZone: stays.some(({ zone }) => zone === 'exit') }, { stays, part: 'exit' })
  }
  const place = new RuleRun(dwell, leaving)
  say(place, 10, track('bays', 1))
  say(place, 12, track('bays', 1), track('exit', 2))
  assert.deepEqual(place.said, [])
  assert.equal(place.writes, 1)
  place.restart(13)
  say(place, 14, track('exit', 1))
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [[14, 'raise']],
  )
  say(place, 20)
  assert.equal(place.until(30).said.at(-1)?.is, 'clear')
})

const story = fc.array(
  fc.record({ wait: fc.integer({ min: 1, max: 12 }), blocked: fc.boolean(), restart: fc.boolean() }),
  {
    maxLength: 60,
  },
)

test('dwells are those that a second-by-second look at the same line finds', () => {
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 20 }), fc.nat(6), (steps, wait, gap) => {
      const place = new RuleRun(dwell, { quantity: 'beamBlocked', for: `${wait} s`, gap: `${gap} s` })
      const wanted: string[] = []
      let since: number | undefined
      let free: number | undefined
      let isRaised = false
      const judge = (second: number): void => {
        if (free !== undefined && second >= free + gap) {
          if (isRaised) wanted.push(`${second} clear ${free}`)
          since = free = undefined
          isRaised = false
        }
        if (since === undefined || free !== undefined || isRaised || second < since + wait) return
        isRaised = true
        wanted.push(`${second} raise ${since}`)
      }
      for (const step of steps) {
        for (let i = 1; i <= step.wait; i++) judge(place.now + i)
        place.until(place.now + step.wait)
        if (step.restart) place.restart()
        place.say({ beamBlocked: step.blocked })
        if (step.blocked) {
          since ??= place.now
          free = undefined
        } else if (since !== undefined) free ??= place.now
        judge(place.now)
      }
      assert.deepEqual(
        place.said.map((said) => `${said.at} ${said.is} ${said.is === 'raise' ? said.since : said.ended}`),
        wanted,
      )
    }),
  )
})

test('a motorcycle alone is nothing to a rule on bicycles, and ends the stay of one', () => {
  const motorcycles = watch()
  for (let second = 0; second <= 30; second++) look(motorcycles, second, stay(0.2, 0, 'motorcycle'))
  assert.deepEqual(motorcycles.said, [])
  const changed = watch()
  for (let second = 0; second <= 10; second++) look(changed, second, stay(0.2, 0))
  for (let second = 11; second <= 20; second++) look(changed, second, stay(0.2, 11, 'motorcycle'))
  assert.deepEqual(
    changed.said.map(({ is }) => is),
    ['raise', 'clear'],
  )
})
