import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { later, type FakeClock } from '../base/clock.ts'
import type { Away, Connector, DeliveryAnswer, ProofFile } from '../gateway/ports.ts'
import type { StageMove } from '../gateway/stage.ts'
import type { PlatformFault } from '../simulator/platform/fault.ts'
import { clearedCase, deliveries, deliveryOf, exampleCase } from './example-case.ts'

/** A connector and a real far end on a real wire, with one clock for both. */
export interface Rig {
  readonly connector: Connector
  readonly clock: FakeClock
  /** Revisions that the far end has, each once. */
  received(): readonly { readonly key: string; readonly revision: number }[]
  /** Requests or messages that reached the far end, answered or not. */
  requests(): number
  setFault(fault: PlatformFault | undefined): Promise<void>
  stop(): Promise<void>
}

const never = new AbortController().signal
const taken: DeliveryAnswer = { is: 'taken' }

/** What every connector that answers must do: nothing is lost, nothing is doubled, every trouble has its word. */
export function connectorSuite(name: string, start: () => Promise<Rig>): void {
  // The limit is for a suite that waits for ever; nothing here is timed.
  describe(`the ${name} connector`, { timeout: 120_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'ganglion-proof-'))
    let rig: Rig
    let from = 0
    /** Cases that no other test has sent. */
    const fresh = (count: number) => {
      from += count
      return deliveries(count, from - count)
    }
    const ids = (list: readonly { readonly key: string; readonly revision: number }[]): readonly string[] =>
      list.map(({ key, revision }) => `${key}:${revision}`)
    const has = (list: readonly { readonly key: string; readonly revision: number }[]): number =>
      ids(rig.received()).filter((id) => ids(list).includes(id)).length

    before(async () => {
      rig = await start()
    })
    after(async () => {
      await rig.connector.close()
      await rig.stop()
      rmSync(folder, { recursive: true })
    })

    test('every delivery of a batch is answered, in order, and comes once', async () => {
      const batch = fresh(250)
      assert.deepEqual(
        await rig.connector.send(batch, never),
        Array.from({ length: 250 }, () => taken),
      )
      assert.equal(has(batch), 250)
    })

    test('one delivery alone is answered', async () => {
      const [one] = fresh(1)
      assert.ok(one)
      assert.deepEqual(await rig.connector.send([one], never), [taken])
      assert.equal(has([one]), 1)
    })

    test('a case and its clearing are two revisions of one case', async () => {
      const raised = exampleCase({ place: 'garden-shed/cleared' })
      const cleared = clearedCase(raised, later(rig.clock.now(), 60_000))
      const both = [deliveryOf(raised), deliveryOf(cleared)]
      assert.deepEqual(await rig.connector.send(both, never), [taken, taken])
      assert.equal(has(both), 2)
    })

    test('what is sent again is taken again and changes nothing', async () => {
      const batch = fresh(5)
      await rig.connector.send(batch, never)
      const before = rig.received().length
      assert.deepEqual(
        await rig.connector.send(batch, never),
        Array.from({ length: 5 }, () => taken),
      )
      const [one] = batch
      assert.ok(one)
      assert.deepEqual(await rig.connector.send([one], never), [taken])
      assert.equal(rig.received().length, before)
    })

    for (const fault of ['refused', 'unavailable', 'nonsense'] as const) {
      test(`a far end that is ${fault} is away, and what waited is taken when it is back`, async () => {
        const batch = fresh(3)
        const answer = awayOf(await withFault(fault, () => rig.connector.send(batch, never)))
        assert.equal(answer.waitMs, undefined)
        assert.equal(answer.reason.startsWith('platform-nonsense'), fault === 'nonsense', answer.reason)
        assert.equal(has(batch), 0)
        assert.deepEqual(await rig.connector.send(batch, never), [taken, taken, taken])
        assert.equal(has(batch), 3)
      })
    }

    test('a far end that asks for time says how much', async () => {
      const answer = awayOf(await withFault('retry-after', () => rig.connector.send(fresh(1), never)))
      assert.equal(answer.waitMs, 2000)
    })

    test('a far end that never answers is away after the time-out', async () => {
      const batch = fresh(2)
      const answer = await withFault('hanging', async () => {
        const before = rig.requests()
        const sent = rig.connector.send(batch, never)
        await until(() => rig.requests() > before)
        await rig.clock.turn(12_000)
        return sent
      })
      assert.match(awayOf(answer).reason, /did not answer/)
      assert.deepEqual(await rig.connector.send(batch, never), [taken, taken])
    })

    test('a slow answer is an answer', async () => {
      const batch = fresh(2)
      const answer = await withFault('slow', async () => {
        const sent = rig.connector.send(batch, never)
        await until(() => has(batch) === 2)
        await rig.clock.turn(2000)
        return sent
      })
      assert.deepEqual(answer, [taken, taken])
    })

    test('when the answer is lost, the next try is taken and nothing is doubled', async () => {
      const batch = fresh(4)
      awayOf(await withFault('lost-answer', () => rig.connector.send(batch, never)))
      assert.equal(has(batch), 4)
      const before = rig.received().length
      assert.deepEqual(await rig.connector.send(batch, never), [taken, taken, taken, taken])
      assert.equal(rig.received().length, before)
    })

    test('a refusal is for good and says why', async () => {
      const answers = await withFault('refuse-cases', () => rig.connector.send(fresh(3), never))
      assert.ok(!('is' in answers))
      assert.equal(answers.length, 3)
      for (const answer of answers) {
        assert.ok(answer.is === 'refused' && answer.reason.length > 0)
      }
    })

    test('a case outside the contract is refused alone and does not hold up the others', async () => {
      const [first, last] = fresh(2)
      assert.ok(first && last)
      const poisoned = { ...deliveryOf(exampleCase({ place: 'garden-shed/poisoned', gridCode: 'nowhere' })) }
      const answers = await rig.connector.send([first, poisoned, last], never)
      assert.ok(!('is' in answers))
      assert.deepEqual(
        answers.map(({ is }) => is),
        ['taken', 'refused', 'taken'],
      )
    })

    test('stopping ends a request that is under way', async () => {
      const stop = new AbortController()
      await withFault('hanging', async () => {
        const before = rig.requests()
        const sent = rig.connector.send(fresh(1), stop.signal)
        await until(() => rig.requests() > before)
        stop.abort()
        awayOf(await sent)
        awayOf(await rig.connector.send(fresh(1), stop.signal))
      })
    })

    test('stages come after the cursor, each once, and survive the far end being away', async () => {
      const cursor = await drain(rig)
      const [one] = fresh(1)
      assert.ok(one)
      await rig.connector.send([one], never)
      const first = await movesOf(rig, cursor)
      assert.deepEqual(
        first.moves.map(({ key, stage }) => [key, stage]),
        [[one.key, 'delivered']],
      )
      awayOf(await withFault('unavailable', () => rig.connector.stages(first.cursor, never)))
      awayOf(await withFault('nonsense', () => rig.connector.stages(first.cursor, never)))
      await rig.clock.turn(2000)
      const next = await movesOf(rig, first.cursor)
      assert.ok(next.moves.some(({ key, stage }) => key === one.key && stage === 'accepted'))
    })

    test('a question for stages is answered as soon as there is one', async () => {
      const cursor = await drain(rig)
      const before = rig.requests()
      const asked = rig.connector.stages(cursor, never)
      await until(() => rig.requests() > before)
      const [one] = fresh(1)
      assert.ok(one)
      await rig.connector.send([one], never)
      const answer = await asked
      assert.ok('moves' in answer)
      assert.equal(answer.moves[0]?.key, one.key)
    })

    test('a small proof is brought, and brought again', async () => {
      const file = proofOf(folder, 5000)
      assert.deepEqual(await rig.connector.sendProof(file, never), taken)
      assert.deepEqual(await rig.connector.sendProof(file, never), taken)
    })

    test('a large proof is brought in parts, and goes on after a broken line', async () => {
      const file = proofOf(folder, 1_700_000)
      awayOf(await withFault('lost-answer', () => rig.connector.sendProof(file, never)))
      awayOf(await withFault('unavailable', () => rig.connector.sendProof(file, never)))
      assert.deepEqual(await rig.connector.sendProof(file, never), taken)
      assert.deepEqual(await rig.connector.sendProof(file, never), taken)
    })

    test('a proof file that is gone, cut short or changed is refused and says why', async () => {
      const gone = { ...proofOf(folder, 10), path: join(folder, 'nowhere.jpg') }
      const short = { ...proofOf(folder, 100), size: 101 }
      const changedSmall = { ...proofOf(folder, 100), path: proofOf(folder, 100).path }
      const changedLarge = { ...proofOf(folder, 1_200_000), path: proofOf(folder, 1_200_000).path }
      for (const file of [gone, short, changedSmall, changedLarge]) {
        const answer = await rig.connector.sendProof(file, never)
        assert.ok(answer.is === 'refused' && answer.reason.length > 0, JSON.stringify(answer))
        assert.equal(/shorter/.test(answer.reason), file === short)
      }
    })

    async function withFault<T>(fault: PlatformFault, work: () => Promise<T>): Promise<T> {
      await rig.setFault(fault)
      try {
        return await work()
      } finally {
        await rig.setFault(undefined)
      }
    }
  })
}

