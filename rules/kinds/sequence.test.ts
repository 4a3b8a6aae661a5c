import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Static } from 'typebox'
import { instant } from '../../base/clock.ts'
import type { ZoneStay } from '../../gateway/detection.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import sequence from './sequence.ts'

const forced = { first: { when: 'tamper' }, second: { when: 'personInZone' }, within: '60 s' }
const full = {
  first: { when: "portState == 'full'" },
  second: { when: 'portPower < 5 W' },
  within: '60 s',
  raise: 'first-alone',
} as const
const theft: Static<typeof sequence.settings> = {
  first: { when: 'doorOpen' },
  second: { when: 'vehicleInZone', labels: ['bicycle'], parts: ['exit'], cameFrom: ['bays'] },
  within: '30 s',
  raise: 'second-alone',
  grace: '5 s',
}

test('a second that begins within the span after the first raises since the first, and clears with its end', () => {
  const site = new RuleRun(sequence, forced).until(10).say({ tamper: true }, {}, 'door')
  site
    .until(12)
    .say({ tamper: false }, {}, 'door')
    .until(50)
    .say({ personInZone: true }, { part: 'hall' }, 'camera')
  site.until(90).say({ personInZone: false }, { part: 'hall' }, 'camera')
  assert.deepEqual(site.said, [
    { at: 50, is: 'raise', drill: false, since: 10 },
    { at: 90, is: 'clear', drill: false, ended: 90 },
  ])
  assert.deepEqual(
    site.raises[0]?.readings.map(({ deviceId, reading }) => [deviceId, reading.quantity]),
    [
      ['door', 'tamper'],
      ['camera', 'personInZone'],
    ],
  )
  assert.deepEqual(site.raises[0].words, { within: '60 s', parts: 'door, hall' })
})

test('the other way round, or after the span, it raises nothing', () => {
  const turned = new RuleRun(sequence, forced)
    .say({ personInZone: true }, {}, 'c')
    .until(5)
    .say({ tamper: true }, {}, 'd')
  assert.deepEqual(turned.until(500).said, [])
  const late = new RuleRun(sequence, forced)
    .say({ tamper: true }, {}, 'd')
    .until(1)
    .say({ tamper: false }, {}, 'd')
  late.until(62).say({ personInZone: true }, {}, 'c')
  assert.deepEqual(late.said, [])
})

test('a first that still stands is followed by whatever begins', () => {
  const site = new RuleRun(sequence, forced)
    .say({ tamper: true }, {}, 'd')
    .until(4000)
    .say({ personInZone: true }, {}, 'c')
  assert.equal(site.said.length, 1)
})

test('a first that is heard of after the second counts by its own time', () => {
  const site = new RuleRun(sequence, forced).until(50).say({ personInZone: true }, {}, 'c')
  site.until(55).say({ tamper: true }, { at: 40 }, 'd')
  assert.deepEqual(site.said, [{ at: 55, is: 'raise', drill: false, since: 40 }])
})

test('each second is raised once, and one that begins anew is another', () => {
  const site = new RuleRun(sequence, forced)
    .say({ tamper: true }, {}, 'd')
    .until(1)
    .say({ personInZone: true }, {}, 'c')
  site.until(2).say({ personInZone: false }, {}, 'c').until(3).say({ tamper: true }, {}, 'd2')
  assert.equal(site.until(10).said.length, 2)
  site.say({ personInZone: true }, {}, 'c')
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [
      [1, 'raise'],
      [2, 'clear'],
      [10, 'raise'],
    ],
  )
})

test('a first to which no second comes raises after the span, and clears when it comes', () => {
  const site = new RuleRun(sequence, full).say({ portPower: 200 }).until(10)
  const state = (text: string): void => void site.say({ portState: text })
  state('full')
  assert.deepEqual(site.until(69).said, [])
  site.until(100).say({ portPower: 2 })
  assert.deepEqual(site.said, [
    { at: 70, is: 'raise', drill: false, since: 10 },
    { at: 100, is: 'clear', drill: false, ended: 100 },
  ])
})

test('a second that comes in time, or was there already, ends the wait', () => {
  const rule = {
    first: { when: 'smoke' },
    second: { when: 'fire' },
    within: '60 s',
    raise: 'first-alone',
  } as const
  const answered = new RuleRun(sequence, rule).say({ smoke: true }).until(59).say({ fire: true }).until(500)
  assert.deepEqual(answered.said, [])
  const before = new RuleRun(sequence, rule).say({ fire: true }).until(5).say({ smoke: true }).until(500)
  assert.deepEqual(before.said, [])
})

