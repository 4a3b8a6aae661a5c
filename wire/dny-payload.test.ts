import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeDnyPayload, encodeDnyPayload } from './dny-payload.ts'
import { DnyParser } from './dny.ts'

function decode(hex: string) {
  const event = new DnyParser().push(Buffer.from(hex.replaceAll(' ', ''), 'hex'))[0]
  assert.ok(event?.kind === 'frame')
  return { payload: decodeDnyPayload(event.command, event.data), data: event.data }
}

/** JSON drops what is absent, so that only what was sent is compared. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const vectors = [
  {
    name: 'a two-port heartbeat',
    hex: '44 4E 59 10 00 3B 37 AB 04 01 00 21 98 08 02 00 00 09 05 EE 02',
    says: { kind: 'heartbeat', heartbeat: { voltageV: 220, portStates: [0, 0], rssi: 9, temperatureC: -60 } },
  },
  {
    name: 'a twelve-port heartbeat',
    hex: '44 4E 59 1A 00 3B 37 AB 07 14 00 21 98 08 0C 01 00 09 05 00 00 00 00 00 00 00 00 00 67 80 03',
    says: {
      kind: 'heartbeat',
      heartbeat: {
        voltageV: 220,
        portStates: [1, 0, 9, 5, 0, 0, 0, 0, 0, 0, 0, 0],
        rssi: 0,
        temperatureC: 38,
      },
    },
  },
  {
    name: 'port power of a station that sends no time',
    hex: '44 4E 59 32 00 3B 37 AB 04 0A 00 06 01 01 10 0E 30 00 01 E8 03 B0 04 20 03 E8 03 20 19 09 01 18 00 00 13 00 30 38 01 02 03 04 05 01 00 E8 03 98 08 C7 01 55 00 DA 08',
    says: {
      kind: 'port-power',
      portPower: {
        port: 1,
        state: 1,
        chargedS: 3600,
        energyKwh: 0.48,
        online: 1,
        powerW: 100,
        powerMaxW: 120,
        powerMinW: 80,
        powerAvgW: 100,
        order: '20190901180000130030380102030405',
        segmentS: 1,
        peakW: 100,
        voltageV: 220,
        currentA: 0.455,
        ambientC: 20,
      },
    },
  },
  {
    name: 'a smoke alarm',
    hex: '44 4E 59 0C 00 3B 37 AB 04 11 00 42 04 00 00 6F 02',
    says: { kind: 'alarm', alarm: { type: 4, source: 0, triggers: 0 } },
  },
  {
    name: 'a smoke alarm of a 485 sensor',
    hex: '44 4E 59 0C 00 3B 37 AB 09 12 00 42 04 03 02 7A 02',
    says: { kind: 'alarm', alarm: { type: 4, source: 3, triggers: 2 } },
  },
  {
    name: 'the state of a leakage host',
    hex: '44 4E 59 20 00 3B 37 AB 0A 13 00 17 01 26 EF 08 26 07 40 E2 01 00 00 00 00 00 00 00 01 01 44 47 37 00 01 8F 05',
    says: {
      kind: 'host-state',
      hostState: {
        breaker: 1,
        temperatureC: 38,
        voltageV: 228.7,
        currentA: 18.3,
        energyKwh: 1234.56,
        moduleCurrentA: 0,
        moduleEnergyKwh: 0,
        smoke: 1,
        relay: 1,
        leakageMa: 68,
        liveC: 71,
        neutralC: 55,
        lock: 0,
        hostKind: 1,
      },
    },
  },
]

for (const { name, hex, says } of vectors) {
  test(`${name} is read and written back`, () => {
    const { payload, data } = decode(hex)
    assert.deepEqual(plain(payload), says)
    assert.ok(payload.kind !== 'other')
    assert.deepEqual(encodeDnyPayload(payload).data, Uint8Array.from(data))
  })
}

test('register and settlement come back as they were said', () => {
  const register = { firmware: 200, ports: 2, virtualId: 0, deviceType: 0x21, workMode: 0, powerModule: 800 }
  const said = encodeDnyPayload({ kind: 'register', register })
  assert.equal(said.data.length, 8)
  assert.deepEqual(decodeDnyPayload(said.command, said.data), { kind: 'register', register })

  const settlement = {
    chargedS: 3600,
    powerMaxW: 120.5,
    energyKwh: 0.48,
    port: 1,
    online: 1,
    card: 0,
    stopReason: 6,
    order: '20190901180000130030380102030405',
    secondPowerW: 0,
    timeS: 1_750_000_000,
  }
  const ended = encodeDnyPayload({ kind: 'settlement', settlement })
  assert.equal(ended.data.length, 2 + 2 + 2 + 1 + 1 + 4 + 1 + 16 + 2 + 4)
  assert.deepEqual(decodeDnyPayload(ended.command, ended.data), { kind: 'settlement', settlement })
})

test('an older device sends less: what is missing is absent and nothing else changes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0x03, 0x06, 0x17, 0x20, 0x21, 0x42),
      fc.uint8Array({ maxLength: 60 }),
      (command, data) => {
        const whole = plain(decodeDnyPayload(command, data)) as Record<string, unknown>
        for (let cut = 0; cut < data.length; cut++) {
          const part = plain(decodeDnyPayload(command, data.subarray(0, cut))) as Record<string, unknown>
          if (part['kind'] === 'other' || part['kind'] === 'heartbeat') continue
          const key = Object.keys(part).find((name) => name !== 'kind') ?? ''
          for (const [field, value] of Object.entries(part[key] as object))
            assert.deepEqual(value, (whole[key] as Record<string, unknown>)[field], field)
        }
      },
    ),
  )
})

test('a heartbeat that promises more ports than it carries gives those it carries', () => {
  const payload = decodeDnyPayload(0x21, Uint8Array.of(0x98, 0x08, 200, 1, 0))
  assert.ok(payload.kind === 'heartbeat')
  assert.deepEqual(payload.heartbeat.portStates, [1, 0])
})

test('commands that nobody here knows are named, not thrown', () => {
  assert.deepEqual(decodeDnyPayload(0x99, new Uint8Array(3)), { kind: 'other', command: 0x99 })
  assert.deepEqual(decodeDnyPayload(0x42, new Uint8Array(0)), { kind: 'other', command: 0x42 })
})
