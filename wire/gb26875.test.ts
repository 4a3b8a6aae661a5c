import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeGbUnit, encodeGbUnit, type GbUnit } from './gb26875-units.ts'
import { encodeGb26875, gbCommands, gbReply, GbParser, type GbEvent, type GbFrame } from './gb26875.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

const UP = '40 40 01 00 01 01 20 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00'
const DOWN = '40 40 01 00 01 01 20 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00'
/** 889 sends to the centre 88888; the standard's notes, a public codec's test, and two composed like them. */
const samples = {
  smoke: `${UP} 30 00 02 02 01 01 01 28 0A 00 02 00 02 00 ${'20'.repeat(30)} 00 02 3A 09 1A 09 0C 46 23 23`,
  confirm: '40 40 01 00 01 01 23 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 03 AB 23 23',
  deny: '40 40 01 00 01 01 23 3A 09 1A 09 0C 38 5B 01 00 00 00 79 03 00 00 00 00 00 00 06 AE 23 23',
  mainsFault: `${UP} 09 00 02 15 01 08 02 3A 09 1A 09 0C 42 23 23`,
  dutyAnswer: `${UP} 0A 00 02 18 01 20 01 02 3A 09 1A 09 0C 5F 23 23`,
  version: `${UP} 04 00 02 19 01 01 01 C7 23 23`,
  readState: `${DOWN} 03 00 04 51 01 00 FE 23 23`,
  syncClock: `${DOWN} 08 00 01 5A 01 02 3A 09 1A 09 0C 7D 23 23`,
  dutyCheck: `${DOWN} 03 00 01 5B 01 0A 0F 23 23`,
  corridor: `40 40 00 00 01 01 18 0D 11 16 0A 14 ${'00'.repeat(6)} 06 05 04 03 02 01 30 00 02 02 01 01 03 00 D9 00 06 00 02 00 A3C1C7F8A3B1B2E3DFC8B2B8D7DFC0C8 ${'00'.repeat(15)} 30 12 13 01 08 14 68 23 23`,
  shed: `40 40 07 00 01 01 02 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00 30 00 02 02 01 01 01 2A 02 00 01 00 02 00 B3 B5 C5 EF 31 BA C5 D1 CC B8 D0 ${'00'.repeat(20)} 02 3A 09 1A 09 0C 58 23 23`,
  analogs:
    '40 40 08 00 01 01 02 3A 09 1A 09 0C 79 03 00 00 00 00 38 5B 01 00 00 00 22 00 02 03 02 00 01 12 05 00 01 00 03 8F 02 02 3A 09 1A 09 0C 00 01 11 05 00 02 00 80 9C 01 02 3A 09 1A 09 0C 82 23 23',
}

function only(events: readonly GbEvent[]): GbFrame {
  assert.equal(events.length, 1)
  const event = events[0]
  assert.ok(event?.kind === 'frame', `a frame, not ${event?.kind}`)
  return event
}
const read = (hex: string): GbFrame => only(new GbParser().push(bytes(hex)))

function unitOf(hex: string): GbUnit {
  const decoded = decodeGbUnit(read(hex).data)
  assert.ok(decoded.is === 'unit')
  return decoded.unit
}

const kinds = (events: readonly GbEvent[]): string[] => events.map(({ kind }) => kind)

test('every sample frame is read whole and written back byte for byte', () => {
  const all = Object.values(samples)
  assert.equal(all.length, 12)
  for (const hex of all) assert.deepEqual(encodeGb26875(read(hex)), bytes(hex))
})

test('the application data of the samples are written back byte for byte', () => {
  for (const [name, hex] of Object.entries(samples)) {
    const { data } = read(hex)
    // Its description is padded with spaces; ours is with 00.
    if (data.length === 0 || name === 'smoke') continue
    assert.deepEqual(encodeGbUnit(unitOf(hex)), Buffer.from(data), name)
  }
})

test('a header says who speaks to whom, when, under which serial', () => {
  const { serial, mainVersion, userVersion, time, source, destination, command } = read(samples.smoke)
  assert.deepEqual(
    { serial, mainVersion, userVersion, source, destination, command },
    { serial: 1, mainVersion: 1, userVersion: 1, source: 889, destination: 88_888, command: 2 },
  )
  assert.deepEqual(time, { second: 32, minute: 58, hour: 9, day: 26, month: 9, year: 12 })
})

test('addresses of six bytes are read whole', () => {
  assert.equal(read(samples.corridor).destination, 0x010203040506)
  const largest = { ...read(samples.confirm), source: 2 ** 48 - 1 }
  assert.equal(only(new GbParser().push(encodeGb26875(largest))).source, 2 ** 48 - 1)
})

