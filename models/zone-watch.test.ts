import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant, type Instant } from '../base/clock.ts'
import type { Detection } from '../gateway/detection.ts'
import type { Observation } from '../gateway/ports.ts'
import type { QuantityId } from '../gateway/quantity.ts'
import { ZoneWatch } from './zone-watch.ts'

const square = (id: string, left: number) => ({
  id,
  name: { zh: id, en: id },
  polygon: [
    [left, 0.5],
    [left + 0.4, 0.5],
    [left + 0.4, 1],
    [left, 1],
  ],
})
const watch = (): ZoneWatch =>
  new ZoneWatch({
    deviceId: 'cam',
    zones: [square('lane', 0), square('door', 0.5)],
    model: 'm',
    thresholds: {},
  })
const bicycle: Detection = { label: 'bicycle', score: 0.5, box: { x: 0.1, y: 0.6, width: 0.2, height: 0.2 } }
const person: Detection = { ...bicycle, label: 'person' }
const at = (ms: number): Instant => instant(1_000_000 + ms)
const said = (observation: Observation | undefined, what: QuantityId = 'vehicleInZone'): unknown =>
  observation?.readings
    .filter(({ quantity }) => quantity === what)
    .map(({ part, value, at: time }) => [part, value, time - 1_000_000])

test('a zone is called empty only after as many looks as a vehicle needs to be known', () => {
  const zones = watch()
  assert.deepEqual(said(zones.take([], at(0))), [])
  assert.equal(zones.attention, 'a-decision')
  assert.equal(zones.take([], at(500)), undefined)
  assert.deepEqual(said(zones.take([], at(1000))), [
    ['lane', false, 1000],
    ['door', false, 1000],
  ])
  assert.equal(zones.attention, 'nothing')
})

test('a bicycle is told at its second hit with the time of the first, then at least every 2 s, gated or not', () => {
  const zones = watch()
  for (const ms of [0, 500, 1000]) zones.take([], at(ms))
  assert.equal(zones.take([bicycle], at(1500)), undefined)
  assert.equal(zones.attention, 'a-decision')
  const raised = zones.take([bicycle], at(2000))
  assert.deepEqual(said(raised), [
    ['lane', true, 1500],
    ['door', false, 2000],
  ])
  assert.equal(raised?.stays[0]?.tracks[0]?.label, 'bicycle')
  assert.equal(zones.attention, 'a-stay')
  const times: number[] = []
  for (let ms = 2500; ms <= 12_000; ms += 500) if (zones.take('gated', at(ms))) times.push(ms)
  assert.ok(times.length >= 4)
  ;[2000, ...times].reduce((before, ms) => {
    assert.ok(ms - before <= 2000)
    return ms
  })
})

test('a vehicle that three looks in a row do not find is gone', () => {
  const zones = watch()
  for (const ms of [0, 500, 1000]) zones.take([bicycle], at(ms))
  assert.equal(zones.take([], at(1500)), undefined)
  assert.equal(zones.take([], at(2000)), undefined)
  assert.deepEqual(said(zones.take([], at(2500))), [
    ['lane', false, 2500],
    ['door', false, 2500],
  ])
})

test('a quiet camera says that it lives at least every 5 s; people are no vehicles', () => {
  const zones = watch()
  const times: number[] = []
  for (let ms = 0; ms <= 20_000; ms += 500) {
    const observation = zones.take([person], at(ms))
    if (observation) times.push(ms)
    for (const { quantity, value } of observation?.readings ?? []) {
      if (value === true) assert.equal(quantity, 'personInZone')
    }
  }
  assert.ok(times.length >= 4)
  times.reduce((before, ms) => {
    assert.ok(ms - before <= 5000)
    return ms
  })
  assert.equal(zones.tracks[0]?.label, 'person')
})

test('after more than 10 s without a picture nothing is known any more, so a standing case is not cleared', () => {
  const zones = watch()
  for (const ms of [0, 500, 1000]) zones.take([bicycle], at(ms))
  assert.deepEqual(said(zones.take([], at(12_000))), [])
  assert.equal(zones.attention, 'a-decision')
  zones.take([bicycle], at(12_500))
  assert.deepEqual(said(zones.take([bicycle], at(13_000))), [
    ['lane', true, 12_500],
    ['door', false, 13_000],
  ])
})

test('people, motor vehicles and two-wheelers are told apart in one zone', () => {
  const zones = watch()
  const car: Detection = { ...bicycle, label: 'car', box: { x: 0.15, y: 0.5, width: 0.2, height: 0.4 } }
  const told = [0, 500, 1000].map((ms) => zones.take([person, car], at(ms)))
  const last = told.findLast((observation) => observation !== undefined)
  assert.deepEqual(said(last, 'personInZone'), [
    ['lane', true, 0],
    ['door', false, 1000],
  ])
  assert.deepEqual(said(last, 'motorVehicleInZone'), [
    ['lane', true, 0],
    ['door', false, 1000],
  ])
  assert.deepEqual(said(last), [
    ['lane', false, 1000],
    ['door', false, 1000],
  ])
})
