import assert from 'node:assert/strict'
import test from 'node:test'
import { HoldingRig } from '../tests/holding-rig.ts'
import { isGanglionError } from '../base/errors.ts'
import { countWouldBe } from './would-be.ts'

const who = { by: 'Wang', reason: 'looked at a week of them' }
const counts = (rig: HoldingRig) => countWouldBe(rig.path.store.reader, {})
const refusal = (text: RegExp) => (error: unknown) =>
  isGanglionError(error, 'not-allowed') && text.test(error.message)

test('a rule in shadow counts and shows its would-be cases and raises none, until it is promoted', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'mode: shadow,' })
  await rig.door('a', true)
  await rig.door('a', false)
  await rig.turn(1)
  await rig.door('b', true)
  assert.deepEqual(rig.cases(), [])
  assert.deepEqual(counts(rig), [{ rule: 'door', siteId: 'shed', heldBy: 'shadow', count: 2, held: 1 }])
  const [first] = rig.wouldBe()
  assert.deepEqual(
    [first?.place, first?.class, first?.since, first?.why.rule, first?.outcome],
    ['shed/a', 'door', '2026-03-02T04:00:00.000Z', 'door', 'cleared'],
  )
  await rig.desk.decideMode({ rule: 'door', site: 'shed', mode: 'live', ...who })
  await rig.settle()
  // What still stands is a case now, with the time of its beginning.
  assert.deepEqual(
    rig.cases().map(({ place, since }) => [place, since]),
    [['shed/b', '2026-03-02T04:01:00.000Z']],
  )
  assert.equal(rig.stateOf('rule door at shed'), 'live')
  await rig.restart()
  await rig.door('a', true)
  assert.equal(rig.cases().length, 2)
})

test('a site file puts a rule into shadow, and a demoted rule stays there over a restart', async (t) => {
  const rig = await HoldingRig.open(t, { site: 'trialDays: 0\nshadow: [leak]' })
  await rig.leak(600)
  assert.equal(rig.cases().length, 0)
  await rig.desk.decideMode({ rule: 'door', mode: 'shadow', ...who })
  await rig.restart()
  await rig.door('a', true)
  assert.equal(rig.cases().length, 0)
  assert.equal(rig.stateOf('rule door at shed'), 'shadow')
})

test('who promotes a rule has looked at one version: the next one in shadow stays there', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'mode: shadow,' })
  await rig.desk.decideMode({ rule: 'door', mode: 'live', ...who })
  const { modes } = rig.path.holding
  const rule = { id: 'door', version: 1, isLifeSafety: false, holding: { mode: 'shadow' } }
  const site = { id: 'shed', file: {} }
  const at = (version: number) => modes.at({ ...rule, version } as never, site as never).mode // what `at` looks at
  assert.deepEqual([at(1), at(2)], ['live', 'shadow'])
  // Its class became life-safety since.
  assert.equal(modes.at({ ...rule, version: 2, isLifeSafety: true } as never, site as never).mode, 'live')
})

test('a case that stands when its rule is demoted ends as any other', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  await rig.desk.decideMode({ rule: 'door', mode: 'shadow', ...who })
  await rig.door('a', false)
  assert.notEqual(rig.cases()[0]?.clearedAt, null)
  await rig.door('a', true)
  assert.notEqual(rig.cases()[0]?.clearedAt, null)
})

test('a life-safety rule cannot be put into shadow, and unknown names are said', async (t) => {
  const { desk } = await HoldingRig.open(t)
  await assert.rejects(desk.decideMode({ rule: 'smoke', mode: 'shadow', ...who }), refusal(/always live/))
  await assert.rejects(desk.decideMode({ rule: 'dor', mode: 'shadow', ...who }), /did you mean "door"/)
  await assert.rejects(desk.decideMode({ rule: 'door', site: 'shd', mode: 'live', ...who }), /"shed"/)
})

test('a new site speaks of life-safety only, until its days are over and a person has looked', async (t) => {
  const rig = await HoldingRig.open(t, { site: 'trialDays: 2' })
  await rig.smoke(true)
  await rig.door('a', true)
  assert.deepEqual(
    rig.cases().map((one) => one.class),
    ['smoke'],
  )
  assert.equal(rig.stateOf('site shed'), 'trial')
  assert.deepEqual(counts(rig), [{ rule: 'door', siteId: 'shed', heldBy: 'trial', count: 1, held: 1 }])
  await rig.desk.review('shed')
  await assert.rejects(rig.desk.goLive('shed', 'Li'), refusal(/runs until 2026-03-04/))
  await rig.turn(2 * 24 * 60)
  await rig.restart()
  // The days alone end nothing, and a look of before does not count.
  assert.equal(rig.stateOf('site shed'), 'trial')
  await assert.rejects(rig.desk.goLive('shed', 'Li'), refusal(/nobody has looked/))
  await rig.desk.review('shed')
  await rig.desk.goLive('shed', 'Li')
  await rig.settle()
  assert.deepEqual(
    rig
      .cases()
      .map((one) => one.class)
      .sort(),
    ['door', 'smoke'],
  )
  assert.equal(rig.stateOf('site shed'), 'live')
  await rig.restart()
  assert.equal(rig.path.holding.trials.at(rig.site).liveBy, 'Li')
  await rig.door('b', true)
  assert.equal(rig.cases('door').length, 2)
})

