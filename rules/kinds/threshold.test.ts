import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { RuleRun } from '../rule-run.ts'
import threshold from './threshold.ts'

const heat = { quantity: 'portTemperature', above: '70 °C', clearBelow: '60 °C' } as const
const overload = { quantity: 'portPower', above: '1000 W', clearBelow: '900 W', for: '60 s' } as const
const leakage = { quantity: 'residualCurrent', above: '500 mA', polls: 2 } as const

test('a port raises at its limit and clears below the hysteresis, not within it', () => {
  const place = new RuleRun(threshold, heat)
  const temps = [69, 70, 71, 65, 70, 60, 59, 65]
  for (const portTemperature of temps) place.say({ portTemperature }, { part: 'port-2' }).until(place.now + 1)
  assert.deepEqual(place.said, [
    { at: 1, is: 'raise', drill: false, since: 1 },
    { at: 6, is: 'clear', drill: false, ended: 6 },
  ])
  assert.deepEqual(place.raises[0]?.words, {
    value: '70 °C',
    threshold: '70 °C',
    for: '0 s',
    polls: '1',
    part: 'port-2',
  })
})

test('a case names the first and the last reading with their margins', () => {
  const place = new RuleRun(threshold, overload).say({ portPower: 1000.5 })
  place.until(60).say({ portPower: 1200.3 })
  const by = place.raises[0]?.readings.map(({ reading, threshold: limit, margin }) => [
    reading.value,
    limit,
    margin,
  ])
  assert.deepEqual(by, [[1000.5, 1000, 0.5]])
  const late = new RuleRun(threshold, { ...overload, polls: 2 }).say({ portPower: 1000.5 })
  late.until(61).say({ portPower: 1200.3 })
  const both = late.raises[0]?.readings.map(({ reading, margin }) => [reading.value, margin])
  assert.deepEqual(both, [
    [1000.5, 0.5],
    [1200.3, 200.3],
  ])
})

test('an overload has to last without a break; a device that says it once is believed', () => {
  const place = new RuleRun(threshold, overload).say({ portPower: 1200 }).until(59).say({ portPower: 999 })
  place.until(200)
  assert.deepEqual(place.said, [])
  place.say({ portPower: 1200 }).until(300)
  assert.deepEqual(place.said, [{ at: 260, is: 'raise', drill: false, since: 200 }])
})

test('readings that come late together are judged by their own times', () => {
  const place = new RuleRun(threshold, overload).until(500)
  place.say({ portPower: 1200 }, { at: 100 }).say({ portPower: 1300 }, { at: 170 })
  assert.deepEqual(place.said, [{ at: 500, is: 'raise', drill: false, since: 100 }])
})

test('leakage has to be over its limit in two polls one after the other', () => {
  const place = new RuleRun(threshold, leakage)
  for (const residualCurrent of [620, 120, 620, 640, 650, 480]) {
    place.say({ residualCurrent }).until(place.now + 1)
  }
  assert.deepEqual(place.said, [
    { at: 3, is: 'raise', drill: false, since: 2 },
    { at: 5, is: 'clear', drill: false, ended: 5 },
  ])
})

test('a station that can say no more than 250 mA reaches a limit of 500 mA', () => {
  const place = new RuleRun(threshold, leakage)
  for (let i = 0; i < 2; i++) place.say({ residualCurrent: 250 }, { quality: 'at-limit' }).until(i + 1)
  const [raise] = place.raises
  assert.equal(raise?.words['value'], '≥ 250 mA')
  assert.deepEqual(
    raise.readings.map(({ margin }) => margin),
    [undefined, undefined],
  )
})

test('"below" is judged alike the other way round', () => {
  const place = new RuleRun(threshold, { quantity: 'battery', below: '10 %', clearAbove: '20 %' })
  for (const battery of [11, 10, 15, 20, 21]) place.say({ battery }).until(place.now + 1)
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [1, 'raise'],
      [4, 'clear'],
    ],
  )
  assert.equal(place.raises[0]?.readings[0]?.margin, 0)
})

