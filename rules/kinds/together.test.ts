import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { assertRestartsChangeNothing, stories } from '../restarts.ts'
import { RuleRun } from '../rule-run.ts'
import together from './together.ts'

const fire = {
  all: {
    smoke: { when: 'smoke' },
    current: { when: 'portCurrent >= 5 A' },
    person: { when: 'personInZone' },
  },
  within: '10 s',
}

const run = (context = {}) => new RuleRun(together, fire, context)

test('three things of three devices within the span raise when the last begins, and show all three', () => {
  const site = run().until(1).say({ smoke: true }, {}, 'detector')
  site.until(4).say({ portCurrent: 7.5 }, { part: 'port-2' }, 'station')
  site.until(6).say({ personInZone: true }, { part: 'hall' }, 'camera')
  assert.deepEqual(site.said, [{ at: 6, is: 'raise', drill: false, since: 6 }])
  const [raise] = site.raises
  assert.deepEqual(
    raise?.readings.map(({ deviceId, reading, threshold, margin }) => [
      deviceId,
      reading.part,
      reading.quantity,
      reading.value,
      threshold,
      margin,
    ]),
    [
      ['detector', '', 'smoke', true, undefined, undefined],
      ['station', 'port-2', 'portCurrent', 7.5, 5, 2.5],
      ['camera', 'hall', 'personInZone', true, undefined, undefined],
    ],
  )
  assert.deepEqual(
    raise.conditions?.map(({ text, met }) => [text, met]),
    [
      ['smoke', true],
      ['portCurrent >= 5 A', true],
      ['personInZone', true],
    ],
  )
  assert.deepEqual(raise.words, { within: '10 s', parts: 'detector, port-2, hall' })
})

test('two of three raise nothing, however long they stand', () => {
  const site = run().say({ smoke: true }, {}, 'd').say({ portCurrent: 9 }, {}, 's').until(1000)
  assert.deepEqual(site.said, [])
})

test('what ended within the span still counts; what ended before it does not', () => {
  const early = run().say({ portCurrent: 9 }, {}, 's').say({ personInZone: true }, {}, 'c')
  early.until(5).say({ personInZone: false }, {}, 'c').until(16).say({ smoke: true }, {}, 'd')
  assert.deepEqual(early.until(100).said, [])
  const inTime = run().say({ portCurrent: 9 }, {}, 's').say({ personInZone: true }, {}, 'c')
  inTime.until(5).say({ personInZone: false }, {}, 'c').until(14).say({ smoke: true }, {}, 'd')
  assert.equal(inTime.said[0]?.at, 14)
})

test('it clears when one of them has not been so for the span, as of when it ended', () => {
  const site = run().say({ smoke: true, portCurrent: 9, personInZone: true })
  site.until(20).say({ personInZone: false }).until(25).say({ personInZone: true }).until(40)
  assert.equal(site.said.length, 1)
  site.say({ personInZone: false }).until(60)
  assert.deepEqual(site.said.at(-1), { at: 50, is: 'clear', drill: false, ended: 40 })
})

test('the first detector’s "no" does not end what the second one says', () => {
  const site = run().say({ smoke: true }, {}, 'd1').say({ smoke: true }, {}, 'd2')
  site.say({ smoke: false }, {}, 'd1').until(50).say({ portCurrent: 9, personInZone: true }, {}, 's')
  assert.equal(site.said.length, 1)
})

test('stored messages that come late are judged by their own times, and clear as they did', () => {
  const site = run()
    .until(1000)
    .say({ smoke: true }, { at: 100 }, 'd')
    .say({ portCurrent: 9 }, { at: 104 }, 's')
  site
    .say({ personInZone: true }, { at: 106 }, 'c')
    .say({ personInZone: false }, { at: 120 }, 'c')
    .until(1001)
  assert.deepEqual(site.said, [
    { at: 1000, is: 'raise', drill: false, since: 106 },
    { at: 1000, is: 'clear', drill: false, ended: 120 },
  ])
})

test('what was over before it was heard of is raised and cleared', () => {
  const site = run().until(1000).say({ smoke: true, portCurrent: 9 }, { at: 100 }, 's')
  site.say({ smoke: false }, { at: 120 }, 's').say({ personInZone: true }, { at: 125 }, 'c').until(1001)
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [
      [1000, 'raise'],
      [1000, 'clear'],
    ],
  )
})

