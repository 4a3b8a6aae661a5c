import assert from 'node:assert/strict'
import test from 'node:test'
import { instant, isoTime, type Instant } from '../base/clock.ts'
import { toExemptions, type Exemption } from './exemption.ts'

const timeZone = 'Asia/Shanghai'
const at = (time: string): Instant => instant(Date.parse(`${time.replace(' ', 'T')}:00+08:00`))
const rule = { id: 'beam-blocked', classId: 'beyond-door', isLifeSafety: false }

function reasonAt(entries: readonly Exemption[], time: string, of = rule): string | undefined {
  return toExemptions(entries, timeZone).of(of, at(time))?.reason
}

test('a day counts whole, a minute to the minute, by the clock of the site', () => {
  const fair: Exemption = { class: 'beyond-door', from: '2026-10-01', to: '2026-10-03', reason: 'fair' }
  const times = ['2026-09-30 23:59', '2026-10-01 00:00', '2026-10-03 23:59', '2026-10-04 00:00']
  assert.deepEqual(
    times.map((time) => reasonAt([fair], time)),
    [undefined, 'fair', 'fair', undefined],
  )
  const evening: Exemption = {
    rule: 'beam-blocked',
    from: '2026-10-01 18:00',
    to: '2026-10-01 22:30',
    reason: 'market',
  }
  const minutes = ['2026-10-01 17:59', '2026-10-01 18:00', '2026-10-01 22:29', '2026-10-01 22:30']
  assert.deepEqual(
    minutes.map((time) => reasonAt([evening], time)),
    [undefined, 'market', 'market', undefined],
  )
})

test('the one that holds longest counts', () => {
  const entries: Exemption[] = [
    { class: 'beyond-door', from: '2026-10-01', to: '2026-10-01', reason: 'short' },
    { rule: 'beam-blocked', from: '2026-10-01', to: '2026-10-05', reason: 'long' },
    { rule: 'another', from: '2026-10-01', to: '2026-10-09', reason: 'of another' },
  ]
  const exempt = toExemptions(entries, timeZone).of(rule, at('2026-10-01 12:00'))
  assert.deepEqual([exempt?.reason, exempt && isoTime(exempt.until)], ['long', '2026-10-05T16:00:00.000Z'])
})

test('nothing exempts from life-safety, whatever stands in the file', () => {
  const fire: Exemption = { class: 'smoke', from: '2026-10-01', to: '2026-10-03', reason: 'barbecue' }
  assert.equal(
    reasonAt([fire], '2026-10-02 12:00', { id: 'smoke', classId: 'smoke', isLifeSafety: true }),
    undefined,
  )
})

test('where the clocks are changed a day is as long as it is', () => {
  const day: Exemption = { rule: 'beam-blocked', from: '2026-10-25', to: '2026-10-25', reason: 'autumn' }
  const until = toExemptions([day], 'Europe/Berlin').of(
    rule,
    instant(Date.parse('2026-10-25T12:00:00Z')),
  )?.until
  assert.equal(until && isoTime(until), '2026-10-25T23:00:00.000Z')
})
