import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { RuleRun, type Values } from '../rule-run.ts'
import alarm from './alarm.ts'

const run = (context = {}) => new RuleRun(alarm, { quantity: 'smoke', test: 'test' }, context)

test('smoke is a fire at once, and its repetition changes nothing', () => {
  const place = run().until(5).say({ smoke: true, test: false })
  place.until(7).say({ smoke: true, test: false }).until(9).say({ smoke: true })
  assert.deepEqual(place.said, [{ at: 5, is: 'raise', drill: false, since: 5 }])
  assert.equal(place.writes, 1)
  assert.deepEqual(place.raises[0]?.readings[0]?.reading.quantity, 'smoke')
})

test('smoke, no smoke, smoke are two fires', () => {
  const place = run().say({ smoke: true }).until(3).say({ smoke: false }).until(4).say({ smoke: true })
  assert.deepEqual(
    place.said.map(({ at, is }) => [at, is]),
    [
      [0, 'raise'],
      [3, 'clear'],
      [4, 'raise'],
    ],
  )
})

test('a pressed test button is a drill that ends with it', () => {
  const place = run().say({ smoke: false, test: true }).until(8).say({ smoke: false, test: false })
  assert.deepEqual(place.said, [
    { at: 0, is: 'raise', drill: true, since: 0 },
    { at: 8, is: 'clear', drill: true, ended: 8 },
  ])
})

test('smoke with the test button is a drill, in one message and in two', () => {
  for (const messages of [[{ test: true, smoke: true }], [{ test: true }, { smoke: true }]]) {
    const place = run()
    for (const message of messages) place.say(message)
    place.until(10).say({ smoke: false }).say({ test: false })
    assert.deepEqual(
      place.said.map(({ is, drill }) => [is, drill]),
      [
        ['raise', true],
        ['clear', true],
      ],
    )
  }
})

test('smoke that still stands when the test ends is a fire of its own', () => {
  const place = run().say({ test: true }).until(4).say({ smoke: true }).until(9).say({ test: false })
  assert.deepEqual(place.said, [
    { at: 0, is: 'raise', drill: true, since: 0 },
    { at: 9, is: 'clear', drill: true, ended: 9 },
    { at: 9, is: 'raise', drill: false, since: 4 },
  ])
})

test('smoke that still stands after a minute of test is a fire, also across a restart', () => {
  for (const isRestarted of [false, true]) {
    const place = run().say({ test: true }).until(4).say({ smoke: true }).until(30)
    if (isRestarted) place.restart()
    place.until(120)
    assert.deepEqual(place.said.slice(1), [
      { at: 64, is: 'clear', drill: true, ended: 64 },
      { at: 64, is: 'raise', drill: false, since: 4 },
    ])
  }
})

test('a clock that is set back does not make the drill longer than a minute from then', () => {
  const place = run().until(1000).say({ test: true, smoke: true })
  place.restart(10).until(71)
  assert.deepEqual(place.said.at(-1), { at: 70, is: 'raise', drill: false, since: 1000 })
})

test('smoke that stood before the button was pressed stays a fire', () => {
  const place = run().say({ smoke: true }).until(1).say({ test: true }).until(5).say({ test: false })
  assert.deepEqual(place.said, [{ at: 0, is: 'raise', drill: false, since: 0 }])
})

test('a bad reading and a "no" from before the alarm change nothing', () => {
  const place = run().until(100).say({ smoke: true }).say({ smoke: 3 }).say({ smoke: false }, { at: 50 })
  assert.deepEqual(place.said, [{ at: 100, is: 'raise', drill: false, since: 100 }])
})

test('the second detector of a place neither ends the fire of the first nor raises another', () => {
  const place = run().say({ smoke: true }, {}, 'constructor').say({ smoke: false }, {}, 'b')
  place.until(2).say({ smoke: true }, {}, 'b').until(3).say({ smoke: false }, {}, 'constructor')
  assert.equal(place.said.length, 1)
  place.until(4).say({ smoke: false }, {}, 'b')
  assert.deepEqual(place.said[1], { at: 4, is: 'clear', drill: false, ended: 4 })
})

test('the fire of a detector that was taken away ends with the next start', () => {
  const place = run({ isHere: (id: string) => id !== 'old' }).say({ smoke: true }, {}, 'old')
  place.restart(60).until(60).say({ smoke: true }, {}, 'new')
  assert.deepEqual(
    place.said.map(({ is }) => is),
    ['raise', 'clear', 'raise'],
  )
})

test('the fire and the drill of two detectors that were taken away both end', () => {
  const place = run({ isHere: () => false })
    .say({ smoke: true }, {}, 'a')
    .say({ test: true }, {}, 'b')
  assert.equal(place.restart(60).until(60).said.length, 4)
  assert.deepEqual(place.state, {})
})

test('what the device never takes back ends by itself, and said again is a new fire', () => {
  const place = run().say({ smoke: true }, { lasts: 600 }).until(700).say({ smoke: true }, { lasts: 600 })
  assert.deepEqual(place.said, [
    { at: 0, is: 'raise', drill: false, since: 0 },
    { at: 600, is: 'clear', drill: false, ended: 600 },
    { at: 700, is: 'raise', drill: false, since: 700 },
  ])
})

test('said again before its end it goes on, and ends that long after the last time', () => {
  const place = run().say({ smoke: true }, { lasts: 600 }).until(500).say({ smoke: true }, { lasts: 600 })
  assert.equal(place.until(1099).said.length, 1)
  assert.deepEqual(place.until(1100).said[1], { at: 1100, is: 'clear', drill: false, ended: 1100 })
  assert.deepEqual(place.state, {})
})

