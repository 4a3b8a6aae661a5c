import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ANY_METER,
  Dlt645Parser,
  decodeAddressReply,
  decodeBcd,
  decodeItemReply,
  encodeBcd,
  encodeDlt645,
  encodeReadAddress,
  encodeReadItem,
  withWakeUp,
  type Dlt645Event,
  type Dlt645Frame,
} from './dlt645.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const METER = '000012345678'

function only(events: readonly Dlt645Event[]): Dlt645Frame {
  assert.equal(events.length, 1)
  const event = events[0]
  assert.ok(event?.kind === 'frame')
  return event
}

const requests = [
  ['001234567890', '00000000', '68 90 78 56 34 12 00 68 11 04 33 33 33 33 55 16'],
  [METER, '02010100', '68 78 56 34 12 00 00 68 11 04 33 34 34 35 C9 16'],
] as const

/** Meter 12345678 answers: item, the number's format, what it says. */
const replies = [
  ['02010100', { decimals: 1, isSigned: false }, 230.1, '91 06 33 34 34 35 34 56 D5 16'],
  ['02030000', { decimals: 4, isSigned: true }, 0.8123, '91 07 33 33 36 35 56 B4 33 8A 16'],
  ['02030000', { decimals: 4, isSigned: true }, -0.8123, '91 07 33 33 36 35 56 B4 B3 0A 16'],
  ['02020100', { decimals: 3, isSigned: true }, 3.512, '91 07 33 34 35 35 45 68 33 2D 16'],
  ['00010000', { decimals: 2, isSigned: false }, 1234.56, '91 08 33 33 34 33 89 67 45 33 B2 16'],
] as const
const replyFrame = (hex: string): Buffer => bytes(`68 78 56 34 12 00 00 68 ${hex}`)

test('requests are those of the worked frames', () => {
  for (const [address, item, hex] of requests) {
    assert.deepEqual(encodeReadItem(address, item), bytes(hex))
    assert.equal(only(new Dlt645Parser().push(bytes(hex))).address, address)
  }
  assert.deepEqual(encodeReadAddress(), bytes('68 AA AA AA AA AA AA 68 13 00 DF 16'))
})

test('the worked replies give their values, and are written back byte for byte', () => {
  for (const [item, format, value, hex] of replies) {
    const frame = only(new Dlt645Parser().push(withWakeUp(replyFrame(hex))))
    const reply = decodeItemReply(frame, { address: METER, item })
    assert.ok(reply.is === 'data')
    assert.equal(decodeBcd(reply.data, format), value)
    const data = Buffer.concat([bytes(item).reverse(), encodeBcd(value, reply.data.length, format)])
    assert.deepEqual(encodeDlt645({ address: METER, control: 0x91, data }), replyFrame(hex))
  }
})

test('a meter says what it has not', () => {
  const frame = only(new Dlt645Parser().push(replyFrame('D1 01 35 EB 16')))
  assert.deepEqual(decodeItemReply(frame, { address: METER, item: '02010200' }), {
    is: 'error',
    reason: 'no such data',
  })
})

test('a meter says its address', () => {
  const data = bytes('78 56 34 12 00 00')
  const frame = only(new Dlt645Parser().push(encodeDlt645({ address: METER, control: 0x93, data })))
  assert.equal(decodeAddressReply(frame), METER)
  assert.equal(decodeAddressReply({ ...frame, control: 0x91 }), undefined)
})

test('any number of wake-up bytes is no rubbish', () => {
  const frame = replyFrame(replies[0][3])
  for (let count = 0; count <= 6; count++)
    only(new Dlt645Parser().push(Buffer.concat([Buffer.alloc(count, 0xfe), frame])))
})

test('16H and 68H within the data end and begin nothing', () => {
  const data = Uint8Array.from([0x00, 0x00, 0x01, 0x00, 0x16 - 0x33 + 256, 0x35, 0x68 - 0x33, 0x35])
  const frame = encodeDlt645({ address: METER, control: 0x91, data })
  assert.ok(frame.includes(0x16) && frame.subarray(8).includes(0x68))
  const parser = new Dlt645Parser()
  const events = [...frame, ...frame].flatMap((byte) => parser.push(Uint8Array.of(byte)))
  assert.equal(events.length, 2)
  assert.deepEqual(only(events.slice(0, 1)).data, data)
})

test('the echo of the request and the reply of another meter are not ours', () => {
  const asked = { address: METER, item: '02010100' }
  const echo = only(new Dlt645Parser().push(bytes(requests[1][2])))
  assert.deepEqual(decodeItemReply(echo, asked), { is: 'other' })
  const frame = only(new Dlt645Parser().push(replyFrame(replies[0][3])))
  assert.deepEqual(decodeItemReply(frame, { ...asked, address: '000000000001' }), { is: 'other' })
  assert.equal(decodeItemReply(frame, { ...asked, address: ANY_METER }).is, 'data')
})

