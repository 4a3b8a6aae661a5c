import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../base/clock.ts'
import { FrameClock } from './frame-clock.ts'

const start = Date.parse('2026-03-02T08:00:00+08:00')
const arrival = (ticks: number) => ({ now: instant(start + ticks), ticks })

test('of 12 frames a second two are sampled, evenly, whatever the times of their arrival', () => {
  const clock = new FrameClock()
  const sampled: number[] = []
  for (let i = 0; i < 120; i++) {
    const pts = (i * 1000) / 12
    // They come three at a time, as TCP bunches them.
    const ticks = 5000 + Math.ceil((i + 1) / 3) * 250
    if (clock.take(pts, arrival(ticks)).is === 'sample') sampled.push(pts)
  }
  assert.equal(sampled.length, 20)
  const gaps = sampled.slice(1).map((pts, i) => pts - (sampled[i] ?? 0))
  assert.ok(
    gaps.every((gap) => gap > 400 && gap < 600),
    String(gaps),
  )
})

test('a picture that comes late is timed by its PTS, and above 2 s it is not looked at', () => {
  const clock = new FrameClock()
  assert.deepEqual(clock.take(0, arrival(1000)), { at: start + 1000, is: 'sample' })
  assert.deepEqual(clock.take(1000, arrival(3500)), { at: start + 2000, is: 'sample' })
  assert.deepEqual(clock.take(2000, arrival(5100)), { at: start + 3000, is: 'late' })
  assert.deepEqual(clock.take(3000, arrival(4100)), { at: start + 4000, is: 'sample' })
})

test('a camera whose clock runs slow by a second an hour does not become late for ever', () => {
  const clock = new FrameClock()
  let late = 0
  for (let hour = 0; hour < 8 * 3600; hour += 10) {
    const ticks = hour * 1000
    if (clock.take(ticks * (3599 / 3600), arrival(ticks)).is === 'late') late++
  }
  assert.equal(late, 0)
})

test('a stream whose times jump starts anew and is sampled at once', () => {
  const clock = new FrameClock()
  clock.take(500_000, arrival(1000))
  assert.deepEqual(clock.take(100, arrival(1100)), { at: start + 1100, is: 'sample' })
  assert.deepEqual(clock.take(900_000, arrival(1200)), { at: start + 1200, is: 'sample' })
})
