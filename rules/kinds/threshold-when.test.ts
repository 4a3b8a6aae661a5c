import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { toReading } from '../../gateway/reading.ts'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun, type Values } from '../rule-run.ts'
import threshold from './threshold.ts'

const charging = {
  when: "portPower >= most && portState == 'charging'",
  clear: 'portPower < 900 W',
  limits: { most: '1000 W' },
  for: '60 s',
} as const

test('several quantities are judged together, over what was said last', () => {
  const place = new RuleRun(threshold, charging).say({ portState: 'charging' })
  place.until(10).say({ portPower: 1200 }).until(70)
  assert.deepEqual(place.said, [{ at: 70, is: 'raise', drill: false, since: 10 }])
  place.until(80).say({ portPower: 950 }).until(90).say({ portPower: 880 })
  assert.deepEqual(place.said.at(-1), { at: 90, is: 'clear', drill: false, ended: 90 })
})

test('a case shows each condition with what decided it', () => {
  const place = new RuleRun(threshold, { ...charging, for: '0 s' })
  place.say({ portState: 'charging', portPower: 1200.5 }, { part: 'port-2' })
  const [raise] = place.raises
  assert.deepEqual(raise?.conditions, [
    { text: 'portPower >= most', value: 1200.5, threshold: 1000, margin: 200.5, unit: 'W', met: true },
    { text: "portState == 'charging'", value: 'charging', threshold: 'charging', unit: '', met: true },
  ])
  assert.deepEqual(raise.words, {
    for: '0 s',
    polls: '1',
    value: '1200.5 W',
    threshold: '1000 W',
    part: 'port-2',
  })
  assert.deepEqual(
    raise.readings.map(({ reading, threshold: limit, margin }) => [
      reading.quantity,
      reading.value,
      limit,
      margin,
    ]),
    [
      ['portPower', 1200.5, 1000, 200.5],
      ['portState', 'charging', undefined, undefined],
    ],
  )
})

test('what is missing or not believed decides nothing: nothing begins and nothing ends', () => {
  const missing = new RuleRun(threshold, { ...charging, for: '0 s' }).say({ portPower: 1200 })
  assert.deepEqual(missing.said, [])
  const bad = new RuleRun(threshold, { ...charging, for: '0 s' })
  bad.say({ portPower: 1200, portState: 'charging' }).say({ portPower: 9999 })
  assert.equal(bad.said.length, 1)
})

test('a value that is not believed does not break a wait', () => {
  const place = new RuleRun(threshold, charging).say({ portState: 'charging', portPower: 1200 })
  place.until(30).say({ portPower: 9999 }).until(60)
  assert.deepEqual(place.said, [{ at: 60, is: 'raise', drill: false, since: 0 }])
})

test('readings one after the other are counted though they say the same', () => {
  const place = new RuleRun(threshold, { when: 'doorOpen && motion', polls: 3 })
  for (let second = 0; second < 4; second++) place.until(second).say({ doorOpen: true, motion: true })
  assert.equal(place.said[0]?.at, 2)
})

test('what comes late ends nothing that is known since', () => {
  const place = new RuleRun(threshold, { when: 'doorOpen && motion' }).until(10)
  place.say({ doorOpen: true }, {}, 'door').say({ motion: true }, {}, 'pir')
  place.until(20).say({ doorOpen: false }, { at: 5 }, 'door')
  assert.equal(place.said.length, 1)
})

test('two devices of one place prove it together', () => {
  const place = new RuleRun(threshold, { when: 'doorOpen && motion' })
  place.say({ doorOpen: true }, {}, 'door').say({ motion: true }, {}, 'pir')
  assert.equal(place.said.length, 1)
  assert.deepEqual(
    place.raises[0]?.readings.map(({ deviceId }) => deviceId),
    ['door', 'pir'],
  )
})

test('with a device of drills among those that prove it, it is a drill', () => {
  const isDrill = (id: string): boolean => id === 'pir'
  const place = new RuleRun(threshold, { when: 'doorOpen && motion' }, { isDrill })
  place.say({ doorOpen: true }, {}, 'door').say({ motion: true }, {}, 'pir').say({ motion: false }, {}, 'pir')
  assert.deepEqual(
    place.said.map(({ is, drill }) => [is, drill]),
    [
      ['raise', true],
      ['clear', true],
    ],
  )
})

test('what a device never takes back ends by itself', () => {
  const place = new RuleRun(threshold, { when: 'doorOpen && motion' })
  place.say({ doorOpen: true }, {}, 'door').say({ motion: true }, { lasts: 30 }, 'pir').restart(10).until(100)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [0, 'raise'],
      [30, 'clear'],
    ],
  )
})

test('said again it lasts from then', () => {
  const place = new RuleRun(threshold, { when: 'doorOpen && motion' }).say({ doorOpen: true }, {}, 'door')
  place
    .say({ motion: true }, { lasts: 30 }, 'pir')
    .until(20)
    .say({ motion: true }, { lasts: 30 }, 'pir')
    .until(100)
  assert.equal(place.said.at(-1)?.at, 50)
})

test('a device that was taken out of the site proves nothing any more', () => {
  let isThere = true
  const place = new RuleRun(
    threshold,
    { when: 'doorOpen && motion' },
    { isHere: (id) => isThere || id === 'door' },
  )
  place.say({ doorOpen: true }, {}, 'door').say({ motion: true }, {}, 'pir')
  isThere = false
  place.restart(5)
  assert.equal(place.said.length, 1, 'unknown clears nothing')
  place.say({ doorOpen: false }, {}, 'door')
  assert.equal(place.said.length, 2)
})