test('a "yes" that comes after the "no" that followed it is history', () => {
  const site = run().until(100).say({ smoke: true }, {}, 'd').until(110).say({ smoke: false }, {}, 'd')
  site.say({ smoke: true }, { at: 105 }, 'd').until(200).say({ portCurrent: 9, personInZone: true }, {}, 's')
  assert.deepEqual(site.said, [])
})

test('what a practising camera proves together with real devices is a drill, and a real one replaces it', () => {
  const context = { isDrill: (id: string) => id === 'camera', hasDrills: () => true }
  const site = run(context).say({ smoke: true }, {}, 'd').say({ portCurrent: 9 }, {}, 's')
  site.until(1).say({ personInZone: true }, {}, 'camera')
  site.until(2).say({ personInZone: true }, {}, 'announced')
  site.until(3).say({ personInZone: false }, {}, 'announced').until(30)
  assert.deepEqual(site.said, [
    { at: 1, is: 'raise', drill: true, since: 1 },
    { at: 2, is: 'clear', drill: true, ended: 2 },
    { at: 2, is: 'raise', drill: false, since: 2 },
    { at: 13, is: 'clear', drill: false, ended: 3 },
    { at: 13, is: 'raise', drill: true, since: 1 },
  ])
})

test('a detector that was taken out says nothing any more', () => {
  const here = new Set(['d', 's', 'c'])
  const site = run({ isHere: (id: string) => here.has(id) }).say({ smoke: true }, {}, 'd')
  site.say({ portCurrent: 9 }, {}, 's').say({ personInZone: true }, {}, 'c')
  here.delete('d')
  site.until(100).restart(100).until(200)
  assert.equal(site.said.at(-1)?.is, 'clear')
})

test('a current that rises is a party too', () => {
  const rising = {
    all: {
      smoke: { when: 'smoke' },
      current: { rises: { quantity: 'portCurrent', by: '2 A', within: '60 s' } },
    },
    within: '10 s',
  } as const
  const site = new RuleRun(together, rising)
  for (let second = 0; second < 300; second += 5)
    site.until(second).say({ portCurrent: 3 + second / 100 }, { part: 'port-1' }, 's')
  site.say({ smoke: true }, {}, 'd')
  assert.deepEqual(site.said, [])
  assert.ok(site.writes < 70, String(site.writes))
  site.until(302).say({ portCurrent: 7.5 }, { part: 'port-1' }, 's')
  assert.deepEqual(site.said, [{ at: 302, is: 'raise', drill: false, since: 302 }])
  assert.deepEqual(
    site.raises[0]?.conditions?.map(({ text, value, margin }) => [text, value, margin]),
    [
      ['smoke', true, undefined],
      ['portCurrent + 2 A / 60 s', 2.05, 0.05],
    ],
  )
  site.until(400).say({ portCurrent: 7.5 }, { part: 'port-1' }, 's')
  assert.equal(site.until(500).said.length, 2)
})

test('a pressed button that nobody takes back ends by itself', () => {
  const site = run().say({ smoke: true }, { lasts: 30 }, 'd').until(50)
  site.say({ portCurrent: 9, personInZone: true }, {}, 's')
  assert.deepEqual(site.said, [])
  site.say({ smoke: true }, { lasts: 30 }, 'd').until(100)
  assert.deepEqual(
    site.said.map(({ at, is }) => [at, is]),
    [
      [50, 'raise'],
      [90, 'clear'],
    ],
  )
})

test('the same said again is not written again', () => {
  const site = run()
  for (let second = 0; second < 50; second++)
    site.until(second).say({ smoke: true, portCurrent: 9 + second / 100 })
  assert.equal(site.writes, 1)
})

test('a clock that jumps does not end what stands', () => {
  const site = run().say({ smoke: true, portCurrent: 9, personInZone: true }).say({ personInZone: false })
  site.until(5).jump(3600)
  assert.equal(site.said.length, 1)
  site.until(site.now + 6)
  assert.equal(site.said.length, 2)
  const back = run()
    .until(5000)
    .say({ smoke: true, portCurrent: 9, personInZone: true })
    .say({ personInZone: false })
  back.jump(-4000).until(1011)
  assert.deepEqual(back.said.at(-1), { at: 1010, is: 'clear', drill: false, ended: 1000 })
})

test('a condition of two quantities is judged by what one device says of itself', () => {
  const hot = {
    all: { hot: { when: 'portTemperature > 60 °C && portPower > 500 W' }, smoke: { when: 'smoke' } },
  }
  const site = new RuleRun(together, hot).say({ smoke: true }, {}, 'd')
  site.say({ portTemperature: 70 }, { part: 'port-1' }, 's').say({ portPower: 900 }, { part: 'port-2' }, 's')
  assert.deepEqual(site.said, [])
  site.say({ portTemperature: 65 }, { part: 'port-2' }, 's')
  assert.equal(site.said.length, 1)
})