test('another item, and one that goes on in a next frame, are refused', () => {
  const frame = only(new Dlt645Parser().push(replyFrame(replies[0][3])))
  const other = decodeItemReply(frame, { address: METER, item: '02010200' })
  assert.deepEqual(other, { is: 'wrong', reason: 'wanted item 02010200, got 02010100' })
  const more = decodeItemReply({ ...frame, control: 0xb1 }, { address: METER, item: '02010100' })
  assert.equal(more.is, 'wrong')
})

test('a meter of 1997 is refused with a clear word', () => {
  const request = only(new Dlt645Parser().push(bytes('68 67 45 23 01 00 00 68 11 02 44 E9 E0 16')))
  assert.deepEqual([...request.data], [0x11, 0xb6], 'two bytes say what is asked')
  const asked = { address: '000001234567', item: '02010100' }
  for (const control of [0x81, 0xc1, 0x91]) {
    const reply = decodeItemReply({ ...request, control }, asked)
    assert.match(reply.is === 'wrong' ? reply.reason : '', /1997/)
  }
})

test('the sign is taken off before the digits are read, and only where there is one', () => {
  assert.equal(decodeBcd(bytes('34 12 80'), { decimals: 3, isSigned: true }), -1.234)
  assert.equal(decodeBcd(bytes('00 00 80'), { decimals: 3, isSigned: true }), 0)
  assert.equal(decodeBcd(bytes('34 92'), { decimals: 1, isSigned: false }), 923.4)
})

test('what is no decimal digit is no number', () => {
  for (const hex of ['FF FF', '3A 12', 'A3 12', '12 0F', ''])
    assert.equal(decodeBcd(bytes(hex), { decimals: 1, isSigned: false }), undefined, hex)
  assert.throws(() => encodeBcd(1000, 1, { decimals: 0, isSigned: false }), RangeError)
  assert.throws(() => encodeBcd(-1, 1, { decimals: 0, isSigned: false }), RangeError)
  assert.throws(() => encodeReadItem('1234', '02010100'), RangeError)
})

const frames = fc.array(
  fc.record({
    address: fc.stringMatching(/^[0-9]{12}$/),
    control: fc.nat(255),
    data: fc.uint8Array({ maxLength: 200 }),
  }),
  { maxLength: 6 },
)

test('frames come out whole however the stream is cut', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 300 }), (sent, step) => {
      const stream = Buffer.concat(sent.map((frame) => withWakeUp(encodeDlt645(frame))))
      const parser = new Dlt645Parser()
      const got: Dlt645Event[] = []
      for (let at = 0; at < stream.length; at += step)
        got.push(...parser.push(stream.subarray(at, at + step)))
      assert.deepEqual(
        got.map((event) => (event.kind === 'frame' ? encodeDlt645(event) : event)),
        sent.map(encodeDlt645),
      )
    }),
  )
})

test('after rubbish the next frame is heard, and the rubbish is counted', () => {
  const parser = new Dlt645Parser()
  const frame = replyFrame(replies[0][3])
  const events = parser.push(Buffer.concat([bytes('00 A5 68 01'), frame]))
  assert.deepEqual(
    [...events, ...parser.giveUp()].map((event) => (event.kind === 'rubbish' ? event.bytes : event.kind)),
    [4, 'frame'],
  )
})

test('a frame whose sum, end or address is wrong is not believed', () => {
  for (const at of [14, 16, 17, 1]) {
    const frame = replyFrame(replies[0][3])
    frame[at] = (frame[at] ?? 0) ^ 0x0f
    const parser = new Dlt645Parser()
    const kinds = [...parser.push(frame), ...parser.giveUp()].map(({ kind }) => kind)
    assert.deepEqual([...new Set(kinds)], ['rubbish'], `byte ${at}`)
  }
})

test('whatever comes, two frames at most are held and each byte is looked at four times at most', () => {
  const likely = fc.constantFrom(0x68, 0x16, 0x00, 0x33, 200)
  fc.assert(
    fc.property(
      fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 1500 }),
      fc.integer({ min: 1, max: 50 }),
      (noise, step) => {
        const stream = Uint8Array.from(noise)
        const parser = new Dlt645Parser()
        for (let at = 0; at < stream.length; at += step) {
          parser.push(stream.subarray(at, at + step))
          assert.ok(parser.waiting <= 424)
        }
        parser.giveUp()
        assert.ok(parser.examined <= 4 * stream.length)
      },
    ),
  )
})

test('a number comes back as it was written', () => {
  const format = fc.record({ decimals: fc.nat(4), isSigned: fc.boolean() })
  fc.assert(
    fc.property(fc.integer({ min: -79_999_999, max: 79_999_999 }), format, (digits, format) => {
      const value = (format.isSigned ? digits : Math.abs(digits)) / 10 ** format.decimals
      assert.equal(decodeBcd(encodeBcd(value, 4, format), format), value === 0 ? 0 : value)
    }),
  )
})
