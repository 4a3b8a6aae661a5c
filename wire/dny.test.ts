import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DnyParser, dnyAck, encodeDny, physIdText, type DnyEvent, type DnyFrame } from './dny.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Frames of the vendor's document (heartbeat, acknowledgement, port power) and frames composed like them. */
const samples = {
  heartbeat: '44 4E 59 10 00 3B 37 AB 04 01 00 21 98 08 02 00 00 09 05 EE 02',
  ack: '44 4E 59 0A 00 3B 37 AB 04 01 00 21 00 38 02',
  portPower:
    '44 4E 59 32 00 3B 37 AB 04 0A 00 06 01 01 10 0E 30 00 01 E8 03 B0 04 20 03 E8 03 20 19 09 01 18 00 00 13 00 30 38 01 02 03 04 05 01 00 E8 03 98 08 C7 01 55 00 DA 08',
  smoke: '44 4E 59 0C 00 3B 37 AB 04 11 00 42 04 00 00 6F 02',
  smoke485: '44 4E 59 0C 00 3B 37 AB 09 12 00 42 04 03 02 7A 02',
  host: '44 4E 59 20 00 3B 37 AB 0A 13 00 17 01 26 EF 08 26 07 40 E2 01 00 00 00 00 00 00 00 01 01 44 47 37 00 01 8F 05',
  twelvePorts: '44 4E 59 1A 00 3B 37 AB 07 14 00 21 98 08 0C 01 00 09 05 00 00 00 00 00 00 00 00 00 67 80 03',
}

function only(events: readonly DnyEvent[]): DnyFrame {
  assert.equal(events.length, 1)
  const event = events[0]
  assert.ok(event?.kind === 'frame')
  return event
}

test('every sample frame is read whole and written back byte for byte', () => {
  const all = Object.values(samples)
  assert.equal(all.length, 7)
  for (const hex of all) {
    const frame = only(new DnyParser().push(bytes(hex)))
    assert.deepEqual(encodeDny(frame), bytes(hex))
  }
})

test('the physical id is the number printed on the device', () => {
  const frame = only(new DnyParser().push(bytes(samples.heartbeat)))
  assert.equal(physIdText(frame.physId), '04AB373B')
  assert.equal(frame.messageId, 1)
  assert.equal(frame.command, 0x21)
})

test('an acknowledgement echoes id, message and command with 00', () => {
  const frame = only(new DnyParser().push(bytes(samples.heartbeat)))
  assert.deepEqual(dnyAck(frame), bytes(samples.ack))
})

test('card number, link and frames interleave, byte by byte', () => {
  const stream = Buffer.concat([
    Buffer.from('89860446192080012345'),
    Buffer.from('link'),
    bytes(samples.smoke),
    Buffer.from('link'),
    bytes(samples.heartbeat),
  ])
  const parser = new DnyParser()
  const kinds = [...stream].flatMap((byte) => parser.push(Uint8Array.of(byte))).map((event) => event.kind)
  assert.deepEqual(kinds, ['iccid', 'link', 'frame', 'link', 'frame'])
})

test('a frame comes out as soon as its last byte is there, even right behind a broken card number', () => {
  const events = new DnyParser().push(Buffer.concat([Buffer.from('898604'), bytes(samples.ack)]))
  assert.deepEqual(
    events.map((event) => event.kind),
    ['rubbish', 'frame'],
  )
})

test('a wrong sum costs the frame, is counted, and the next frame is found', () => {
  const wrong = bytes(samples.smoke)
  wrong[12] = 5
  const events = new DnyParser().push(Buffer.concat([wrong, bytes(samples.heartbeat)]))
  assert.deepEqual(events[0], { kind: 'rubbish', bytes: wrong.length })
  assert.equal(events[1]?.kind, 'frame')
  assert.equal(events.length, 2)
})