/** Lets sockets go on until it is so; no clock is read. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

export function awayOf(answer: object): Away {
  assert.ok('is' in answer && answer.is === 'away', `wanted away; got ${JSON.stringify(answer)}`)
  return answer as Away // by the line above
}

async function movesOf(
  rig: Rig,
  cursor: string,
): Promise<{ readonly moves: readonly StageMove[]; readonly cursor: string }> {
  const answer = await rig.connector.stages(cursor, never)
  assert.ok('moves' in answer, JSON.stringify(answer))
  return answer
}

/** Takes every move there is. A question that finds none is ended by turning the clock, which harms no other. */
async function drain(rig: Rig): Promise<string> {
  await rig.clock.turn(60_000)
  let cursor = ''
  for (;;) {
    const before = rig.requests()
    const asked = rig.connector.stages(cursor, never)
    await until(() => rig.requests() > before)
    await rig.clock.turn(25_000)
    const came = await asked
    assert.ok('moves' in came, JSON.stringify(came))
    cursor = came.cursor
    if (came.moves.length === 0) return cursor
  }
}

export function proofOf(folder: string, size: number): ProofFile {
  const bytes = randomBytes(size)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const path = join(folder, `${sha256}.jpg`)
  writeFileSync(path, bytes)
  return { sha256, size, mediaType: 'image/jpeg', path }
}
