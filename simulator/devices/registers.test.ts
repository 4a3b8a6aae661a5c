import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeRegistersReply, encodeRtu } from '../../wire/modbus.ts'
import { ebikeStation, fireProtector, readImage, type RegisterMap } from './registers.ts'
import type { Values } from './device.ts'

/** The reply on a serial line, as the published vectors have it. */
function reply(
  map: RegisterMap,
  values: Values,
  { unit, address, count }: Readonly<Record<'unit' | 'address' | 'count', number>>,
): string {
  const words = readImage(map.image(values), address, count)
  assert.ok(typeof words !== 'number', `exception ${String(words)}`)
  return encodeRtu(unit, encodeRegistersReply(3, words)).toString('hex').toUpperCase()
}

describe('register images', () => {
  test('a charging port reads byte for byte as the composed vector of the station map', () => {
    const values = {
      'port-1/portState': 'charging',
      'port-1/portVoltage': 220,
      'port-1/portCurrent': 0.455,
      'port-1/portPower': 100,
      'port-1/portEnergy': 0.48,
      'port-1/portSeconds': 3600,
      'port-1/portTemperature': 38,
    }
    assert.equal(
      reply(ebikeStation(2), values, { unit: 11, address: 0x0100, count: 8 }),
      '0B03100001089801C703E800300E10002600003DCB',
    )
  })

  test('the protector reads byte for byte as the composed vector, but for the open and shorted sensors', () => {
    const values = {
      breakerState: 'closed',
      'channel-1/residualCurrent': 365,
      'channel-2/residualCurrent': 412,
      'channel-1/cableTemperature': 65.5,
      'channel-2/cableTemperature': 41.2,
      arcCount: 16,
      arcEvents: 12,
    }
    // The vector's fourth temperature is a short (8000); ours is not wired either (7FFF).
    const words = readImage(fireProtector.image(values), 0, 12)
    assert.deepEqual(
      words,
      [0x0005, 0x0001, 0x016d, 0x019c, 0xffff, 0xffff, 0x028f, 0x019c, 0x7fff, 0x7fff, 0x0010, 0x000c],
    )
  })

  test('degrees below zero are sent as negative words', () => {
    const words = readImage(ebikeStation(1).image({ 'port-1/portTemperature': -5 }), 0x0106, 1)
    assert.deepEqual(words, [0xfffb])
  })

  test('an address that does not exist refuses the whole request', () => {
    assert.equal(readImage(ebikeStation(2).image({}), 0x010f, 2), 2)
    assert.equal(readImage(fireProtector.image({}), 0x0015, 2), 2)
    assert.deepEqual(readImage(ebikeStation(2).image({}), 0x0000, 1), [2])
  })

  test('32-bit values lie high word first', () => {
    const words = readImage(fireProtector.image({ power: 10_000, energy: 1234.56 }), 0x0012, 4)
    assert.deepEqual(words, [1, 34_464, 1, 57_920])
  })
})
