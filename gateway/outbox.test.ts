import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../base/clock.ts'
import { openStore, tempFolder } from '../tests/fixtures.ts'
import { Draft } from './draft.ts'
import { Outbox, type Entry, type Taken } from './outbox.ts'
import type { Change } from './store/schema.ts'
import { Store } from './store/store.ts'

const entry = (seq: number, key: string, revision: number, isFirstClass = false): Entry => ({
  seq,
  key,
  revision,
  isFirstClass,
  body: `${key}:${revision}`,
})

const put = ({ seq, key, revision, isFirstClass, body }: Entry, held = 0): Change => [
  'putOutbox',
  seq,
  'platform',
  'shed',
  key,
  revision,
  isFirstClass ? 1 : 0,
  held,
  body ?? '',
]

const names = (entries: readonly Entry[]): readonly string[] =>
  entries.map(({ key, revision }) => `${key}:${revision}`)

/** Nothing here writes: the entries are in memory. */
const bare = (): Outbox => new Outbox('platform', Object.create(Store.prototype) as Store, new FakeClock()) // no method of it is called

async function settle(store: Store, outbox: Outbox, taken: Taken, is: 'taken' | 'refused'): Promise<void> {
  const draft = new Draft()
  outbox.settle(taken, is === 'taken' ? { is } : { is, reason: 'wrong' }, draft)
  await store.commit(draft)
}

test('life-safety goes first, and else what came first', () => {
  const outbox = bare()
  for (const next of [
    entry(1, 'a', 1),
    entry(2, 'fire', 1, true),
    entry(3, 'b', 1),
    entry(4, 'smoke', 1, true),
  ])
    outbox.push(next)
  assert.deepEqual(names(outbox.take(3)), ['fire:1', 'smoke:1', 'a:1'])
  assert.deepEqual(names(outbox.take(3)), ['b:1'])
})

test('one revision of a case is under way at a time, the next when it is settled', () => {
  const outbox = bare()
  for (const next of [entry(1, 'a', 1), entry(2, 'a', 2), entry(3, 'b', 1)]) outbox.push(next)
  const [first] = outbox.take(10)
  assert.ok(first)
  assert.deepEqual(names(outbox.take(10)), [])
  outbox.settle(first, { is: 'taken' }, new Draft())
  assert.deepEqual(names(outbox.take(10)), ['a:2'])
})

test('later revisions of a case stay behind the earlier ones in a long backlog', () => {
  const outbox = bare()
  for (const next of [entry(1, 'a', 1), entry(2, 'a', 2), entry(3, 'b', 1), entry(4, 'a', 3)])
    outbox.push(next)
  const order: string[] = []
  for (let [next] = outbox.take(1); next; [next] = outbox.take(1)) {
    order.push(...names([next]))
    outbox.settle(next, { is: 'taken' }, new Draft())
  }
  assert.deepEqual(
    order.filter((name) => name.startsWith('a')),
    ['a:1', 'a:2', 'a:3'],
  )
})

test('what is given back goes first again, in its order', () => {
  const outbox = bare()
  for (const next of [entry(1, 'a', 1), entry(2, 'b', 1), entry(3, 'c', 1), entry(4, 'a', 2)])
    outbox.push(next)
  outbox.giveBack(outbox.take(2))
  assert.deepEqual(names(outbox.take(10)), ['a:1', 'b:1', 'c:1'])
})

test('who waits for work is called once when there is some', () => {
  const outbox = bare()
  let calls = 0
  outbox.onWork(() => calls++)
  const stop = outbox.onWork(() => calls++)
  stop()
  outbox.push(entry(1, 'a', 1))
  outbox.push(entry(2, 'b', 1))
  assert.equal(calls, 1)
})

test('a restart takes over what waits; refused and held entries stay where they are', async (t) => {
  const folder = tempFolder(t)
  const store = await openStore(t, folder)
  const entries = [
    entry(1, 'a', 1),
    entry(2, 'fire', 1, true),
    entry(3, 'b', 1),
    entry(4, 'c', 1),
    entry(5, 'a', 2),
  ]
  await store.put(...entries.map((next) => put(next)), put(entry(6, 'held', 1), 1))
  const first = new Outbox('platform', store, new FakeClock())
  first.load((sha256) => sha256)
  const [fire, a, b] = first.take(3)
  assert.ok(fire && a && b)
  await settle(store, first, fire, 'taken')
  await settle(store, first, b, 'refused')
  assert.deepEqual([first.waiting, first.refused], [3, 1])
  const second = new Outbox('platform', store, new FakeClock())
  second.load((sha256) => sha256)
  assert.deepEqual([second.waiting, second.refused], [3, 1])
  const again = second.take(10)
  assert.deepEqual(
    again.map(({ body }) => body),
    ['a:1', 'c:1'],
  )
  const other = new Outbox('other', store, new FakeClock())
  other.load((sha256) => sha256)
  assert.equal(other.waiting, 0)
})