test('its end is known after a restart, and one that passed meanwhile is told as it was', () => {
  const place = run().say({ smoke: true }, { lasts: 600 }).until(100)
  assert.ok(JSON.stringify(place.state).length < 120)
  assert.equal(place.restart(200).until(599).said.length, 1)
  place.restart(2000)
  assert.deepEqual(place.said[1], { at: 2000, is: 'clear', drill: false, ended: 600 })
})

test('said again before the wake at its end has come it is still a new fire', () => {
  const place = run().say({ smoke: true }, { lasts: 600 })
  place.now = 601
  place.say({ smoke: true }, { lasts: 600 }).until(1201)
  assert.deepEqual(place.said.slice(1), [
    { at: 601, is: 'clear', drill: false, ended: 600 },
    { at: 601, is: 'raise', drill: false, since: 601 },
    { at: 1201, is: 'clear', drill: false, ended: 1201 },
  ])
})

test('a fire that ended by itself under a pressed button is a drill when it is said again', () => {
  const place = run().say({ smoke: true }, { lasts: 600 }).until(300).say({ test: true })
  place.now = 601
  place.say({ smoke: true }, { lasts: 600 })
  assert.deepEqual(place.said.slice(1), [
    { at: 601, is: 'clear', drill: false, ended: 600 },
    { at: 601, is: 'raise', drill: true, since: 300 },
  ])
})

test('a second detector keeps the fire standing over the end of the first', () => {
  const place = run().say({ smoke: true }, {}, 'b').say({ smoke: true }, { lasts: 600 })
  place.now = 601
  place.say({ smoke: true }, { lasts: 600 }).until(1201)
  assert.equal(place.said.length, 1)
})

test('an alarm that comes later than it lasts is raised all the same', () => {
  const place = run().until(7200).say({ smoke: true }, { at: 60, lasts: 600 }).until(7200)
  assert.deepEqual(place.said, [
    { at: 7200, is: 'raise', drill: false, since: 60 },
    { at: 7200, is: 'clear', drill: false, ended: 660 },
  ])
})

test('a clock ahead or set back does not make it stand for longer than it lasts', () => {
  const ahead = run().say({ smoke: true }, { at: 5000, lasts: 600 }).until(600)
  assert.deepEqual(ahead.said[1], { at: 600, is: 'clear', drill: false, ended: 5000 })
  const back = run().until(9000).say({ smoke: true }, { lasts: 600 })
  assert.equal(back.restart(10).until(610).said[1]?.at, 610)
})

const message = fc.record(
  { smoke: fc.boolean(), test: fc.boolean() },
  { requiredKeys: [] },
) as fc.Arbitrary<Values> // what may be missing is missing, never undefined
const lasts = fc.option(fc.constantFrom(20, 75), { nil: undefined })
const story = fc.array(fc.record({ wait: fc.nat(90), message, lasts, restart: fc.boolean() }), {
  maxLength: 40,
})

test('fires and drills follow what is known of smoke and button and their ends, restarts or not', () => {
  fc.assert(
    fc.property(story, (steps) => {
      const place = run()
      const model = new Model()
      for (const { wait, message: values, lasts, restart } of steps) {
        place.until(place.now + wait)
        model.pass(wait)
        if (restart) place.restart()
        place.say(values, lasts === undefined ? {} : { lasts })
        model.hear(values, lasts)
        assert.deepEqual(
          place.said.map(({ at, is, drill }) => `${at} ${is} ${drill ? 'drill' : 'fire'}`),
          model.said,
        )
      }
    }),
  )
})

/** The same rule as a clock that ticks: no memory of waits, only of what is so. */
class Model {
  readonly said: string[] = []
  #second = 0
  #smoke = false
  #test = false
  /** The seconds at which they end by themselves. */
  #smokeEnds = Infinity
  #testEnds = Infinity
  #fire = false
  #drill = false
  /** Seconds since smoke and button first came together under this press. */
  #together: number | undefined

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#second++
      if (this.#together !== undefined) this.#together++
      this.#smoke &&= this.#second < this.#smokeEnds
      this.#test &&= this.#second < this.#testEnds
      this.#judge()
    }
  }

  hear(values: Values, lasts = Infinity): void {
    if (values.smoke !== undefined) this.#smokeEnds = this.#second + lasts
    if (values.test !== undefined) this.#testEnds = this.#second + lasts
    this.#smoke = (values.smoke as boolean | undefined) ?? this.#smoke // the story holds booleans only
    this.#test = (values.test as boolean | undefined) ?? this.#test
    this.#judge()
  }

  #judge(): void {
    if (!this.#test) this.#together = undefined
    else if (this.#smoke && !this.#fire) this.#together ??= 0
    const fire = this.#smoke && (this.#fire || !this.#test || (this.#together ?? 0) >= 60)
    const drill = this.#test && !fire
    this.#tell('drill', this.#drill && !drill, false)
    this.#tell('fire', this.#fire && !fire, this.#fire !== fire && fire)
    this.#tell('drill', false, !this.#drill && drill)
    this.#fire = fire
    this.#drill = drill
  }

  #tell(sort: string, hasEnded: boolean, hasBegun: boolean): void {
    if (hasEnded) this.said.push(`${this.#second} clear ${sort}`)
    if (hasBegun) this.said.push(`${this.#second} raise ${sort}`)
  }
}
