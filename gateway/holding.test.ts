import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../base/yaml.ts'
import { HoldingRig, rigBox, type RigWish } from '../tests/holding-rig.ts'
import { tempFolder } from '../tests/fixtures.ts'

const heldBy = (rig: HoldingRig): readonly (readonly [string, string | null])[] =>
  rig.wouldBe().map(({ heldBy: by, outcome }) => [by, outcome])

test('a rule that cools down raises nothing at the place, and what still stands afterwards is raised', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'coolDown: 10 min,' })
  await rig.door('a', true)
  await rig.door('a', false)
  await rig.turn(1)
  await rig.door('a', true)
  assert.equal(rig.cases()[0]?.count, 1)
  await rig.turn(8)
  assert.equal(rig.cases()[0]?.count, 1)
  await rig.turn(1)
  const [door] = rig.cases()
  assert.deepEqual([door?.count, door?.clearedAt], [2, null])
  assert.deepEqual(heldBy(rig), [['cool-down', 'raised']])
})

test('what is over before its hold ends is never raised', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'coolDown: 10 min,' })
  await rig.door('a', true)
  await rig.door('a', false)
  await rig.door('a', true)
  await rig.turn(5)
  await rig.door('a', false)
  await rig.turn(60)
  assert.deepEqual(
    rig.cases().map(({ count, revision }) => [count, revision]),
    [[1, 2]],
  )
  assert.deepEqual(heldBy(rig), [['cool-down', 'cleared']])
  await rig.door('a', true)
  assert.equal(rig.cases()[0]?.count, 2)
})

test('a closed case makes its rule cool down, though the breach had ended long before', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'coolDown: 10 min,' })
  await rig.door('a', true)
  await rig.door('a', false)
  await rig.turn(30)
  await rig.move(rig.cases()[0]?.key, 'closed')
  await rig.door('a', true)
  assert.equal(rig.cases().length, 1)
  await rig.turn(10)
  assert.equal(rig.cases().length, 2)
})

test('in quiet hours nothing is raised, and what stands at their end is', async (t) => {
  const rig = await HoldingRig.open(t, { door: "quietHours: '12:30-13:00'," })
  await rig.turn(31)
  await rig.door('a', true)
  await rig.door('b', true)
  await rig.door('b', false)
  assert.equal(rig.cases().length, 0)
  await rig.restart()
  await rig.turn(30)
  assert.deepEqual(
    rig.cases().map(({ place, since, raisedAt }) => [place, since, raisedAt]),
    [['shed/a', '2026-03-02T04:31:00.000Z', '2026-03-02T05:00:00.000Z']],
  )
})

test('what a site has permitted raises nothing until then, and is raised afterwards where it still stands', async (t) => {
  const rig = await HoldingRig.open(t, {
    door: '',
    site: 'trialDays: 0\nexemptions: [{ class: door, from: 2026-03-02 12:00, to: 2026-03-02 12:30, reason: moving house }]',
  })
  await rig.door('a', true)
  await rig.door('b', true)
  await rig.turn(10)
  await rig.door('b', false)
  assert.equal(rig.cases().length, 0)
  await rig.turn(20)
  assert.deepEqual(
    rig.cases().map(({ place }) => place),
    ['shed/a'],
  )
  assert.deepEqual(heldBy(rig), [
    ['exemption', 'raised'],
    ['exemption', 'cleared'],
  ])
})

test('a site sets its own quiet hours in its own time zone', async (t) => {
  const rig = await HoldingRig.open(t, {
    door: "quietHours: '12:00-13:00',",
    site: "trialDays: 0\ntimeZone: Europe/Berlin\nholding: { door: { quietHours: '05:00-06:00' } }",
  })
  await rig.door('a', true)
  assert.equal(rig.cases().length, 0)
  await rig.turn(60)
  assert.equal(rig.cases().length, 1)
})

test('no more cases than its quota; the next period takes those that still stand, first come first', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'quota: { cases: 1, per: 1 h },' })
  await rig.door('b', true)
  await rig.turn(10)
  await rig.door('a', true)
  // A further revision costs nothing.
  await rig.door('b', false)
  await rig.door('b', true)
  assert.deepEqual(
    rig.cases().map(({ place, count }) => [place, count]),
    [['shed/b', 2]],
  )
  await rig.turn(50)
  assert.deepEqual(
    rig.cases().map(({ place }) => place),
    ['shed/b', 'shed/a'],
  )
  assert.deepEqual(heldBy(rig), [['quota', 'raised']])
})