test('the bodies of a long backlog lie in the database and are read from there', async (t) => {
  const store = await openStore(t, tempFolder(t))
  const outbox = new Outbox('platform', store, new FakeClock())
  const all = Array.from({ length: 4200 }, (_, index) => entry(index + 1, `case-${index}`, 1))
  await store.put(...all.map((next) => put(next)))
  // So that it shows which bodies are read and which were kept.
  await store.put(...all.map(({ seq }): Change => ['releaseOutbox', 'from the database', seq]))
  for (const next of all) outbox.push(next)
  const taken = Array.from({ length: 42 }, () => outbox.take(100)).flat()
  assert.equal(taken.length, 4200)
  assert.deepEqual([...new Set(taken.slice(4000).map(({ body }) => body))], ['from the database'])
  assert.deepEqual(
    taken.slice(0, 4000).map(({ body }) => body),
    all.slice(0, 4000).map(({ body }) => body),
  )
  for (const next of taken) outbox.settle(next, { is: 'taken' }, new Draft())
  outbox.push(entry(9999, 'new', 1))
  assert.equal(outbox.take(1)[0]?.body, 'new:1', 'taken bodies make room for new ones')
})

test('proof files wait for their turn; one that is wanted later holds up no other', async (t) => {
  const store = await openStore(t, tempFolder(t))
  const file = (letter: string) => ({
    sha256: letter,
    size: 1,
    mediaType: 'image/jpeg',
    path: `/evidence/${letter}`,
  })
  for (const letter of ['a', 'b', 'c']) {
    await store.put(
      ['putUpload', 'platform', letter, 'shed', 'key'],
      ['putEvidence', letter, 'shed', 'key', 1, 'image/jpeg', 'sent', 0],
    )
  }
  const outbox = new Outbox('platform', store, new FakeClock())
  outbox.load((sha256) => `/evidence/${sha256}`)
  assert.deepEqual(outbox.nextUpload(), file('a'))
  outbox.postponeUpload(file('a'))
  await outbox.settleUpload(file('b'), { is: 'taken' })
  await outbox.settleUpload(file('c'), { is: 'refused', reason: 'too large' })
  assert.deepEqual([outbox.nextUpload(), outbox.uploads], [file('a'), 1])
  const after = new Outbox('platform', store, new FakeClock())
  after.load((sha256) => `/evidence/${sha256}`)
  assert.deepEqual([after.nextUpload(), after.uploads], [file('a'), 1])
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('push' as const), which: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('take' as const), which: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('give back' as const), which: fc.nat(9) }) },
)

test('whatever is pushed, taken, given back and settled: in order per case, life-safety first, nothing lost or doubled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (script) => {
      const outbox = bare()
      const revisions = new Map<string, number>()
      const settled = new Map<string, number>()
      let underWay: Taken[] = []
      let seq = 0
      const take = (most: number): number => {
        const taken = outbox.take(most)
        for (const { key, revision } of taken) {
          assert.equal(revision, (settled.get(key) ?? 0) + 1, 'out of order, lost or doubled')
          assert.ok(!underWay.some((other) => other.key === key), 'two revisions of a case under way')
        }
        const classes = taken.map(({ isFirstClass }) => isFirstClass)
        assert.deepEqual(classes, [...classes].sort().reverse(), 'life-safety did not go first')
        underWay.push(...taken)
        return taken.length
      }
      const settle = (taken: Taken): void => {
        underWay = underWay.filter((other) => other !== taken)
        outbox.settle(taken, { is: 'taken' }, new Draft())
        settled.set(taken.key, taken.revision)
      }
      for (const { do: what, which } of script) {
        const taken = underWay[which % Math.max(underWay.length, 1)]
        if (what === 'push') {
          const key = `case-${which}`
          const revision = (revisions.get(key) ?? 0) + 1
          revisions.set(key, revision)
          outbox.push(entry(++seq, key, revision, which % 2 === 0))
        } else if (what === 'take') {
          take(which)
        } else if (taken && what === 'settle') {
          settle(taken)
        } else if (taken) {
          underWay = underWay.filter((other) => other !== taken)
          outbox.giveBack([taken])
        }
        const done = [...settled.values()].reduce((sum, revision) => sum + revision, 0)
        assert.equal(outbox.waiting, seq - done)
      }
      do for (const taken of [...underWay]) settle(taken)
      while (take(3) > 0)
      assert.deepEqual(settled, revisions)
      assert.equal(outbox.waiting, 0)
    }),
    { numRuns: 500 },
  )
})
