import assert from 'node:assert/strict'
import test from 'node:test'
import { HoldingRig } from '../tests/holding-rig.ts'

test('the end of a breach is noted in the case that was closed, rejected or withdrawn before it', async (t) => {
  for (const stage of ['closed', 'rejected', 'withdrawn'] as const) {
    for (const restarts of [false, true]) {
      const rig = await HoldingRig.open(t)
      await rig.door('a', true)
      await rig.move(rig.cases()[0]?.key, stage)
      if (restarts) await rig.restart()
      await rig.turn(5)
      await rig.door('a', false)
      await rig.turn(30)
      assert.deepEqual(
        rig.cases().map((one) => [one.stage, one.revision, one.clearedAt]),
        [[stage, 2, '2026-03-02T04:05:00.000Z']],
      )
      assert.deepEqual(
        rig.path.waiting().map(({ revision }) => revision),
        [1, 2],
      )
      assert.equal(rig.path.cases.ongoing, 0)
    }
  }
})

test('what still stands ten minutes after its case was closed is a new case that follows it', async (t) => {
  for (const restarts of [false, true]) {
    const rig = await HoldingRig.open(t)
    await rig.smoke(true)
    const first = rig.cases()[0]?.key
    await rig.turn(3)
    await rig.move(first, 'closed')
    await rig.turn(9)
    if (restarts) await rig.restart()
    assert.equal(rig.cases().length, 1)
    await rig.turn(1)
    const [, second] = rig.cases()
    assert.deepEqual(
      [second?.follows, second?.since, second?.raisedAt, second?.clearedAt],
      [first, '2026-03-02T04:03:00.000Z', '2026-03-02T04:13:00.000Z', null],
    )
    await rig.turn(60)
    await rig.smoke(false)
    assert.ok(rig.cases().every(({ clearedAt }) => clearedAt === '2026-03-02T05:13:00.000Z'))
    assert.equal(rig.cases().length, 2)
  }
})

test('a case that was rejected or withdrawn is not raised again while its breach goes on', async (t) => {
  for (const stage of ['rejected', 'withdrawn'] as const) {
    const rig = await HoldingRig.open(t)
    await rig.door('a', true)
    await rig.move(rig.cases()[0]?.key, stage, '不属本部门')
    await rig.turn(12 * 60)
    await rig.restart()
    await rig.turn(12 * 60)
    assert.equal(rig.cases().length, 1)
    await rig.door('a', false)
    await rig.door('a', true)
    assert.equal(rig.cases().length, 2)
    assert.equal(rig.cases()[1]?.follows, undefined)
  }
})

test('a case that was reopened meanwhile has no follower', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  const key = rig.cases()[0]?.key
  await rig.move(key, 'closed')
  await rig.turn(5)
  await rig.move(key, 'reopened')
  await rig.turn(60)
  assert.deepEqual(
    rig.cases().map(({ revision, count }) => [revision, count]),
    [[1, 1]],
  )
  await rig.door('a', false)
  assert.notEqual(rig.cases()[0]?.clearedAt, null)
})

test('the follower of a closed case is held as any raise is', async (t) => {
  const rig = await HoldingRig.open(t, { door: "quietHours: '12:10-12:40'," })
  await rig.door('a', true)
  const first = rig.cases()[0]?.key
  await rig.turn(5)
  await rig.move(first, 'closed')
  await rig.turn(20)
  assert.equal(rig.cases().length, 1)
  await rig.restart()
  await rig.turn(15)
  assert.deepEqual([rig.cases().length, rig.cases()[1]?.follows], [2, first])
})

test('a repeated move of the old case does not raise the new one again', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  const first = rig.cases()[0]?.key
  await rig.move(first, 'closed')
  await rig.turn(11)
  await rig.move(first, 'closed')
  await rig.turn(60)
  assert.deepEqual(
    rig.cases().map(({ count }) => count),
    [1, 1],
  )
})

test('a case that is still open and still true is escalated, once for each span of its rule', async (t) => {
  for (const restarts of [false, true]) {
    const rig = await HoldingRig.open(t, { door: 'escalate: { after: [30 min, 2 h] },' })
    await rig.door('a', true)
    const steps: (readonly [number, number | undefined])[] = []
    for (let half = 0; half < 12; half++) {
      await rig.turn(15)
      if (restarts) await rig.restart()
      const [one] = rig.cases()
      steps.push([one?.revision ?? 0, one?.escalated])
    }
    assert.deepEqual(steps, [
      [1, undefined],
      ...Array.from({ length: 6 }, () => [2, 1]),
      ...Array.from({ length: 5 }, () => [3, 2]),
    ])
    assert.deepEqual(
      rig.path.waiting().map(({ escalated }) => escalated),
      [undefined, 1, 2],
    )
  }
})

test('what has cleared or is closed escalates no more, and a breach that begins again has its own time', async (t) => {
  const rig = await HoldingRig.open(t, { smoke: 'escalate: { after: 30 min },' })
  await rig.smoke(true)
  await rig.turn(20)
  await rig.smoke(false)
  await rig.turn(60)
  assert.equal(rig.cases()[0]?.escalated, undefined)
  await rig.smoke(true)
  await rig.turn(29)
  assert.equal(rig.cases()[0]?.escalated, undefined)
  await rig.turn(1)
  assert.equal(rig.cases()[0]?.escalated, 1)
  await rig.move(rig.cases()[0]?.key, 'closed')
  await rig.turn(9)
  assert.equal(rig.cases()[0]?.revision, 4)
})

test('a clock that was set back does not put an escalation off for days', async (t) => {
  const rig = await HoldingRig.open(t, { door: 'escalate: { after: 30 min },' })
  await rig.door('a', true)
  rig.clock.jump((rig.clock.now() - 86_400_000) as ReturnType<typeof rig.clock.now>) // a day earlier
  await rig.turn(32)
  assert.equal(rig.cases()[0]?.escalated, 1)
})

test('what the platform rejects and then files away as closed is no new case', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  const key = rig.cases()[0]?.key
  await rig.move(key, 'rejected')
  await rig.move(key, 'closed')
  await rig.turn(60)
  assert.equal(rig.cases().length, 1)
})

test('a second word of the closing does not put the new case off', async (t) => {
  const rig = await HoldingRig.open(t)
  await rig.door('a', true)
  const key = rig.cases()[0]?.key
  await rig.move(key, 'closed')
  await rig.turn(8)
  await rig.move(key, 'closed')
  await rig.turn(2)
  assert.equal(rig.cases().length, 2)
})