test('a first that begins again is another one', () => {
  const rule = {
    first: { when: 'smoke' },
    second: { when: 'fire' },
    within: '60 s',
    raise: 'first-alone',
  } as const
  const site = new RuleRun(sequence, rule).say({ smoke: true }, { lasts: 2 }).until(100)
  site.say({ smoke: true }, { lasts: 2 }).until(500)
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [
      [60, 'raise'],
      [100, 'clear'],
      [160, 'raise'],
    ],
  )
})

/** A bicycle in a zone; the track is told by its number and first hit. */
function bicycle(
  zone: string,
  trackId: number,
  firstSeen: number,
  lastSeen: number,
  label = 'bicycle',
): ZoneStay {
  const box = { x: 0.4, y: 0.4, width: 0.2, height: 0.3 }
  const times = { firstSeen: instant(firstSeen * 1000), lastSeen: instant(lastSeen * 1000) }
  return { zone, tracks: [{ label, score: 0.9, box, trackId, ...times }] }
}

const shed = () => new RuleRun(sequence, theft)

/** What the camera says in this second: every zone, as ours does. */
function look(site: ReturnType<typeof shed>, second: number, ...stays: ZoneStay[]): void {
  site.until(second)
  for (const zone of ['bays', 'exit']) {
    const is = stays.some((stay) => stay.zone === zone)
    site.say({ vehicleInZone: is }, { part: zone, stays }, 'camera')
  }
}

test('a bicycle that leaves its bay by the exit, and nobody has opened: theft, when the grace is over', () => {
  const site = shed()
  look(site, 100, bicycle('bays', 7, 20, 100))
  look(site, 110, bicycle('exit', 7, 20, 110))
  look(site, 114, bicycle('exit', 7, 20, 114))
  look(site, 120)
  assert.deepEqual(site.said, [
    { at: 115, is: 'raise', drill: false, since: 110 },
    { at: 120, is: 'clear', drill: false, ended: 120 },
  ])
  assert.deepEqual(
    site.raises[0]?.readings.map(({ deviceId, reading }) => [deviceId, reading.part, reading.value]),
    [['camera', 'exit', true]],
  )
})

test('with a door opened before, or within the grace after, it is no theft', () => {
  for (const opened of [85, 108, 114]) {
    const site = shed()
    look(site, 80, bicycle('bays', 7, 20, 80))
    site.until(opened < 110 ? opened : 109)
    if (opened < 110) site.say({ doorOpen: true }, { lasts: 3 }, 'door')
    look(site, 110, bicycle('exit', 7, 20, 110))
    if (opened > 110) site.until(opened).say({ doorOpen: true }, { lasts: 3 }, 'door')
    assert.deepEqual(site.until(300).said, [], String(opened))
  }
})

test('a bicycle that the detector misses for a moment is still there', () => {
  const seen = (second: number) => bicycle('exit', 7, 98, second)
  const site = shed()
  look(site, 99, bicycle('bays', 7, 98, 99))
  look(site, 100, seen(100))
  look(site, 101)
  look(site, 102, seen(102))
  look(site, 104, seen(104))
  site.until(106)
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [[105, 'raise']],
  )
  look(site, 110)
  assert.deepEqual(site.said.at(-1), { at: 110, is: 'clear', drill: false, ended: 110 })
})

test('what passes the exit and was in no bay, and a person who goes out, steal nothing', () => {
  const site = shed()
  look(site, 100, bicycle('bays', 7, 20, 100))
  look(site, 110, bicycle('exit', 8, 109, 110))
  look(site, 115, bicycle('exit', 7, 20, 115, 'person'))
  assert.deepEqual(site.until(300).said, [])
})

test('numbers of tracks that begin anew after a restart of the camera are other tracks', () => {
  const site = shed()
  look(site, 100, bicycle('bays', 7, 20, 100))
  look(site, 200, bicycle('exit', 7, 199, 200))
  assert.deepEqual(site.until(400).said, [])
})

test('a wait is neither ended nor prolonged by a clock that jumps', () => {
  const site = new RuleRun(sequence, { ...full, first: { when: 'smoke' } })
    .say({ smoke: true })
    .until(20)
    .jump(7200)
  assert.deepEqual(site.until(site.now + 39).said, [])
  assert.equal(site.until(site.now + 1).said.length, 1)
})

test('grace belongs to a second alone', () => {
  assert.deepEqual(
    sequence.check?.({ ...forced, grace: '5 s' }).map(({ path }) => path),
    ['/grace'],
  )
})