test('a confirmation and a denial echo the serial and turn the addresses round', () => {
  const frame = read(samples.smoke)
  const time = { second: 0x23, minute: 58, hour: 9, day: 26, month: 9, year: 12 }
  assert.deepEqual(encodeGb26875(gbReply(frame, 'confirm', time)), bytes(samples.confirm))
  assert.deepEqual(encodeGb26875(gbReply(frame, 'deny', time)), bytes(samples.deny))
})

test('a smoke detector of zone 10, point 2 is on fire, and its state says "test"', () => {
  assert.deepEqual(unitOf(samples.smoke), {
    type: 2,
    objects: [
      {
        systemType: 1,
        system: 1,
        componentType: 40,
        component: { zone: 10, point: 2 },
        state: 2,
        description: '',
        time: { second: 2, minute: 58, hour: 9, day: 26, month: 9, year: 12 },
      },
    ],
  })
})

test('descriptions are GB 18030', () => {
  const described = [samples.corridor, samples.shed].map((hex) => {
    const unit = unitOf(hex)
    return unit.type === 2 ? unit.objects[0]?.description : undefined
  })
  assert.deepEqual(described, ['Ａ区１层呷哺走廊', '车棚1号烟感'])
})

test('what a centre sends: read state, set the clock, is someone on duty within ten minutes', () => {
  assert.deepEqual(unitOf(samples.readState), { type: 81, objects: [{ reserved: 0 }] })
  const time = { second: 2, minute: 58, hour: 9, day: 26, month: 9, year: 12 }
  assert.deepEqual(unitOf(samples.syncClock), { type: 90, objects: [{ time }] })
  assert.deepEqual(unitOf(samples.dutyCheck), { type: 91, objects: [{ answerWithinMinutes: 10 }] })
  assert.equal(read(samples.dutyCheck).command, gbCommands.control)
})

test('frames that stick together or come byte by byte are the same frames', () => {
  const stream = Buffer.concat([samples.smoke, samples.mainsFault, samples.analogs].map(bytes))
  assert.deepEqual(kinds(new GbParser().push(stream)), ['frame', 'frame', 'frame'])
  const parser = new GbParser()
  const events = [...stream].flatMap((byte) => parser.push(Uint8Array.of(byte)))
  assert.deepEqual(kinds(events), ['frame', 'frame', 'frame'])
})

test('what stands before the first beginning is counted and thrown away', () => {
  const parser = new GbParser()
  const events = parser.push(Buffer.concat([Buffer.from('noise @ and @'), bytes(samples.smoke)]))
  // "@@@": the frame begins one byte after the first of them.
  assert.deepEqual(events[0], { kind: 'rubbish', bytes: 13 })
  assert.equal(events[1]?.kind, 'frame')
})

test('card number and link between frames are no rubbish', () => {
  const stream = Buffer.concat([
    Buffer.from('89860446192080012345link'),
    bytes(samples.smoke),
    Buffer.from('link'),
    bytes(samples.shed),
  ])
  assert.deepEqual(kinds(new GbParser().push(stream)), ['iccid', 'link', 'frame', 'link', 'frame'])
})

test('beginnings and ends inside a text are text', () => {
  const data = encodeGbUnit({ type: 26, objects: [{ text: '@@##@@##' }] })
  const frame = { ...read(samples.version), data }
  const parser = new GbParser()
  const stream = Buffer.concat([encodeGb26875(frame), bytes(samples.smoke)])
  assert.deepEqual(kinds(parser.push(stream)), ['frame', 'frame'])
})

test('a frame whose sum is wrong is called broken once, and the next one is found', () => {
  const wrong = bytes(samples.shed)
  wrong[40] = 0x40
  wrong[41] = 0x40
  const events = new GbParser().push(Buffer.concat([wrong, bytes(samples.smoke)]))
  assert.deepEqual(kinds(events), ['broken', 'rubbish', 'frame'])
  const [broken] = events
  assert.ok(broken?.kind === 'broken')
  assert.equal(broken.reason, 'sum')
  assert.equal(broken.header.serial, 7)
  assert.equal(broken.header.source, 889)
})

test('a wrong end does not cost the good frame behind it', () => {
  const wrong = bytes(samples.shed)
  wrong[wrong.length - 1] = 0x24
  const events = new GbParser().push(Buffer.concat([wrong, bytes(samples.smoke)]))
  assert.deepEqual(kinds(events), ['broken', 'rubbish', 'frame'])
  assert.ok(events[0]?.kind === 'broken' && events[0].reason === 'end')
})

test('a length that swallows the next frame is no frame, and the next one is found', () => {
  const wrong = bytes(samples.version)
  wrong.writeUInt16LE(60, 24)
  const events = new GbParser().push(Buffer.concat([wrong, bytes(samples.smoke), bytes(samples.shed)]))
  assert.deepEqual(kinds(events), ['rubbish', 'frame', 'frame'])
  assert.deepEqual(events[0], { kind: 'rubbish', bytes: wrong.length })
})

