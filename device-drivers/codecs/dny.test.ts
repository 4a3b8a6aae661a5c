import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeDnyPayload } from '../../wire/dny-payload.ts'
import { decodeDny } from './dny.ts'

test('the end of charging and an idle port say that the port delivers nothing', () => {
  const settlement = {
    chargedS: 60,
    powerMaxW: 900,
    energyKwh: 0.1,
    port: 1,
    online: 1,
    card: 0,
    stopReason: 6,
  }
  const ended = decodeDny(encodeDnyPayload({ kind: 'settlement', settlement }))
  assert.deepEqual((ended.fields['ports'] as Record<string, unknown>)['2'], {
    power: 0,
    current: 0,
    energy: 0.1,
    seconds: 60,
    stopReason: 'overload',
  })
  const beat = decodeDny(
    encodeDnyPayload({ kind: 'heartbeat', heartbeat: { voltageV: 220, portStates: [0, 1] } }),
  )
  assert.deepEqual(beat.fields['ports'], {
    1: { state: 'idle', power: 0, current: 0 },
    2: { state: 'charging' },
  })
})

test('every kind of alarm that is known becomes a field, another one is told', () => {
  const fieldOf = (type: number) => {
    const { fields, complaint } = decodeDny({ command: 0x42, data: Uint8Array.of(type, 3, 2) })
    return complaint ?? Object.keys(fields).find((key) => fields[key] === true)
  }
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(fieldOf), [
    'powerLoss',
    'water',
    'heat',
    'smoke',
    'heat',
    'water',
    'door',
    'alarm of type 8',
  ])
})

test('a port number beyond any station is told and the rest of the frame is kept', () => {
  const portPower = { port: 200, state: 1, chargedS: 1, energyKwh: 1, online: 1, powerW: 5 }
  const { fields, complaint } = decodeDny(encodeDnyPayload({ kind: 'port-power', portPower }))
  assert.equal(complaint, 'port 200')
  assert.equal(fields['ports'], undefined)
})

test('a command that nobody knows is a sign of life and is told', () => {
  assert.deepEqual(decodeDny({ command: 0x99, data: new Uint8Array(2) }), {
    fields: {},
    complaint: 'command 99 with 2 bytes',
  })
})