test('only of the parts that are named', () => {
  const door = { all: { door: { when: 'doorOpen', parts: ['gate'] }, smoke: { when: 'smoke' } } }
  const context = { partOf: (id: string) => (id === 'contact-1' ? 'gate' : 'cellar') }
  const site = new RuleRun(together, door, context).say({ smoke: true, doorOpen: true }, {}, 'contact-2')
  assert.deepEqual(site.said, [])
  assert.equal(site.say({ doorOpen: true }, {}, 'contact-1').said.length, 1)
})

test('a condition that is none, or of the wrong unit, is a mistake with its path', () => {
  const complaints =
    together.check?.({ all: { smoke: { when: 'smoke' }, current: { when: 'portCurrent > 5 W' } } }) ?? []
  assert.deepEqual(
    complaints.map(({ path }) => path),
    ['/all/current/when'],
  )
})

test('a number with a name can be set, and a name that nothing asks for is a mistake', () => {
  const all = { smoke: { when: 'smoke' }, current: { when: 'portCurrent >= most' } }
  const site = new RuleRun(together, { all, limits: { most: '8 A' } }).say({ smoke: true, portCurrent: 7 })
  assert.deepEqual(site.said, [])
  assert.equal(site.say({ portCurrent: 8 }).said.length, 1)
  const wrong = together.check?.({ all, limits: { most: '8 A', least: '1 A' } }) ?? []
  assert.deepEqual(
    wrong.map(({ path }) => path),
    ['/limits/least'],
  )
})

test('a restart anywhere changes nothing, also where messages come late', () => {
  const told = stories({ smoke: fc.boolean(), portCurrent: fc.integer({ min: 0, max: 9 }) }, 20)
  const all = {
    smoke: { when: 'smoke' },
    current: { rises: { quantity: 'portCurrent' as const, by: '3 A', within: '30 s' } },
  }
  assertRestartsChangeNothing(together, { all, within: '10 s' }, told)
  const both = {
    smoke: { when: 'smoke' },
    high: { when: 'portCurrent > 4 A || (smoke && portCurrent > 2 A)' },
  }
  assertRestartsChangeNothing(together, { all: both, within: '10 s' }, told)
})

const story = fc.array(
  fc.record({
    wait: fc.integer({ min: 1, max: 6 }),
    who: fc.constantFrom('a', 'b'),
    what: fc.constantFrom('smoke', 'heat'),
    so: fc.boolean(),
    restart: fc.boolean(),
  }),
  { maxLength: 40 },
)

test('a second-by-second look at what each device says finds the same, wherever the gateway is restarted', () => {
  fc.assert(
    fc.property(story, fc.nat(5), (steps, within) => {
      const site = new RuleRun(together, {
        all: { smoke: { when: 'smoke' }, heat: { when: 'heat' } },
        within: `${within} s`,
      })
      const says = { smoke: new Set<string>(), heat: new Set<string>() }
      const last = { smoke: -Infinity, heat: -Infinity }
      let stands = false
      const wanted: string[] = []
      const judge = (second: number, isNews: boolean): void => {
        for (const what of ['smoke', 'heat'] as const) if (says[what].size > 0) last[what] = second
        const recent =
          Math.min(last.smoke, last.heat) + within > second || Math.min(last.smoke, last.heat) === second
        const ended = says.smoke.size === 0 || says.heat.size === 0
        if (!stands && isNews && recent) {
          stands = true
          wanted.push(`${second} raise`)
        } else if (stands && ended && second >= Math.min(last.smoke, last.heat) + within) {
          stands = false
          wanted.push(`${second} clear ${Math.min(last.smoke, last.heat)}`)
        }
      }
      for (const { wait, who, what, so, restart } of steps) {
        for (let i = 1; i <= wait; i++) judge(site.now + i, false)
        site.until(site.now + wait)
        if (restart) site.restart()
        const isNews = so && !says[what].has(who)
        if (so) says[what].add(who)
        else says[what].delete(who)
        site.say({ [what]: so }, {}, who)
        judge(site.now, isNews)
      }
      const said = site
        .until(site.now)
        .said.map((one) => `${one.at} ${one.is}${one.is === 'clear' ? ` ${one.ended}` : ''}`)
      assert.deepEqual(said, wanted)
    }),
  )
})
