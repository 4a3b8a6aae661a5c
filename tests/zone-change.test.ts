import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant, type Instant } from '../base/clock.ts'
import type { Observation } from '../gateway/ports.ts'
import { drawScene, keptFree } from '../simulator/scene.ts'
import { addNoise } from '../simulator/scene/grain.ts'
import type { SceneName } from '../simulator/scene-names.ts'
import { Background, changeSize } from '../models/background.ts'
import { ChangeWatch } from '../models/change-watch.ts'

const start = 1_000_000
const at = (second: number): Instant => instant(start + second * 1000)
const zones = [
  {
    id: 'front',
    name: { zh: '门前', en: 'front' },
    polygon: keptFree.storefront.map(([x, y]) => [x, y]),
  },
]

/** A drawn scene as the camera's gray picture, with noise of its own and as bright as wanted. */
function gray(scene: SceneName, seed: number, brightness = 1): Uint8Array {
  const { width, height } = changeSize
  const rgb = addNoise(drawScene(scene, width, height).rgb, seed)
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(3 * i, 3 * i + 3)
    return Math.min(255, brightness * (0.299 * red + 0.587 * green + 0.114 * blue))
  })
}

/** Shows a scene for some seconds, two pictures a second, and answers with what was told. */
function show(
  watch: ChangeWatch,
  scene: SceneName,
  from: number,
  seconds: number,
  brightness = 1,
): Observation[] {
  const told: Observation[] = []
  for (let half = 0; half < 2 * seconds; half++) {
    const observation = watch.take(gray(scene, half, brightness), at(from + half / 2))
    if (observation) told.push(observation)
  }
  return told
}

const share = (observation: Observation | undefined): unknown =>
  observation?.readings.find(({ quantity }) => quantity === 'zoneChange')?.value

const isBlind = (observation: Observation | undefined): unknown =>
  observation?.readings.find(({ quantity }) => quantity === 'cameraBlind')?.value

function learned(): { watch: ChangeWatch; background: Background } {
  const background = new Background()
  const watch = new ChangeWatch({ deviceId: 'cam', zones }, background)
  assert.deepEqual(show(watch, 'storefront-empty', 0, 10), [])
  return { watch, background }
}

test('goods that no detector knows change a good part of their zone, and none once they are gone', () => {
  const { watch } = learned()
  assert.ok(show(watch, 'storefront-empty', 10, 5).every((told) => Number(share(told)) <= 3))
  const goods = show(watch, 'storefront-goods', 20, 5).at(-1)
  assert.ok(Number(share(goods)) >= 10, String(share(goods)))
  const [mark] = goods?.stays[0]?.tracks ?? []
  assert.equal(mark?.label, 'change')
  assert.equal(mark.firstSeen, at(20))
  assert.ok(mark.box.y > 0.4 && mark.box.width < 0.7)
  assert.ok(Number(share(show(watch, 'storefront-empty', 30, 5).at(-1))) <= 3)
})

test('light that changes evenly changes no zone', () => {
  const { watch } = learned()
  for (const brightness of [0.6, 0.8, 1.2]) {
    assert.ok(
      show(watch, 'storefront-empty', 20 * brightness, 5, brightness).every(
        (told) => Number(share(told)) <= 3,
      ),
    )
  }
})

test('goods never become part of the background, however long they stand', () => {
  const { watch } = learned()
  for (let hour = 1; hour <= 6; hour++) {
    const told = show(watch, 'storefront-goods', hour * 3600, 2).at(-1)
    assert.ok(Number(share(told)) >= 10, `hour ${hour}: ${String(share(told))}`)
  }
})

test('a restart knows the view again: what stands there then is still a change', () => {
  const { watch, background } = learned()
  show(watch, 'storefront-goods', 20, 2)
  const again = new ChangeWatch({ deviceId: 'cam', zones }, new Background(background.save()))
  assert.ok(Number(share(show(again, 'storefront-goods', 40, 2).at(-1))) >= 10)
})

test('a covered or moved camera is blind, says nothing of its zones, and sees again', () => {
  const { watch } = learned()
  const { width, height } = changeSize
  const covered = watch.take(new Uint8Array(width * height).fill(12), at(20))
  assert.equal(isBlind(covered), true)
  assert.equal(share(covered), undefined)
  assert.ok(show(watch, 'stairwell-empty', 30, 2).every((told) => isBlind(told) === true))
  const back = show(watch, 'storefront-empty', 40, 2).at(0)
  assert.equal(isBlind(back), false)
})

test('a view that stays another one for minutes is learned as the second one, and the first is known again', () => {
  const { watch } = learned()
  show(watch, 'stairwell-empty', 30, 1)
  show(watch, 'stairwell-empty', 400, 12)
  assert.equal(isBlind(show(watch, 'stairwell-empty', 420, 3).at(-1)), false)
  assert.equal(isBlind(show(watch, 'storefront-empty', 440, 3).at(-1)), false)
  assert.ok(Number(share(show(watch, 'storefront-empty', 450, 6).at(-1))) <= 3)
})