test('a length beyond the limit is told to the peer and not believed', () => {
  const wrong = bytes(samples.version)
  for (const length of [1025, 0xffff]) {
    wrong.writeUInt16LE(length, 24)
    const events = new GbParser().push(Buffer.concat([wrong, bytes(samples.smoke)]))
    assert.deepEqual(kinds(events), ['broken', 'rubbish', 'frame'])
    assert.ok(events[0]?.kind === 'broken' && events[0].reason === 'length')
  }
})

test('a frame of 1,024 bytes goes through, one of 1,025 is refused', () => {
  const frame = { ...read(samples.version), data: new Uint8Array(1024).fill(0x40) }
  assert.deepEqual(only(new GbParser().push(encodeGb26875(frame))).data, frame.data)
  assert.throws(() => encodeGb26875({ ...frame, data: new Uint8Array(1025) }), RangeError)
})

test('a false beginning that holds the line is given up when the line is quiet', () => {
  const parser = new GbParser()
  const hold = bytes(samples.version)
  hold.writeUInt16LE(1000, 24)
  assert.deepEqual(parser.push(Buffer.concat([hold, bytes(samples.smoke)])), [])
  assert.deepEqual(kinds(parser.giveUp()), ['rubbish', 'frame'])
  assert.equal(parser.waiting, 0)
})

/** Noise made of the pieces that are most likely to mislead the parser. */
const noise = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('@', '@@', '@@@@', '##', '\0\0', '\x01', '8986', 'lin', 'link', '@@\0\0\x01\x01')
        .map((text) => Uint8Array.from(Buffer.from(text, 'latin1'))),
      fc.constantFrom(...Object.values(samples)).map((hex) => Uint8Array.from(bytes(hex))),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.concat(parts))

test('whatever comes, no byte is looked at more than four times over and little is held back', () => {
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 10 }), (chunks) => {
      const parser = new GbParser()
      let sent = 0
      for (const chunk of chunks) {
        parser.push(chunk)
        sent += chunk.length
        assert.ok(parser.waiting <= 1054)
      }
      assert.ok(parser.examined <= 4 * sent, `${parser.examined} looks at ${sent} bytes`)
    }),
  )
})

test('patterns that begin a frame again and again cost four looks a byte at most', () => {
  const patterns = fc.array(fc.constantFrom(0x40, 0x23, 0, 1, 2, 3, 4), { minLength: 1, maxLength: 14 })
  fc.assert(
    fc.property(patterns, (pattern) => {
      const stream = Buffer.alloc(6000, Uint8Array.from(pattern))
      const parser = new GbParser()
      parser.push(stream)
      assert.ok(parser.examined <= 4 * stream.length, `${parser.examined / stream.length} looks a byte`)
    }),
    { numRuns: 300 },
  )
})

const byte = fc.nat(255)
const times = fc.record({ second: byte, minute: byte, hour: byte, day: byte, month: byte, year: byte })
const frames = fc.record({
  serial: fc.nat(0xffff),
  mainVersion: byte,
  userVersion: byte,
  time: times,
  source: fc.maxSafeNat().map((value) => value % 2 ** 48),
  destination: fc.maxSafeNat().map((value) => value % 2 ** 48),
  command: byte,
  data: fc.uint8Array({ maxLength: 1024, size: 'max' }),
})

test('frames are found behind noise, however the stream is cut', () => {
  fc.assert(
    fc.property(noise, frames, fc.integer({ min: 1, max: 300 }), (before, frame, step) => {
      // The fill ends every false beginning in the noise, so that what follows is judged on its own.
      const stream = Buffer.concat([before, Buffer.alloc(1100, 0x55), encodeGb26875(frame)])
      const parser = new GbParser()
      const events: GbEvent[] = []
      for (let at = 0; at < stream.length; at += step)
        events.push(...parser.push(stream.subarray(at, at + step)))
      const last = events.at(-1)
      assert.ok(last?.kind === 'frame')
      assert.deepEqual(encodeGb26875(last), encodeGb26875(frame))
      const counted = events.reduce((sum, event) => sum + sizeOf(event), 0)
      assert.equal(counted, stream.length, 'every byte is accounted for')
    }),
  )
})

function sizeOf(event: GbEvent): number {
  switch (event.kind) {
    case 'frame':
      return 30 + event.data.length
    case 'iccid':
      return 20
    case 'link':
      return 4
    case 'rubbish':
      return event.bytes
    case 'broken':
      // Its bytes are counted as rubbish.
      return 0
  }
}

test('a frame owns its bytes: later input does not change it', () => {
  const parser = new GbParser()
  const chunk = bytes(samples.mainsFault)
  const frame = only(parser.push(chunk))
  chunk.fill(0xff)
  parser.push(bytes(samples.smoke))
  assert.deepEqual([...frame.data], [0x15, 1, 8, 2, 58, 9, 26, 9, 12])
})
