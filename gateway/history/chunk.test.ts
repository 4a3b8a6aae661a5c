import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { instant } from '../../base/clock.ts'
import { quantityIds } from '../quantity.ts'
import type { Reading } from '../reading.ts'
import { ChunkBuilder } from './chunk-builder.ts'
import type { PointNames, PointNumbers } from './chunk-format.ts'
import { readChunk, readPoint } from './read-chunk.ts'
import type { Recorded } from './recorded.ts'

const HOUR_MS = 3_600_000
/** As JSON makes them. */
const plain = { noNullPrototype: true }
const begin = Date.parse('2026-03-02T08:00:00+08:00')
const owner = { siteId: 'shed', deviceId: 'meter' }

class Numbers implements PointNumbers, PointNames {
  readonly names: { quantity: string; part: string }[] = []

  numberOf(quantity: string, part: string): number {
    const known = this.names.findIndex((name) => name.quantity === quantity && name.part === part)
    return known >= 0 ? known : this.names.push({ quantity, part }) - 1
  }

  nameOf(point: number): { quantity: string; part: string } {
    return this.names[point] ?? { quantity: '', part: '' }
  }
}

const time = fc.integer({ min: begin, max: begin + HOUR_MS }).map(instant)

const reading: fc.Arbitrary<Reading> = fc
  .record(
    {
      quantity: fc.constantFrom(...quantityIds.slice(0, 6)),
      part: fc.constantFrom('', 'port-1', 'port-2'),
      value: fc.oneof(
        fc.integer({ min: 0, max: 5000 }).map((n) => n / 10),
        fc.boolean(),
        fc.string({ maxLength: 8 }),
      ),
      quality: fc.constantFrom('good' as const, 'at-limit' as const, 'bad' as const),
      at: time,
      lastsMs: fc.option(fc.constantFrom(600_000, 0.5), { nil: undefined }),
    },
    plain,
  )
  .map(({ lastsMs, ...rest }) => (lastsMs === undefined ? rest : { ...rest, lastsMs }))

const part = fc.integer({ min: 0, max: 10_000 }).map((n) => n / 10_000)
const track = fc.record(
  {
    label: fc.constantFrom('bicycle', 'person'),
    score: part,
    box: fc.record({ x: part, y: part, width: part, height: part }, plain),
    trackId: fc.nat(),
    firstSeen: time,
    lastSeen: time,
  },
  plain,
)
const observed = fc.record(
  {
    at: time,
    stays: fc.array(
      fc.record({ zone: fc.constantFrom('lane', 'door'), tracks: fc.array(track, { maxLength: 3 }) }, plain),
      {
        maxLength: 2,
      },
    ),
    model: fc.constantFrom('centernet', 'yolox'),
    thresholds: fc.constantFrom({}, { bicycle: 0.35, person: 0.5 }),
  },
  plain,
)

const message = fc
  .record(
    {
      at: time,
      readings: fc.array(reading, { maxLength: 5 }),
      sort: fc.constantFrom('plain', 'plain', 'camera', 'retained'),
      observed,
    },
    plain,
  )
  .map(({ at, readings, sort, observed: seen }): Recorded => {
    const told = { is: 'message', at, ...owner, readings } as const
    if (sort === 'retained') return { ...told, notSaid: at % 2 === 0 ? 'retained' : 'noted' }
    return sort === 'camera'
      ? { ...told, observation: { deviceId: owner.deviceId, readings, ...seen } }
      : told
  })

const recorded: fc.Arbitrary<Recorded> = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 1, arbitrary: time.map((at): Recorded => ({ is: 'start', at })) },
  { weight: 1, arbitrary: time.map((at): Recorded => ({ is: 'jump', at, by: -1500 })) },
  { weight: 1, arbitrary: time.map((at): Recorded => ({ is: 'unanswered', at, deviceId: 'meter' })) },
)

test('a chunk gives back every message, reading, sight and mark as it was', () => {
  fc.assert(
    fc.property(fc.array(recorded, { minLength: 1, maxLength: 40 }), (all) => {
      const numbers = new Numbers()
      const builder = new ChunkBuilder()
      all.forEach((one, i) => builder.add(i * 3, one, numbers))
      const back = readChunk(builder.bytes(), owner, numbers)
      assert.deepEqual(back.recorded, all)
      assert.deepEqual(
        back.positions,
        all.map((_, i) => i * 3),
      )
    }),
    { numRuns: 300 },
  )
})

test('one point alone reads the same as picking it from all', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 30 }), (all) => {
      const numbers = new Numbers()
      const builder = new ChunkBuilder()
      all.forEach((one, i) => builder.add(i, one, numbers))
      const bytes = builder.bytes()
      numbers.names.forEach(({ quantity, part: wanted }, point) => {
        const picked = all.flatMap((one) =>
          one.is === 'message'
            ? one.readings
                .filter((own) => own.quantity === quantity && own.part === wanted)
                .map(({ value, quality, at }) => ({ value, quality, at, arrived: one.at }))
            : [],
        )
        const series = readPoint(bytes, point)
        assert.ok(series)
        assert.deepEqual(
          series.values.map((value, i) => ({
            value,
            quality: series.qualities?.[i] ?? 'good',
            at: series.at[i],
            arrived: series.arrived[i],
          })),
          picked,
        )
      })
      assert.equal(readPoint(bytes, numbers.names.length), undefined)
    }),
    { numRuns: 200 },
  )
})
