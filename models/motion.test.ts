import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant, later } from '../base/clock.ts'
import { graySize, hasMoved, isWorthALook, toGray, type Gate } from './motion.ts'

const start = instant(1_000_000)
const pixels = graySize.width * graySize.height
const still = new Uint8Array(pixels).fill(100)

function changed(count: number, by: number): Uint8Array {
  return still.map((value, i) => (i < count ? value + by : value))
}

function next(waitMs: number, gray: Uint8Array = still): Gate {
  return { gray, at: later(start, waitMs) }
}

const last = next(0)

test('the first picture is looked at, the same one again is not', () => {
  assert.equal(isWorthALook(undefined, next(0), 'nothing'), true)
  assert.equal(isWorthALook(last, next(500), 'nothing'), false)
})

test('more than half a percent of the picture must change by more than 25', () => {
  assert.equal(hasMoved(still, changed(72, 26)), false)
  assert.equal(hasMoved(still, changed(73, 26)), true)
  assert.equal(hasMoved(still, changed(pixels, 25)), false)
  assert.equal(isWorthALook(last, next(500, changed(73, -26)), 'nothing'), true)
})

test('what stands still is looked at every 10 s, and every 2 s while it stands in a zone', () => {
  assert.equal(isWorthALook(last, next(9_999), 'nothing'), false)
  assert.equal(isWorthALook(last, next(10_000), 'nothing'), true)
  assert.equal(isWorthALook(last, next(1_999), 'a-stay'), false)
  assert.equal(isWorthALook(last, next(2_000), 'a-stay'), true)
})

test('a still picture is looked at at once when it decides about a track', () => {
  assert.equal(isWorthALook(last, next(1), 'a-decision'), true)
})

test('a stream that begins anew, earlier than before, is looked at', () => {
  assert.equal(isWorthALook(last, next(-5_000), 'nothing'), true)
})

test('gray is the mean of a patch, so that single noisy pixels fall out', () => {
  const rgb = Uint8Array.from({ length: 640 * 360 * 3 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 90 : 110))
  const gray = toGray({ rgb, width: 640, height: 360 })
  assert.equal(gray.length, pixels)
  assert.ok(gray.every((value) => value === 100))
})

test('a bicycle that comes into a picture of any size moves it', () => {
  for (const [width, height] of [
    [640, 360],
    [1920, 1080],
    [100, 60],
  ] as const) {
    const rgb = new Uint8Array(width * height * 3).fill(120)
    const before = toGray({ rgb, width, height })
    assert.ok(before.every((value) => value === 120))
    for (let y = height >> 1; y < height * 0.6; y++) {
      rgb.fill(20, (y * width + (width >> 1)) * 3, (y * width + Math.round(width * 0.6)) * 3)
    }
    assert.equal(hasMoved(before, toGray({ rgb, width, height })), true)
  }
})
