import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { instant, isoTime, later, type Instant } from '../base/clock.ts'
import { alwaysOpen, openingHours } from './opening-hours.ts'

const at = (time: string): Instant => instant(Date.parse(time))
const shanghai = (clock: string): Instant => at(`2026-03-02T${clock}:00+08:00`)

test('a shop is open from its first minute until before its last', () => {
  const hours = openingHours('09:00-21:30', 'Asia/Shanghai')
  const open = ['09:00', '12:00', '21:29'].map((clock) => hours.isOpen(shanghai(clock)))
  const shut = ['00:00', '08:59', '21:30', '23:59'].map((clock) => hours.isOpen(shanghai(clock)))
  assert.deepEqual([...open, ...shut], [true, true, true, false, false, false, false])
})

test('hours over midnight are open on both sides of it', () => {
  const hours = openingHours('18:00-02:00', 'Asia/Shanghai')
  const open = ['18:00', '23:59', '00:00', '01:59'].map((clock) => hours.isOpen(shanghai(clock)))
  const shut = ['02:00', '12:00', '17:59'].map((clock) => hours.isOpen(shanghai(clock)))
  assert.deepEqual([...open, ...shut], [true, true, true, true, false, false, false])
  assert.equal(hours.nextChange(shanghai('23:59')), at('2026-03-03T02:00:00+08:00'))
  assert.equal(hours.nextChange(shanghai('01:00')), shanghai('02:00'))
})

test('the next change is the next edge, also to the second and on the edge itself', () => {
  const hours = openingHours('09:00-21:30', 'Asia/Shanghai')
  assert.equal(hours.nextChange(shanghai('08:00')), shanghai('09:00'))
  assert.equal(hours.nextChange(shanghai('09:00')), shanghai('21:30'))
  assert.equal(hours.nextChange(later(shanghai('21:29'), 59_999)), shanghai('21:30'))
  assert.equal(hours.nextChange(shanghai('21:30')), at('2026-03-03T09:00:00+08:00'))
})

test('the clock is that of the site', () => {
  const noon = at('2026-03-02T12:00:00Z')
  const isOpen = (zone: string): boolean => openingHours('09:00-17:00', zone).isOpen(noon)
  assert.deepEqual(['Europe/London', 'Asia/Shanghai', 'Asia/Kathmandu', 'America/New_York'].map(isOpen), [
    true,
    false,
    false,
    false,
  ])
  assert.equal(openingHours('17:45-18:00', 'Asia/Kathmandu').isOpen(noon), true)
})

test('hours that never end have no closing', () => {
  assert.equal(alwaysOpen.isOpen(shanghai('03:00')), true)
  assert.equal(alwaysOpen.nextChange(shanghai('03:00')), undefined)
  const around = openingHours('00:00-24:00', 'Asia/Shanghai')
  assert.equal(around.isOpen(shanghai('00:00')), true)
  assert.equal(around.isOpen(shanghai('23:59')), true)
  assert.equal(openingHours('08:00-08:00', 'Asia/Shanghai').nextChange(shanghai('03:00')), undefined)
})

test('an unknown time zone is refused', () => {
  assert.throws(() => openingHours('09:00-17:00', 'Mars/Olympus'), RangeError)
})

test('where clocks are put forward and back, doors open by the clock on the wall', () => {
  const hours = openingHours('09:00-17:00', 'Europe/Berlin')
  assert.equal(hours.nextChange(at('2026-03-28T20:00:00Z')), at('2026-03-29T09:00:00+02:00'))
  assert.equal(hours.nextChange(at('2026-10-24T20:00:00Z')), at('2026-10-25T09:00:00+01:00'))
})

test('between now and the next change nothing changes', () => {
  const clock = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':'))
  const start = at('2026-03-01T00:00:00Z')
  fc.assert(
    fc.property(clock, clock, fc.nat(30 * 86_400), (from, to, second) => {
      fc.pre(from !== to)
      const hours = openingHours(`${from}-${to}`, 'Europe/Berlin')
      const now = later(start, second * 1000)
      const next = hours.nextChange(now)
      assert.ok(next !== undefined && next > now)
      for (let part = 0; part < 1; part += 0.2) {
        const between = instant(Math.floor(now + (next - now) * part))
        assert.equal(hours.isOpen(between), hours.isOpen(now), isoTime(between))
      }
      // An edge in the hour that a summer night leaves out does not come that day.
      if (isoTime(next) < '2026-03-29' || isoTime(next) > '2026-03-30') {
        assert.notEqual(hours.isOpen(next), hours.isOpen(now))
      }
    }),
    { numRuns: 300 },
  )
})