test('a length beyond 256 bytes in all is not believed', () => {
  for (const length of ['FC00', 'FFFF', '0800', '0000']) {
    const parser = new DnyParser()
    const events = parser.push(Buffer.concat([bytes(`44 4E 59 ${length}`), bytes(samples.smoke)]))
    assert.equal(events.at(-1)?.kind, 'frame', length)
  }
})

test('a false beginning that holds the line is given up when the line is quiet', () => {
  const parser = new DnyParser()
  const held = parser.push(Buffer.concat([bytes('44 4E 59 FB 00'), bytes(samples.smoke)]))
  assert.deepEqual(held, [])
  assert.deepEqual(
    parser.giveUp().map((event) => event.kind),
    ['rubbish', 'frame'],
  )
  assert.equal(parser.waiting, 0)
})

/** Noise made of the pieces that are most likely to mislead the parser. */
const noise = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc
        .constantFrom('DNY', 'D', 'DN', 'DNY\x09\0', 'DNY\xfb\0', 'DNY\xff\xff', '8986', '898', 'lin', 'l')
        .map((text) => Uint8Array.from(Buffer.from(text, 'latin1'))),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.concat(parts))

test('whatever comes, no byte is looked at more than four times over and little is held back', () => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 20 }), (chunks) => {
      const parser = new DnyParser()
      let sent = 0
      for (const chunk of chunks) {
        parser.push(chunk)
        sent += chunk.length
        assert.ok(parser.waiting <= 256)
      }
      assert.ok(parser.examined <= 4 * sent, `${parser.examined} looks at ${sent} bytes`)
    }),
  )
})

test('false beginnings and false card numbers without end cost four looks a byte at most', () => {
  for (const word of [
    'DNY\x09\0',
    'DNY\xfb\0',
    'DNY',
    'DN',
    '8986',
    '8989',
    '898',
    '898604461920800123ZZ',
    '898898898898898898Z',
    'lin',
    'link',
  ]) {
    const stream = Buffer.from(word.repeat(2000), 'latin1')
    const parser = new DnyParser()
    parser.push(stream)
    assert.ok(
      parser.examined <= 4 * stream.length,
      `${word}: ${parser.examined / stream.length} looks a byte`,
    )
  }
})

const frames = fc.record({
  physId: fc.nat(0xffff_ffff),
  messageId: fc.nat(0xffff),
  command: fc.nat(0xff),
  data: fc.uint8Array({ maxLength: 242 }),
})

test('frames are found behind noise, however the stream is cut', () => {
  fc.assert(
    fc.property(noise, frames, fc.integer({ min: 1, max: 300 }), (before, frame, step) => {
      // The fill ends every false beginning in the noise, so that what follows is judged on its own.
      const stream = Buffer.concat([before, Buffer.alloc(256), encodeDny(frame)])
      const parser = new DnyParser()
      const events: DnyEvent[] = []
      for (let at = 0; at < stream.length; at += step)
        events.push(...parser.push(stream.subarray(at, at + step)))
      const last = events.at(-1)
      assert.ok(last?.kind === 'frame')
      assert.deepEqual(encodeDny(last), encodeDny(frame))
      const counted = events.reduce((sum, event) => sum + sizeOf(event), 0)
      assert.equal(counted, stream.length, 'every byte is accounted for')
    }),
  )
})

function sizeOf(event: DnyEvent): number {
  switch (event.kind) {
    case 'frame':
      return 14 + event.data.length
    case 'iccid':
      return 20
    case 'link':
      return 4
    case 'rubbish':
      return event.bytes
  }
}

test('a frame owns its bytes: later input does not change it', () => {
  const parser = new DnyParser()
  const chunk = bytes(samples.smoke)
  const frame = only(parser.push(chunk))
  chunk.fill(0xff)
  parser.push(bytes(samples.heartbeat))
  assert.deepEqual([...frame.data], [4, 0, 0])
})

test('data that fit into no frame are refused', () => {
  const frame = { physId: 1, messageId: 1, command: 1, data: new Uint8Array(243) }
  assert.throws(() => encodeDny(frame), RangeError)
})