test('why it raised nothing is told by what came nearest, of each of the two', () => {
  const readings = [400, 480, 20].map((value, index) =>
    toReading('portPower', 'port-1', value, instant(index)),
  )
  const near = sequence.nearness?.({ ...forced, second: { when: 'portPower > 500 W' } })(readings)
  assert.deepEqual(
    near?.map(({ text, value, margin, met, at }) => [text, value, margin, met, at]),
    [
      ['tamper', undefined, undefined, false, undefined],
      ['portPower > 500 W', 480, -20, false, 1],
    ],
  )
})

test('a restart anywhere changes nothing, also where messages come late', () => {
  const told = stories({ smoke: fc.boolean(), heat: fc.boolean() }, 20)
  const parties = { first: { when: 'smoke' }, second: { when: 'heat' } }
  for (const raise of ['both', 'first-alone', 'second-alone'] as const) {
    const grace = raise === 'second-alone' ? { grace: '3 s' } : {}
    assertRestartsChangeNothing(sequence, { ...parties, within: '10 s', raise, ...grace }, told)
  }
})

const story = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 6 }),
    what: fc.constantFrom('smoke', 'heat'),
    so: fc.boolean(),
    restart: fc.boolean(),
  }),
  { maxLength: 40 },
)
const rule = { first: { when: 'smoke' }, second: { when: 'heat' } }

interface Model {
  readonly smoke: readonly [since: number, until: number][]
  readonly heat: readonly [since: number, until: number][]
}

/** The whole story at once: when each of the two was so. */
function spansIn(steps: readonly { wait: number; what: 'smoke' | 'heat'; so: boolean }[]): Model {
  const spans: Record<'smoke' | 'heat', [number, number][]> = { smoke: [], heat: [] }
  let now = 0
  for (const { wait, what, so } of steps) {
    now += wait
    const last = spans[what].at(-1)
    const isOpen = last?.[1] === Infinity
    if (so && !isOpen) spans[what].push([now, Infinity])
    else if (!so && last && isOpen) last[1] = now
  }
  return spans
}

test('pairs are those that a look at the whole story finds, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(story, fc.nat(8), (steps, within) => {
      const site = new RuleRun(sequence, { ...rule, within: `${within} s` })
      for (const { wait, what, so, restart } of steps) {
        site.until(site.now + wait)
        if (restart) site.restart()
        site.say({ [what]: so })
      }
      const { smoke, heat } = spansIn(steps)
      const wanted = heat
        .filter(([since]) => smoke.some(([began, ended]) => began <= since && ended + within >= since))
        .map(([since]) => since)
      assert.deepEqual(
        site.said.filter(({ is }) => is === 'raise').map(({ at }) => at),
        wanted,
      )
      const cleared = heat
        .filter(([since, until]) => wanted.includes(since) && until < Infinity)
        .map(([, until]) => until)
      assert.deepEqual(
        site.said.filter(({ is }) => is === 'clear').map(({ at }) => at),
        cleared,
      )
    }),
  )
})

test('a second alone is one before which no first was, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(story, fc.nat(8), (steps, within) => {
      const site = new RuleRun(sequence, { ...rule, within: `${within} s`, raise: 'second-alone' })
      for (const { wait, what, so, restart } of steps) {
        site.until(site.now + wait)
        if (restart) site.restart()
        site.say({ [what]: so })
      }
      const { smoke, heat } = spansIn(steps)
      const wanted = heat
        .filter(([since]) => !smoke.some(([began, ended]) => began <= since && ended + within >= since))
        .map(([since]) => since)
      assert.deepEqual(
        site.said.filter(({ is }) => is === 'raise').map(({ at }) => at),
        wanted,
      )
    }),
  )
})

test('a first alone is one that waited its span in vain, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 8 }), (steps, within) => {
      const site = new RuleRun(sequence, { ...rule, within: `${within} s`, raise: 'first-alone' })
      for (const { wait, what, so, restart } of steps) {
        site.until(site.now + wait)
        if (restart) site.restart()
        site.say({ [what]: so })
      }
      site.until(site.now + 20)
      const { smoke, heat } = spansIn(steps)
      const wanted: number[] = []
      let waitsUntil = -Infinity
      for (const [began] of smoke) {
        if (began < waitsUntil) continue
        const answer = heat.find(([since, until]) => until >= began && since < began + within)
        waitsUntil = answer ? answer[0] : began + within
        if (!answer) wanted.push(waitsUntil)
      }
      assert.deepEqual(
        site.said.filter(({ is }) => is === 'raise').map(({ at }) => at),
        wanted,
      )
    }),
  )
})
