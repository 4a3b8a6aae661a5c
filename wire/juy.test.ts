import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeJuyPayload, imeiOf } from './juy-payload.ts'
import { encodeJuy, JuyParser, type JuyEvent, type JuyFrame } from './juy.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Of the vendor's document where length and sum hold, and composed like it where they do not. */
const samples = {
  login:
    '5AA5490081003836313139373036323933343338370A4A55595F42325F513830304D5F315F304A55595F42325F434F4D4D5F56312E3738393836303445383130323343303936333733311B005F',
  loggedIn: '5AA50C008100 00000000000000 00 00 8D',
  loggedInWithImei: '5A A5 0C 00 81 00 00 00 00 00 00 00 00 00 F0 7D',
  heard: '5A A5 04 00 82 00 00 86',
  heardWithImei: '5A A5 13 00 82 00 38 36 37 39 32 34 30 36 30 35 32 35 37 30 39 00 AB',
  heartbeat: '5A A5 10 00 82 00 1F 1E 0A 00 01 00 00 02 00 00 00 00 00 DC',
  portData: '5A A5 18 00 88 01 01 EF 08 26 05 02 1E 00 9C 01 10 0E 00 00 78 00 29 00 00 00 2C 6C',
}

/** Examples of the document whose length or sum does not hold. */
const wrong = {
  heartbeat: '5A A5 11 00 82 1F 1E 0A 00 00 00 00 01 00 00 00 00 01 DC',
  heartbeatWithImei:
    '5A A5 21 00 82 00 38 36 37 39 32 34 30 36 30 35 32 35 37 30 39 0E 22 0C 00 00 00 00 00 00 00 00 00 00 00 00 00 F6',
  start: '5A A5 16 00 83 00 02 01 00 00 00 01 00 00 00 00 01 E8 03 00 00 64 00 00 ED',
  startWithImei:
    '5A A5 25 00 83 00 38 36 37 39 32 34 30 36 30 35 32 35 37 30 39 02 01 00 00 00 01 00 00 00 00 01 E8 03 00 00 64 00 00 02',
  end: '5A A5 2C 00 85 00 01 01 00 00 00 E8 03 00 00 10 00 00 00 0A 00 00 00 00 00 00 00 00 00 00 00 00 02 F4 01 19 00 F4 01 1E 00 00 00 00 00 00 00 D4',
}

function only(hex: string): JuyFrame {
  const events = new JuyParser().push(bytes(hex))
  assert.equal(events.length, 1)
  assert.ok(events[0]?.kind === 'frame')
  return events[0]
}

test('every sample frame is read whole and written back byte for byte', () => {
  const all = Object.values(samples)
  assert.equal(all.length, 7)
  for (const hex of all) assert.deepEqual(encodeJuy(only(hex)), bytes(hex))
})

test('examples whose length or sum does not hold are no frames, and what follows them is', () => {
  const all = Object.entries(wrong)
  assert.equal(all.length, 5)
  for (const [name, hex] of all) {
    const parser = new JuyParser()
    const events: JuyEvent[] = parser.push(bytes(hex))
    events.push(...parser.push(bytes(samples.heard)), ...parser.giveUp())
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'frame').map((event) => ('command' in event ? event.command : 0)),
      [0x82],
      name,
    )
    assert.ok(
      events.some(({ kind }) => kind === 'rubbish'),
      name,
    )
  }
})

test('a login says who it is', () => {
  const { command, data } = only(samples.login)
  assert.deepEqual(decodeJuyPayload(command, data), {
    kind: 'login',
    login: {
      imei: '861197062934387',
      ports: 10,
      hardware: 'JUY_B2_Q800M_1_0',
      software: 'JUY_B2_COMM_V1.7',
      iccid: '898604E81023C0963731',
      signalOrVersion: 0x1b,
      reason: 0,
    },
  })
})

test('a heartbeat has a state for each port', () => {
  const { command, data } = only(samples.heartbeat)
  assert.deepEqual(decodeJuyPayload(command, data), {
    kind: 'heartbeat',
    heartbeat: { rssi: 31, temperatureC: 30, portStates: [0, 1, 0, 0, 2, 0, 0, 0, 0, 0] },
  })
})

test('port data are in plain units', () => {
  const { command, data } = only(samples.portData)
  assert.deepEqual(decodeJuyPayload(command, data), {
    kind: 'port-data',
    portData: {
      voltageV: 228.7,
      temperatureC: 38,
      ports: [{ port: 5, powerW: 412, chargedS: 3600, energyKwh: 0.41, portC: 44 }],
    },
  })
})

test('data shorter or longer than they claim are not understood', () => {
  const { command, data } = only(samples.heartbeat)
  assert.equal(decodeJuyPayload(command, data.subarray(1)).kind, 'other')
  assert.equal(decodeJuyPayload(command, data.subarray(0, 5)).kind, 'other')
  assert.equal(decodeJuyPayload(0x88, Uint8Array.of(2, 0, 0, 0)).kind, 'other')
  assert.equal(decodeJuyPayload(0x85, new Uint8Array(19)).kind, 'other')
  assert.equal(decodeJuyPayload(0x81, new Uint8Array(70)).kind, 'other')
})

test('an IMEI is fifteen digits and nothing else', () => {
  assert.equal(imeiOf(only(samples.heardWithImei).data), '867924060525709')
  assert.equal(imeiOf(only(samples.heartbeat).data), undefined)
  assert.equal(imeiOf(Buffer.from('86792406052570')), undefined)
})

test('card number and link between frames are no rubbish', () => {
  const stream = Buffer.concat([
    Buffer.from('89860446192080012345'),
    bytes(samples.login),
    Buffer.from('link'),
    bytes(samples.heartbeat),
  ])
  const parser = new JuyParser()
  const kinds = [...stream].flatMap((byte) => parser.push(Uint8Array.of(byte))).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['iccid', 'frame', 'link', 'frame'])
})

test('whatever comes, no byte is looked at more than four times over and little is held back', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .constantFrom('5AA5', '5A', '5A5A', '5AA50300', '5AA5FC03', '5AA5FFFF', ...Object.values(wrong))
      .map(bytes),
    fc.constantFrom(...Object.values(samples)).map(bytes),
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 200 }), (chunks) => {
      const parser = new JuyParser()
      let sent = 0
      for (const chunk of chunks) {
        parser.push(chunk)
        sent += chunk.length
        assert.ok(parser.waiting <= 1024)
      }
      assert.ok(parser.examined <= 4 * sent, `${parser.examined} looks at ${sent} bytes`)
    }),
  )
  for (const word of ['5AA50300', '5AA50400', '5A', '5AA5', '5AA5FC03', '5AA5030082'].map(bytes)) {
    const stream = Buffer.alloc(6000, word)
    const parser = new JuyParser()
    parser.push(stream)
    assert.ok(parser.examined <= 4 * stream.length, `${word.toString('hex')}: ${parser.examined / 6000}`)
  }
})

test('whatever a frame holds, it is judged and nothing is thrown', () => {
  const commands = fc.constantFrom(0x81, 0x82, 0x85, 0x88, 0x8f)
  fc.assert(
    fc.property(commands, fc.uint8Array({ maxLength: 400 }), (command, data) => {
      decodeJuyPayload(command, data)
    }),
  )
})

test('data that fit into no frame are refused', () => {
  assert.throws(() => encodeJuy({ command: 1, result: 0, data: new Uint8Array(1018) }), RangeError)
})
