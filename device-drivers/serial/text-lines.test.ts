import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../../base/clock.ts'
import { TextLines } from './text-lines.ts'

function cutter(longest = 20) {
  const clock = new FakeClock()
  const cut: string[] = []
  const lines = new TextLines({
    clock,
    longest,
    line: (text) => cut.push(text),
    tooLong: () => cut.push('too long'),
  })
  return { clock, cut, push: (text: string) => lines.push(Buffer.from(text)) }
}

test('a line ends by CR, LF, ETX or silence, wherever its chunks are cut', async () => {
  const { clock, cut, push } = cutter()
  push('\u000289D4')
  await clock.turn(50)
  push('1B81\u0003\r\n01\n')
  push('02')
  await clock.turn(99)
  assert.deepEqual(cut, ['89D41B81', '01'])
  await clock.turn(1)
  assert.deepEqual(cut, ['89D41B81', '01', '02'])
})

test('a line without an end is counted once and does not spoil the next one', async () => {
  const { cut, push } = cutter()
  for (let i = 0; i < 100; i++) push('x'.repeat(100))
  push('\nok\n')
  assert.deepEqual(cut, ['too long', 'ok'])
})

test('whatever comes, no line is longer than its bound', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 50 })), (chunks) => {
      const { cut, push } = cutter()
      for (const chunk of chunks) push(chunk)
      assert.ok(cut.every((line) => line.length <= 20))
    }),
  )
})