test('a site that spoke is not silenced by another number of days in its file', async (t) => {
  const rig = await HoldingRig.open(t, { site: 'trialDays: 0' })
  await rig.restart({ site: '' })
  await rig.door('a', true)
  assert.equal(rig.cases().length, 1)
})

test('a clock that was never set counts no days of a trial', async (t) => {
  const rig = await HoldingRig.open(t, { site: 'trialDays: 1' }, '1970-01-01T00:00:00Z')
  assert.equal(rig.path.holding.trials.at(rig.site).endsAt, undefined)
  rig.clock.jump(Date.UTC(2026, 2, 2) as ReturnType<typeof rig.clock.now>) // NTP answers
  await rig.turn(2)
  assert.equal(rig.path.holding.trials.at(rig.site).endsAt, Date.UTC(2026, 2, 3) + 60_000)
})

test('a rule whose cases the platform files too seldom falls back to shadow and says so', async (t) => {
  const rig = await HoldingRig.open(t, { box: 'filingRate: { decided: 4, limit: 0.5 }' })
  const stages = ['filed', 'rejected', 'withdrawn', 'rejected'] as const
  for (const stage of stages) {
    await rig.door('a', true)
    const key = rig.cases().find((one) => one.stage === 'raised')?.key
    await rig.door('a', false)
    await rig.move(key, 'accepted')
    await rig.move(key, stage, stage === 'filed' ? undefined : '不属实')
    if (stage === 'filed') await rig.move(key, 'closed')
    await rig.turn(1)
  }
  assert.deepEqual(rig.path.holding.filing.rates(), [
    {
      rule: 'door',
      siteId: 'shed',
      filed: 1,
      refused: 3,
      rate: 0.25,
      reasons: [{ reason: '不属实', cases: 3 }],
    },
  ])
  assert.equal(rig.stateOf('rule door at shed'), 'shadow')
  assert.match(JSON.stringify(rig.path.health.troubles()), /rule door at shed fell back to shadow/)
  await rig.restart()
  await rig.door('a', true)
  assert.equal(rig.cases().length, 4)
  assert.equal(rig.wouldBe().at(-1)?.heldBy, 'shadow')
  // Promoted, it is counted anew: one refusal is not enough.
  await rig.desk.decideMode({ rule: 'door', mode: 'live', ...who })
  await rig.settle()
  await rig.move(rig.cases().at(-1)?.key, 'rejected')
  assert.equal(rig.stateOf('rule door at shed'), 'live')
  assert.deepEqual(
    rig.path.holding.filing.rates().map(({ refused }) => refused),
    [1],
  )
})

test('a life-safety rule never falls back, and drills are not counted', async (t) => {
  const rig = await HoldingRig.open(t, { box: 'filingRate: { decided: 1, limit: 1 }' })
  await rig.smoke(true)
  await rig.move(rig.cases()[0]?.key, 'rejected')
  assert.deepEqual(
    rig.path.holding.filing.rates().map(({ rate }) => rate),
    [0],
  )
  assert.equal(rig.stateOf('rule smoke at shed'), undefined)
  assert.deepEqual(rig.path.health.troubles(), [])
  await rig.smoke(false)
  await rig.smoke(true)
  assert.equal(rig.cases('smoke').length, 2)
  const drills = await HoldingRig.open(t, { box: 'filingRate: { decided: 1, limit: 1 }' })
  await drills.path.pipeline.accept({ deviceId: 's', fields: { test: true } })
  await drills.move(drills.cases()[0]?.key, 'rejected')
  assert.deepEqual(drills.path.holding.filing.rates(), [])
})

test('what the platform thinks again of a case counts as it thinks now', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  const key = rig.cases()[0]?.key
  await rig.move(key, 'rejected')
  await rig.move(key, 'reopened')
  await rig.restart()
  assert.deepEqual(
    rig.path.holding.filing.rates().map(({ filed, refused }) => [filed, refused]),
    [[1, 0]],
  )
})
