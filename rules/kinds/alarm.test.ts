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

const message = fc.record(
  { smoke: fc.boolean(), test: fc.boolean() },
  { requiredKeys: [] },
) as fc.Arbitrary<Values> // what may be missing is missing, never undefined
const story = fc.array(fc.record({ wait: fc.nat(90), message, restart: fc.boolean() }), { maxLength: 40 })

test('fires and drills follow what is known of smoke and button, restarts or not', () => {
  fc.assert(
    fc.property(story, (steps) => {
      const place = run()
      const model = new Model()
      for (const { wait, message: values, restart } of steps) {
        place.until(place.now + wait)
        model.pass(wait)
        if (restart) place.restart()
        place.say(values)
        model.hear(values)
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
  #fire = false
  #drill = false
  /** Seconds since smoke and button first came together under this press. */
  #together: number | undefined

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#second++
      if (this.#together !== undefined) this.#together++
      this.#judge()
    }
  }

  hear(values: Values): void {
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
