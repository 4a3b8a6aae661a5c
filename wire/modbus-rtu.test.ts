import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  encodeException,
  encodeRegistersReply,
  encodeRequest,
  encodeRtu,
  type ReadRequest,
} from './modbus.ts'
import { RtuReplyParser, describeRtu, rtuGapMs, type RtuAsk } from './modbus-rtu.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
type ReadAsk = RtuAsk & { readonly request: ReadRequest }
const ask = (unit: number, address: number, count: number): ReadAsk => ({
  unit,
  request: { function: 3, address, count },
})
const sentOf = ({ unit, request }: RtuAsk): Buffer => encodeRtu(unit, encodeRequest(request))
const parserOf = (asked: RtuAsk): RtuReplyParser => new RtuReplyParser(asked, sentOf(asked))
const replyOf = (unit: number, ...words: number[]): Buffer => encodeRtu(unit, encodeRegistersReply(3, words))

/** Worked frames: a charging station, an arc detector, a carbon monoxide sensor. */
const worked: readonly (readonly [ReadAsk, string])[] = [
  [ask(11, 0x100, 8), '0B 03 10 0001 0898 01C7 03E8 0030 0E10 0026 0000 3D CB'],
  [ask(5, 0, 12), '05 03 18 00 05 00 01 01 6D 01 9C FF FF FF FF 02 8F 01 9C 7F FF 80 00 00 10 00 0C 83 2F'],
  [ask(7, 0, 5), '07 03 0A 0001 0057 0108 0001 0001 76 35'],
]

test('the worked replies are found, whole and byte by byte', () => {
  for (const [asked, hex] of worked) {
    const whole = parserOf(asked).push(bytes(hex))
    assert.ok(whole?.is === 'data')
    assert.equal(whole.data.length, 2 * asked.request.count)
    const parser = parserOf(asked)
    const found = [...bytes(hex)].map((byte) => parser.push(Uint8Array.of(byte)))
    assert.deepEqual(found.filter(Boolean), [whole])
    assert.equal(found.at(-1), found.find(Boolean), 'with its last byte')
  }
})

test('an exception of the unit is a reply', () => {
  assert.deepEqual(parserOf(ask(7, 0, 5)).push(bytes('07 83 02 20 F0')), { is: 'exception', code: 2 })
})

test('a frame of another unit, function or length is passed over', () => {
  const asked = ask(7, 0, 1)
  const strange = [
    replyOf(8, 99),
    encodeRtu(7, encodeRegistersReply(4, [99])),
    replyOf(7, 99, 98),
    encodeRtu(8, encodeException(3, 2)),
  ]
  for (const frame of strange) {
    const parser = parserOf(asked)
    assert.equal(parser.push(frame), undefined)
    assert.deepEqual(parser.push(replyOf(7, 1)), { is: 'data', data: Uint8Array.of(0, 1) })
    assert.deepEqual(parser.strange, new Uint8Array(frame))
  }
})

test('the echo of the request is no reply and no noise', () => {
  const asked = ask(7, 0, 5)
  const parser = parserOf(asked)
  assert.equal(parser.push(sentOf(asked)), undefined)
  assert.equal(parser.push(bytes(worked[2]?.[1] ?? ''))?.is, 'data')
  assert.equal(parser.strange.length, 0)
})

test('an echo that could pass for a reply is still an echo', () => {
  // Inputs 0x0300 to 0x0310: three bytes of data, which is what the echo's address looks like.
  const asked: RtuAsk = { unit: 1, request: { function: 2, address: 0x0300, count: 17 } }
  const parser = parserOf(asked)
  assert.equal(parser.push(sentOf(asked)), undefined)
  assert.equal(parser.push(encodeRtu(1, bytes('02 03 01 00 01')))?.is, 'data')
})

test('a sum that does not hold is no reply; the next frame may be', () => {
  const asked = ask(7, 0, 1)
  const broken = replyOf(7, 5)
  broken[4] = 6
  const parser = parserOf(asked)
  assert.equal(parser.push(broken), undefined)
  assert.equal(parser.push(replyOf(7, 5))?.is, 'data')
  const noisy = parserOf(asked)
  const answer = noisy.push(Buffer.concat([broken, broken, broken, replyOf(7, 5)]))
  assert.match(answer?.is === 'wrong' ? answer.reason : '', /the sum of the reply of unit 7/)
})