test('a fire silences the classes that its rule names, until it has cleared or its case has ended', async (t) => {
  for (const end of ['clear', 'close'] as const) {
    const rig = await HoldingRig.open(t, { smoke: 'inhibits: [door],' })
    await rig.smoke(true)
    await rig.door('a', true)
    await rig.leak(600)
    assert.deepEqual(
      rig
        .cases()
        .map((one) => one.class)
        .sort(),
      ['leak', 'smoke'],
    )
    await rig.restart()
    if (end === 'clear') await rig.smoke(false)
    else await rig.move(rig.cases('smoke')[0]?.key, 'closed')
    assert.equal(rig.cases('door').length, 1, end)
    // The other way round it never works.
    await rig.smoke(false)
    await rig.smoke(true)
    assert.ok(rig.cases('smoke').some(({ clearedAt }) => clearedAt === null))
  }
})

test('a drill silences nobody', async (t) => {
  const rig = await HoldingRig.open(t, { smoke: 'inhibits: [door],' })
  await rig.path.pipeline.accept({ deviceId: 's', fields: { test: true, smoke: false } })
  assert.equal(rig.cases('smoke')[0]?.drill, true)
  await rig.door('a', true)
  assert.equal(rig.cases('door').length, 1)
})

test('a fire case that stands ends no hold by being told again', async (t) => {
  const rig = await HoldingRig.open(t, { smoke: 'inhibits: [door],', door: "quietHours: '12:10-12:20'," })
  await rig.smoke(true)
  await rig.door('a', true)
  await rig.turn(11)
  await rig.smoke(false)
  // Silenced by the fire first, then by the hour.
  assert.deepEqual(heldBy(rig), [
    ['inhibition', 'passed-on'],
    ['quiet-hours', null],
  ])
  await rig.turn(9)
  assert.equal(rig.cases('door').length, 1)
})

test('what is held is taken back with the message that the store refused', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'mode: shadow,' })
  const { holding, store } = rig.path
  const refuse = t.mock.method(store, 'commit', (unit: { undo(): void }) => {
    unit.undo()
    return Promise.reject(new Error('refused'))
  })
  await assert.rejects(rig.path.pipeline.accept({ deviceId: 'a', fields: { open: true } }))
  refuse.mock.restore()
  await rig.desk.decideMode({ rule: 'door', mode: 'live', by: 'tester', reason: '' })
  assert.ok(holding)
  await rig.turn(5)
  assert.equal(rig.cases().length, 0)
  await rig.door('a', true)
  assert.equal(rig.cases().length, 1)
})

test('a pack that would silence a life-safety class is refused with its line and what to do', async (t) => {
  const mistakesOf = async (wish: RigWish): Promise<readonly string[]> => {
    try {
      await rigBox(tempFolder(t), wish)
    } catch (error) {
      assert.ok(error instanceof ConfigError)
      return error.mistakes.map(({ line, path, text }) => `${line} ${path}: ${text}`)
    }
    return []
  }
  assert.deepEqual(
    await mistakesOf({ smoke: "coolDown: 1 min, quietHours: '22:00-06:00', quota: { cases: 1, per: 1 d }," }),
    ['coolDown', 'quietHours', 'quota'].map(
      (key) =>
        `4 /rules/smoke/${key}: class "smoke" is life-safety: it ignores cool-down, quiet hours and quota; remove "${key}"`,
    ),
  )
  assert.match(
    (await mistakesOf({ smoke: 'mode: shadow,' }))[0] ?? '',
    /^4 \/rules\/smoke\/mode: .*always live/,
  )
  assert.match(
    (await mistakesOf({ door: 'inhibits: [leak, smoke],' }))[0] ?? '',
    /^5 \/rules\/door\/inhibits\/1: class "smoke" is life-safety: nothing silences it/,
  )
  assert.match((await mistakesOf({ door: 'inhibits: [door],' }))[0] ?? '', /cannot silence itself/)
  assert.match((await mistakesOf({ door: "quietHours: '08:00-08:00'," }))[0] ?? '', /wanted hours that end/)
  assert.match((await mistakesOf({ door: 'escalate: { after: [1 h, 30 min] },' }))[0] ?? '', /each longer/)
  assert.match((await mistakesOf({ door: 'quota: { cases: 1, per: 0 s },' }))[0] ?? '', /above zero/)
  const site = 'holding: { smoke: { coolDown: 1 min }, dor: {} }\nshadow: [smoke, leek]'
  assert.deepEqual(await mistakesOf({ site }), [
    '7 /holding/smoke/coolDown: class "smoke" is life-safety: it ignores cool-down, quiet hours and quota; remove "coolDown"',
    '7 /holding/dor: unknown rule "dor"; did you mean "door"?',
    '8 /shadow/0: class "smoke" of "smoke" is life-safety: its rules are always live; remove it here',
    '8 /shadow/1: unknown rule "leek"; did you mean "leak"?',
  ])
})

