import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant } from '../base/clock.ts'
import { Rise, riseComplaints, type Lows } from './rise.ts'

const settings = { quantity: 'portCurrent', by: '2 A', within: '60 s' } as const

test('a rise is measured from the lowest of the span, but for what one slice of it may hide', () => {
  const rise = new Rise(settings)
  const slice = 5000
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ wait: fc.integer({ min: 100, max: 20_000 }), value: fc.integer({ min: 0, max: 20 }) }),
        { maxLength: 60 },
      ),
      (steps) => {
        let lows: Lows = []
        let at = 0
        const all: [number, number][] = []
        for (const { wait, value } of steps) {
          at += wait
          all.push([at, value])
          const { lows: next, rise: grown } = rise.after(lows, value, instant(at))
          lows = JSON.parse(JSON.stringify(next)) as Lows // as it comes from the database
          const growth = (span: number): number =>
            value - Math.min(...all.filter(([seen]) => seen > at - span).map(([, low]) => low))
          assert.ok(grown <= growth(60_000))
          assert.ok(grown >= growth(60_000 - slice) || grown === growth(60_000))
          assert.ok(lows.length <= 14, String(lows.length))
        }
      },
    ),
  )
})

test('limits of the wrong unit, of what is no number, and of nothing are mistakes', () => {
  const paths = (wrong: object): readonly string[] =>
    riseComplaints({ ...settings, ...wrong }, '').map(({ path }) => path)
  assert.deepEqual(paths({}), [])
  assert.deepEqual(paths({ by: '2 W' }), ['/by'])
  assert.deepEqual(paths({ quantity: 'smoke' }), ['/quantity'])
  assert.deepEqual(paths({ by: '0 A' }), ['/by'])
  assert.deepEqual(paths({ within: '0 s' }), ['/within'])
})