test('an exception behind the beginning of a cut frame is found when the line is quiet', () => {
  const parser = parserOf(ask(7, 0, 5))
  assert.equal(parser.push(bytes('07 03 0A 00')), undefined)
  assert.equal(parser.push(bytes('07 83 02 20 F0')), undefined)
  assert.deepEqual(parser.giveUp(), { is: 'exception', code: 2 })
})

test('the gap is 3.5 characters, and never less than 1.75 ms', () => {
  assert.ok(Math.abs(rtuGapMs(9600) - 4.01) < 0.01)
  assert.equal(rtuGapMs(115_200), 1.75)
})

test('bytes that nobody awaited are told as the frame they are', () => {
  assert.match(describeRtu(bytes('07 83 02 20 F0')), /^a frame of unit 7, function 131: 07 83 02 20 f0$/)
  assert.equal(describeRtu(bytes('A5')), 'a5')
  assert.match(describeRtu(new Uint8Array(300)), / … \(300 bytes\)$/)
})

const words = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 60 })

test('behind any noise without such a frame the reply is found and believed', () => {
  fc.assert(
    fc.property(
      words,
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 1, max: 50 }),
      (sent, noise, step) => {
        const asked = ask(9, 0, sent.length)
        // Noise that begins like the reply is what `wrong` is for.
        const stream = Buffer.concat([noise.map((byte) => (byte === 9 ? 10 : byte)), replyOf(9, ...sent)])
        const parser = parserOf(asked)
        let found
        for (let at = 0; at < stream.length && !found; at += step)
          found = parser.push(stream.subarray(at, at + step))
        assert.ok(found?.is === 'data')
        assert.deepEqual(Buffer.from(found.data), Buffer.from(encodeRegistersReply(3, sent).subarray(2)))
      },
    ),
  )
})

test('whatever comes, little is held and each byte is looked at four times at most', () => {
  const likely = fc.constantFrom(0, 1, 2, 3, 4, 0x83)
  fc.assert(
    fc.property(
      fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 900 }),
      fc.constantFrom(1, 2, 120),
      fc.integer({ min: 1, max: 40 }),
      (noise, count, step) => {
        const stream = Uint8Array.from(noise)
        const asked: RtuAsk = { unit: 4, request: { function: 4, address: 0, count } }
        const parser = parserOf(asked)
        let pushed = 0
        for (let at = 0, done = false; at < stream.length && !done; at += step) {
          const chunk = stream.subarray(at, at + step)
          pushed += chunk.length
          done = parser.push(chunk) !== undefined
          assert.ok(parser.waiting <= 512)
        }
        parser.giveUp()
        assert.ok(parser.examined <= 4 * pushed + 8, `${parser.examined} for ${pushed}`)
      },
    ),
  )
})

/** One write, as a relay board answers it: with the request itself. */
const pulse: RtuAsk = { unit: 1, request: { function: 5, address: 0x0200, value: 7 } }

test('the reply to a write is the request itself, on a line that does not hear itself', () => {
  const parser = new RtuReplyParser(pulse, new Uint8Array(0))
  assert.equal(parser.push(sentOf(pulse))?.is, 'data')
})

test('on a line that hears itself it is the reply only the second time', () => {
  const parser = new RtuReplyParser(pulse, sentOf(pulse))
  assert.equal(parser.push(sentOf(pulse)), undefined)
  assert.ok(parser.sawEcho)
  assert.equal(parser.push(sentOf(pulse))?.is, 'data')
})

test('a write is not answered by a frame with another value', () => {
  const parser = new RtuReplyParser(pulse, new Uint8Array(0))
  assert.equal(parser.push(bytes('01 05 02 00 FF 00 8D 82')), undefined)
  assert.equal(parser.giveUp(), undefined)
})

test('a write of several is answered by address and count', () => {
  const asked: RtuAsk = { unit: 1, request: { function: 16, address: 3, words: [4, 30] } }
  const parser = new RtuReplyParser(asked, sentOf(asked))
  const reply = encodeRtu(1, bytes('10 00 03 00 02'))
  assert.equal(parser.push(Buffer.concat([sentOf(asked), reply]))?.is, 'data')
})