type Event =
  | { readonly do: 'door'; readonly at: 'a' | 'b'; readonly open: boolean }
  | { readonly do: 'leak'; readonly mA: number }
  | { readonly do: 'smoke'; readonly on: boolean }
  | { readonly do: 'turn'; readonly minutes: number }
  | { readonly do: 'close'; readonly which: number }

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('door'),
      at: fc.constantFrom('a', 'b'),
      open: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leak'), mA: fc.constantFrom(100, 600, 600) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('smoke'), on: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn'), minutes: fc.constantFrom(1, 7, 20, 60) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), which: fc.nat(3) }) },
)

async function act(rig: HoldingRig, next: Event): Promise<void> {
  if (next.do === 'door') await rig.door(next.at, next.open)
  else if (next.do === 'leak') await rig.leak(next.mA)
  else if (next.do === 'smoke') await rig.smoke(next.on)
  else if (next.do === 'turn') await rig.turn(next.minutes)
  else await rig.move(rig.cases()[next.which]?.key, 'closed')
}

const restrained: RigWish = {
  smoke: 'inhibits: [door],',
  door: "coolDown: 15 min, quietHours: '12:30-13:10', quota: { cases: 2, per: 1 h }, escalate: { after: [20 min, 1 h] },",
  leak: "coolDown: 5 min, quietHours: '13:00-13:30', inhibits: [door],",
}

const told = (rig: HoldingRig): string => JSON.stringify(rig.cases())

test('a restart in the middle of whatever holds changes no case', async (t) => {
  let held = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(event, fc.nat(4)), { minLength: 15, maxLength: 30, size: 'max' }),
      async (script) => {
        const [plain, restarted] = [
          await HoldingRig.open(t, restrained),
          await HoldingRig.open(t, restrained),
        ]
        for (const [next, chance] of script) {
          await act(plain, next)
          await act(restarted, next)
          if (chance === 0) await restarted.restart()
          assert.equal(told(restarted), told(plain))
        }
        held += plain.wouldBe().length
        await plain.path.stop()
        await restarted.path.stop()
      },
    ),
    { numRuns: 8 },
  )
  assert.ok(held > 5, `only ${held} raises were held`)
})

test('suppression crosses no class and no place: each place has the cases that it would have alone', async (t) => {
  const wish: RigWish = {
    door: "coolDown: 15 min, quietHours: '12:30-13:10',",
    leak: "coolDown: 5 min, quietHours: '13:00-13:30', inhibits: [parking],",
  }
  let cases = 0
  const isAbout: Readonly<Record<string, (next: Event) => boolean>> = {
    'shed/a': (next) => next.do === 'turn' || (next.do === 'door' && next.at === 'a'),
    'shed/b': (next) => next.do === 'turn' || (next.do === 'door' && next.at === 'b'),
    'shed/meter': (next) => next.do === 'turn' || next.do === 'leak',
    'shed/s': (next) => next.do === 'turn' || next.do === 'smoke',
  }
  const notClosed = event.filter((next) => next.do !== 'close')
  await fc.assert(
    fc.asyncProperty(fc.array(notClosed, { minLength: 5, maxLength: 20, size: 'max' }), async (script) => {
      const all = await HoldingRig.open(t, wish)
      for (const next of script) await act(all, next)
      for (const [place, isOwn] of Object.entries(isAbout)) {
        const alone = await HoldingRig.open(t, wish)
        for (const next of script) if (isOwn(next)) await act(alone, next)
        const there = (rig: HoldingRig): string =>
          JSON.stringify(rig.cases().filter((one) => one.place === place))
        assert.equal(there(all), there(alone), place)
        await alone.path.stop()
      }
      cases += all.cases().length
      await all.path.stop()
    }),
    { numRuns: 6 },
  )
  assert.ok(cases > 5, `only ${cases} cases came`)
})

test('whatever stands around it, a life-safety alarm is a case at once', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 12, size: 'max' }), async (script) => {
      const rig = await HoldingRig.open(t, { ...restrained, site: '' })
      for (const next of script) await act(rig, next)
      await rig.smoke(false)
      await rig.smoke(true)
      const newest = rig.cases('smoke').at(-1)
      assert.deepEqual([newest?.clearedAt, newest?.stage === 'closed'], [null, false])
      assert.equal(rig.wouldBe().filter((one) => one.class === 'smoke').length, 0)
      await rig.path.stop()
    }),
    { numRuns: 10 },
  )
})