test('a value that wavers without crossing a limit is not written', () => {
  const place = new RuleRun(threshold, charging).say({ portState: 'charging' })
  for (const portPower of [200, 210, 190, 205]) place.until(place.now + 1).say({ portPower })
  assert.equal(place.writes, 2)
})

test('both forms say the same of one quantity', () => {
  const watts = stories({ portPower: fc.integer({ min: 850, max: 1050 }) }, 30)
  const short = {
    quantity: 'portPower',
    above: '1000 W',
    clearBelow: '900 W',
    for: '20 s',
    polls: 2,
  } as const
  const long = { when: 'portPower >= 1000 W', clear: 'portPower < 900 W', for: '20 s', polls: 2 } as const
  fc.assert(
    fc.property(watts, (story) => {
      const [one, other] = [new RuleRun(threshold, short), new RuleRun(threshold, long)]
      for (const { wait, values, late, device } of story) {
        for (const run of [one, other]) run.until(run.now + wait).say(values, { at: run.now - late }, device)
      }
      assert.deepEqual(one.said, other.said)
    }),
  )
})

test('a clock that jumps ahead does not shorten the wait', () => {
  const place = new RuleRun(threshold, { when: 'portPower >= 1000 W', for: '60 s' }).say({ portPower: 1200 })
  place
    .until(10)
    .jump(3600)
    .until(3600 + 59)
  assert.deepEqual(place.said, [])
  place.until(3600 + 60)
  assert.equal(place.said.length, 1)
})

test('settings that cannot be meant are named by their path', () => {
  const texts = (
    settings: Parameters<NonNullable<typeof threshold.check>>[0],
  ): readonly string[] | undefined => threshold.check?.(settings).map(({ path, text }) => `${path}: ${text}`)
  assert.deepEqual(texts(charging), [])
  assert.deepEqual(texts({ when: 'portPower > 70 °C' }), ['/when: portPower is measured in W; got "70 °C"'])
  assert.deepEqual(texts({ when: 'smoke', clear: 'smok' }), [
    '/clear: unknown quantity "smok"; did you mean "smoke"?',
  ])
  assert.deepEqual(texts({ when: 'smoke', quantity: 'smoke' }), [
    '/quantity: "when" says it all; it has no "quantity" beside it',
  ])
  assert.deepEqual(texts({ quantity: 'portPower', above: '5 W', clear: 'smoke' }), [
    '/clear: "clear" belongs to "when"',
  ])
  assert.deepEqual(texts({}), [': wanted a "quantity" with its limit, or "when"'])
  assert.deepEqual(texts({ ...charging, limits: { most: '5 W', moost: '6 W' } }), [
    '/limits/moost: no condition names the limit "moost"; those of the condition are most',
  ])
  assert.deepEqual(texts({ when: 'portPower > 5 W', limits: { smoke: '5 W' } }), [
    '/limits/smoke: "smoke" is a quantity',
  ])
})

test('"how near" is the nearest moment of each condition', () => {
  const readings = [700, 990, 800].map((value, index) => toReading('portPower', '', value, instant(index)))
  assert.deepEqual(threshold.nearness?.(charging)(readings), [
    { text: 'portPower >= most', value: 990, threshold: 1000, margin: -10, unit: 'W', met: false, at: 1 },
    { text: "portState == 'charging'", threshold: 'charging', unit: '', met: false },
  ])
})

const anything = stories(
  { portPower: fc.integer({ min: 850, max: 1100 }), doorOpen: fc.boolean(), smoke: fc.boolean() },
  30,
)
const both = {
  when: '(portPower >= 1000 W && !doorOpen) || smoke',
  clear: 'portPower < 900 W && !smoke',
  for: '20 s',
} as const

test('a restart in the middle changes nothing', () => {
  assertRestartsChangeNothing(threshold, both, anything)
  assertRestartsChangeNothing(threshold, { when: 'portPower >= 1000 W', for: '20 s', polls: 2 }, anything)
})

test('a condition over several quantities comes out as a look at all last values says', () => {
  fc.assert(
    fc.property(anything, (story) => {
      const place = new RuleRun(threshold, both)
      const last: Values = {}
      const wanted: string[] = []
      let since: number | undefined
      let isRaised = false as boolean // what follows changes it
      const ripen = (): void => {
        if (isRaised || since === undefined || place.now < since + 20) return
        isRaised = true
        wanted.push(`raise since ${since}`)
      }
      for (const { wait, values } of story) {
        place.until(place.now + wait)
        ripen()
        if (Object.keys(values).length === 0) continue
        place.say(values)
        Object.assign(last, values)
        const { portPower, doorOpen, smoke } = last
        const overPower = portPower === undefined ? undefined : Number(portPower) >= 1000
        const both =
          overPower === false || doorOpen === true
            ? false
            : overPower && doorOpen === false
              ? true
              : undefined
        const over =
          both === true || smoke === true ? true : both === false && smoke === false ? false : undefined
        const isLow = portPower !== undefined && Number(portPower) < 900
        const back = over !== true && isLow && smoke === false
        if (isRaised && back) {
          wanted.push(`clear at ${place.now}`)
          isRaised = false
          since = undefined
        } else if (!isRaised && over === true) since ??= place.now
        else if (!isRaised && over === false) since = undefined
        ripen()
      }
      assert.deepEqual(
        place.said.map((one) => (one.is === 'raise' ? `raise since ${one.since}` : `clear at ${one.at}`)),
        wanted,
      )
    }),
  )
})
