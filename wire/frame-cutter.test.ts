import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnyShape } from './dny.ts'
import { FrameCutter, mapShape, noFrame, waitFor, type FrameShape } from './frame-cutter.ts'
import { gbShape } from './gb26875.ts'

interface Line {
  readonly kind: 'line'
  readonly text: string
}

/** `<`, one digit of length, the text, `>`; without the `>` it is broken. */
const shape: FrameShape<Line | { readonly kind: 'broken' }> = {
  firstByte: 0x3c,
  longest: 12,
  look(waiting) {
    if (waiting.length() < 2) return waitFor(2)
    const length = waiting.byte(1) - 0x30
    if (length < 0 || length > 9) return noFrame
    if (waiting.length() < length + 3) return waitFor(length + 3)
    const text = waiting.slice(2, length + 2).toString('latin1')
    if (waiting.byte(length + 2) === 0x3e)
      return { is: 'frame', length: length + 3, event: { kind: 'line', text } }
    return { is: 'broken', claims: length + 3, event: () => ({ kind: 'broken' }) }
  },
}

test('a broken frame is told of once, not again for what it claims', () => {
  const cutter = new FrameCutter([shape])
  // Inside the nine bytes of the first stand two more that are broken, and behind them a good one.
  assert.deepEqual(cutter.push(Buffer.from('<9<1aa<1bb..<3end>')), [
    { kind: 'broken' },
    { kind: 'rubbish', bytes: 12 },
    { kind: 'line', text: 'end' },
  ])
  assert.deepEqual(cutter.push(Buffer.from('<1aa<1bb')), [
    { kind: 'broken' },
    { kind: 'rubbish', bytes: 4 },
    { kind: 'broken' },
    { kind: 'rubbish', bytes: 4 },
  ])
})

test('the first whole frame settles the protocol: no beginning of another holds the line after it', () => {
  const named = <E>(name: string, of: FrameShape<E>): FrameShape<string> => mapShape(of, () => name)
  const cutter = new FrameCutter([named('dny', dnyShape), named('gb26875', gbShape)])
  const station = Buffer.from('444E590A003B37AB0401002100 3802'.replace(' ', ''), 'hex')
  const falseStart = Buffer.concat([Buffer.from('@@'), Buffer.alloc(23), Buffer.of(3, 0)])
  assert.deepEqual(cutter.push(falseStart), [])
  assert.deepEqual(cutter.giveUp(), [{ kind: 'rubbish', bytes: falseStart.length }])
  assert.deepEqual(cutter.push(station), ['dny'])
  assert.deepEqual(cutter.push(Buffer.concat([falseStart, station])), [
    { kind: 'rubbish', bytes: falseStart.length },
    'dny',
  ])
})

test('a shape that is mapped tells its broken frames as other events too', () => {
  const cutter = new FrameCutter([mapShape(shape, ({ kind }) => `was ${kind}`)])
  assert.deepEqual(cutter.push(Buffer.from('<2ab><2abc')), [
    'was line',
    'was broken',
    { kind: 'rubbish', bytes: 5 },
  ])
})

test('frames among false beginnings come out the same whole and byte by byte, and no byte is looked at more than four times', () => {
  const frame = Buffer.from('444E590A003B37AB04010021003802'.slice(0, 30), 'hex')
  const streams = [
    Buffer.alloc(3000, '@'),
    Buffer.alloc(3000, 'DNY'),
    Buffer.alloc(3000, 'DNY@@Z'),
    Buffer.concat([Buffer.alloc(400, '@@\x00\x0b'), frame, Buffer.alloc(70, 'DN'), frame]),
  ]
  for (const stream of streams) {
    const cut = (step: number) => {
      const cutter = new FrameCutter([mapShape(dnyShape, () => 'dny'), mapShape(gbShape, () => 'gb')])
      const found: string[] = []
      for (let at = 0; at < stream.length; at += step)
        for (const event of cutter.push(stream.subarray(at, at + step)))
          if (typeof event === 'string') found.push(event)
      for (const event of cutter.giveUp()) if (typeof event === 'string') found.push(event)
      assert.ok(
        cutter.examined <= 4 * stream.length,
        `${cutter.examined} looks at ${stream.length} bytes by ${step}`,
      )
      return found
    }
    const whole = cut(stream.length)
    for (const step of [1, 2, 7, 100]) assert.deepEqual(cut(step), whole)
  }
})

test('what a line idles with is no rubbish', () => {
  const cutter = new FrameCutter([shape], { idleByte: 0xfe })
  const idle = Buffer.alloc(5, 0xfe)
  assert.deepEqual(cutter.push(Buffer.concat([idle, Buffer.from('link<2ab>'), idle])), [
    { kind: 'rubbish', bytes: 4 },
    { kind: 'line', text: 'ab' },
  ])
})
