import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Detection } from '../gateway/detection.ts'
import { overlap, partInside } from './box.ts'
import { suppress } from './suppress.ts'

const limits = { overlap: 0.45, inside: 0.75 }

function seen(label: string, score: number, x: number, y: number, width: number, height: number): Detection {
  return { label, score, box: { x, y, width, height } }
}

test('of two boxes around one thing the better one stays', () => {
  const better = seen('car', 0.8, 0.1, 0.1, 0.4, 0.2)
  const worse = seen('car', 0.5, 0.12, 0.1, 0.4, 0.2)
  assert.deepEqual(suppress([worse, better], limits), [better])
})

test('an e-bike seen as bicycle and as motorcycle is one', () => {
  const motorcycle = seen('motorcycle', 0.5, 0.1, 0.1, 0.2, 0.2)
  const bicycle = seen('bicycle', 0.3, 0.11, 0.1, 0.2, 0.2)
  assert.deepEqual(suppress([bicycle, motorcycle], limits), [motorcycle])
})

test('a wheel inside a better bicycle is not a second one, though the overlap is small', () => {
  const bicycle = seen('bicycle', 0.6, 0.1, 0.1, 0.4, 0.4)
  const itsWheel = seen('bicycle', 0.3, 0.1, 0.35, 0.15, 0.15)
  assert.deepEqual(suppress([bicycle, itsWheel], limits), [bicycle])
})

test('a rider does not hide the bicycle, and a bicycle beside another stays', () => {
  const bicycle = seen('bicycle', 0.5, 0.1, 0.4, 0.3, 0.3)
  const rider = seen('person', 0.9, 0.1, 0.2, 0.3, 0.5)
  const second = seen('bicycle', 0.4, 0.3, 0.4, 0.3, 0.3)
  assert.deepEqual(suppress([bicycle, rider, second], limits), [rider, bicycle, second])
})

test('what is kept never doubles, and what is dropped was covered by something better', () => {
  const part = fc.double({ min: 0, max: 0.5, noNaN: true })
  const size = fc.double({ min: 0.01, max: 0.5, noNaN: true })
  const score = fc.double({ min: 0.2, max: 1, noNaN: true })
  const one = fc
    .tuple(fc.constantFrom('bicycle', 'motorcycle', 'person'), score, part, part, size, size)
    .map((values) => seen(...values))
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), (found) => {
      const kept = suppress(found, limits)
      const group = (d: Detection): boolean => d.label === 'person'
      const covers = (a: Detection, b: Detection): boolean =>
        group(a) === group(b) &&
        (overlap(a.box, b.box) > limits.overlap || partInside(b.box, a.box) > limits.inside)
      kept.forEach((a, i) => kept.slice(i + 1).forEach((b) => assert.ok(!covers(a, b))))
      for (const lost of found.filter((d) => !kept.includes(d))) {
        assert.ok(kept.some((better) => better.score >= lost.score && covers(better, lost)))
      }
    }),
  )
})
