import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isGanglionError } from '../../base/errors.ts'
import type { Fields } from '../../gateway/ports.ts'
import type { MqttCodec } from './codec.ts'
import fanhaiNb from './fanhai-nb.ts'
import heimanNb from './heiman-nb.ts'
import tuobaoNb from './tuobao-nb.ts'

function fieldsOf(codec: MqttCodec, payload: Uint8Array | string): Fields {
  const decoded = codec.decode(['up'], Buffer.from(payload))
  assert.ok(decoded.is === 'message')
  return decoded.fields
}

/** An alarm, as CTWing hands it on. */
const heimanAlarm = Buffer.from(
  'AQIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEIAAAAbAAAAAAAAAF8AAAAAAAAAAAAAAAAAAAAAAAEA',
  'base64',
)

test('Heiman NB: an alarm of 87 bytes, as they are and as their hex digits', () => {
  assert.equal(heimanAlarm.length, 87)
  const found = { smokeLevel: 66, temperature: 27, humidity: 0, battery: 95, alarm: 1, smoke: true }
  assert.deepEqual(fieldsOf(heimanNb, heimanAlarm), found)
  assert.deepEqual(fieldsOf(heimanNb, heimanAlarm.toString('hex')), found)
  const long = Buffer.concat([heimanAlarm, Buffer.alloc(31)])
  assert.deepEqual(fieldsOf(heimanNb, long.toString('hex').toUpperCase()), found)
})

test('Heiman NB: what each alarm byte says', () => {
  const said = (alarm: number): Fields => {
    const bytes = Buffer.from(heimanAlarm)
    bytes[85] = alarm
    const readings = ['smokeLevel', 'temperature', 'humidity', 'battery', 'alarm']
    const entries = Object.entries(fieldsOf(heimanNb, bytes))
    return Object.fromEntries(entries.filter(([name]) => !readings.includes(name)))
  }
  assert.deepEqual(said(0), { smoke: false, heat: false, test: false })
  assert.deepEqual(
    Array.from({ length: 20 }, (_, i) => said(i + 1)),
    [
      ...['smoke', 'heat', 'batteryLow', 'moduleBatteryLow', 'smokeSensorFault', 'climateSensorFault', 'test']
        .concat('removed', 'boardLost')
        .flatMap((name) => [{ [name]: true }, { [name]: false }]),
      { smokePreAlarm: true },
      { heatPreAlarm: true },
    ],
  )
  // A self-test and a pre-alarm are no smoke.
  for (const alarm of [13, 14, 15, 19, 20]) assert.equal('smoke' in said(alarm), false)
  const decoded = heimanNb.decode(['up'], Buffer.from(heimanAlarm.with(85, 21)))
  assert.ok(decoded.is === 'message' && decoded.complaint !== undefined)
})

test('Fanhai: each code, as letters and as their hex digits', () => {
  const codes: Readonly<Record<string, Fields>> = {
    '020000': { fire: false, test: false, fault: false, batteryLow: false },
    '020100': { fire: true, test: false },
    '020200': { fault: true },
    '020300': { batteryLow: true },
    '020400': { fire: false },
    '020500': { fault: false },
    '020600': { batteryLow: false },
    '020D00': { test: true },
    '020E00': {},
  }
  for (const [code, fields] of Object.entries(codes)) {
    assert.deepEqual(fieldsOf(fanhaiNb, code), fields, code)
    assert.deepEqual(fieldsOf(fanhaiNb, Buffer.from(code).toString('hex')), fields, code)
  }
  assert.deepEqual(fieldsOf(fanhaiNb, Buffer.from('MDIwMTAw', 'base64')), { fire: true, test: false })
  assert.deepEqual(fieldsOf(fanhaiNb, '020d00'), { test: true })
  const unknown = fanhaiNb.decode(['up'], Buffer.from('020F00'))
  assert.ok(unknown.is === 'message' && unknown.complaint !== undefined, 'a sign of life all the same')
  for (const wrong of ['', '0201', '030100', 'xxxxxx'])
    assert.throws(() => fanhaiNb.decode(['up'], Buffer.from(wrong)), { code: 'payload-invalid' })
})

test('Tuobao: the flags of an alarm and of a state', () => {
  const none = { heat: false, fault: false, fire: false, batteryLow: false }
  const of = (...bytes: number[]): Fields => fieldsOf(tuobaoNb, Uint8Array.from(bytes))
  assert.deepEqual(of(0xb1, 0x01, 0), { ...none, heat: true })
  assert.deepEqual(of(0xb1, 0x04, 0), { ...none, fault: true })
  assert.deepEqual(of(0xb1, 0x08, 0), { ...none, fire: true })
  assert.deepEqual(of(0xb2, 0xf2, 0x02), { ...none, batteryLow: true })
  assert.deepEqual(fieldsOf(tuobaoNb, 'b1080000'), { ...none, fire: true })
  for (const wrong of ['', 'B1', 'B30800', '\xb1'])
    assert.throws(() => tuobaoNb.decode(['up'], Buffer.from(wrong, 'latin1')), { code: 'payload-invalid' })
})

test('any bytes are decoded or refused, and nothing else happens', () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ minLength: 87, maxLength: 87 }),
    fc
      .uint8Array({ maxLength: 130 })
      .map((bytes) => Uint8Array.from(Buffer.from(Buffer.from(bytes).toString('hex')))),
    fc.uint8Array({ maxLength: 6 }).map((rest) => Uint8Array.of(0xb1, ...rest)),
  )
  for (const codec of [heimanNb, fanhaiNb, tuobaoNb])
    fc.assert(
      fc.property(payload, (bytes) => {
        const before = Uint8Array.from(bytes)
        try {
          assert.equal(codec.decode(['up'], bytes).is, 'message')
        } catch (error) {
          if (!isGanglionError(error, 'payload-invalid')) throw error
        }
        assert.deepEqual(bytes, before)
      }),
    )
})