test('a device may be called "constructor"', () => {
  assert.equal(new RuleRun(threshold, heat).say({ portTemperature: 75 }, {}, 'constructor').said.length, 1)
})

test('values out of range change nothing', () => {
  const place = new RuleRun(threshold, heat).say({ portTemperature: 75 }).say({ portTemperature: -300 })
  assert.equal(place.said.length, 1)
  assert.equal(place.writes, 1)
})

test('settings that cannot be meant are named by their path', () => {
  const wrong: [Parameters<NonNullable<typeof threshold.check>>[0], string][] = [
    [{ ...heat, above: '70 °F' }, '/above'],
    [{ ...heat, above: '70' }, '/above'],
    [{ ...heat, above: 'hot' }, '/above'],
    [{ ...heat, above: '700 °C' }, '/above'],
    [{ ...heat, clearBelow: '80 °C' }, '/clearBelow'],
    [{ ...heat, below: '5 °C' }, ''],
    [{ quantity: 'portTemperature' }, ''],
    [{ quantity: 'battery', below: '10 %', clearBelow: '5 %' }, '/clearBelow'],
    [{ quantity: 'battery', below: '10 %', clearAbove: '5 %' }, '/clearAbove'],
    [{ quantity: 'smoke', above: '1' }, '/quantity'],
  ]
  for (const [settings, path] of wrong) {
    assert.deepEqual(
      threshold.check?.(settings).map((complaint) => complaint.path),
      [path],
      JSON.stringify(settings),
    )
  }
  assert.match(threshold.check?.({ ...heat, above: '70 °F' })[0]?.text ?? '', /measured in °C; got "70 °F"/)
})

const story = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 20 }),
    watts: fc.integer({ min: 850, max: 1050 }),
    restart: fc.boolean(),
  }),
  {
    maxLength: 60,
  },
)
const settings = fc.record({ wait: fc.nat(30), polls: fc.integer({ min: 1, max: 4 }) })

test('a limit is crossed as often as a second-by-second look at the same values says', () => {
  fc.assert(
    fc.property(story, settings, (steps, { wait, polls }) => {
      const place = new RuleRun(threshold, {
        quantity: 'portPower',
        above: '1000 W',
        clearBelow: '900 W',
        for: `${wait} s`,
        polls,
      })
      const model = new Model(wait, polls)
      for (const step of steps) {
        model.pass(step.wait)
        place.until(place.now + step.wait)
        if (step.restart) place.restart()
        place.say({ portPower: step.watts })
        model.hear(step.watts)
      }
      assert.deepEqual(
        place.said.map((said) => `${said.at} ${said.is} ${said.is === 'raise' ? said.since : said.ended}`),
        model.said,
      )
    }),
  )
})

/** The same rule as a clock that ticks: 1000 W, clear below 900 W. */
class Model {
  readonly said: string[] = []
  readonly #wait: number
  readonly #polls: number
  #second = 0
  #over: { readonly since: number; readonly polls: number } | undefined
  #isRaised = false

  constructor(wait: number, polls: number) {
    this.#wait = wait
    this.#polls = polls
  }

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#second++
      this.#judge()
    }
  }

  hear(watts: number): void {
    if (this.#isRaised && watts < 900) {
      this.said.push(`${this.#second} clear ${this.#second}`)
      this.#isRaised = false
    }
    if (!this.#isRaised) {
      const { since, polls } = this.#over ?? { since: this.#second, polls: 0 }
      this.#over = watts >= 1000 ? { since, polls: polls + 1 } : undefined
    }
    this.#judge()
  }

  #judge(): void {
    if (this.#isRaised || !this.#over || this.#over.polls < this.#polls) return
    if (this.#second < this.#over.since + this.#wait) return
    this.#isRaised = true
    this.said.push(`${this.#second} raise ${this.#over.since}`)
  }
}
