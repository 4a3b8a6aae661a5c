import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instant } from '../base/clock.ts'
import type { Detection } from '../gateway/detection.ts'
import { convertCenternet, defaultCacheFolder, defaultManifest } from '../models/convert-centernet.ts'
import { openDetector, type Detector } from '../models/detector.ts'
import { labelGroup } from '../models/label-group.ts'
import { follow, noTracking, openTracks, type Tracking } from '../models/tracker.ts'
import { standsIn } from '../models/zones.ts'
import { sceneNames, type SceneName } from '../simulator/scene-names.ts'
import { drawScene, keptFree, scenes } from '../simulator/scene.ts'
import { addNoise } from '../simulator/scene/grain.ts'

/** What the simulator draws must be what the default detector sees, or every scenario with a camera proves nothing. */

const FRAMES = 40
const size = { width: 640, height: 360 }
/** So far above its threshold that encoding and scaling do not decide. */
const MARGIN = 0.1
const SHARE = 0.9

let detector: Detector

before(async () => {
  await convertCenternet({ cacheFolder: defaultCacheFolder })
  detector = await openDetector(defaultManifest, defaultCacheFolder)
})

after(() => detector.close())

async function look(name: SceneName): Promise<Detection[][]> {
  const { rgb } = drawScene(name, size.width, size.height)
  const pictures: Detection[][] = []
  for (let seed = 0; seed < FRAMES; seed++) {
    pictures.push(await detector.detect(addNoise(rgb, seed), size.width, size.height))
  }
  return pictures
}

const withBicycles = sceneNames.filter((name) => scenes[name].bicycles.length > 0)
const without = sceneNames.filter((name) => scenes[name].bicycles.length === 0)

test('there are scenes with bicycles, empty ones and ones with a person only, of every kind', () => {
  for (const kind of Object.keys(keptFree)) {
    assert.ok(withBicycles.some((name) => scenes[name].kind === kind))
    assert.ok(without.some((name) => scenes[name].kind === kind && scenes[name].persons.length === 0))
    assert.ok(without.some((name) => scenes[name].kind === kind && scenes[name].persons.length > 0))
  }
})

for (const name of withBicycles) {
  test(`${name}: every bicycle is seen where it stands, well above its threshold`, async () => {
    const { kind, bicycles } = scenes[name]
    const pictures = await look(name)
    for (const { x } of bicycles) {
      const clear = pictures.filter((found) =>
        found.some(({ label, score, box }) => {
          const isThere = Math.abs(box.x + box.width / 2 - x) < 0.05 && standsIn(mutable(kind), box)
          const least = (detector.manifest.thresholds[label] ?? 1) + MARGIN
          return labelGroup(label) === 'two-wheeler' && score >= least && isThere
        }),
      )
      assert.ok(clear.length >= SHARE * FRAMES, `at ${x}: ${clear.length} of ${FRAMES}`)
    }
  })
}

for (const name of without) {
  test(`${name}: no track of a two-wheeler is ever opened`, async () => {
    let tracking: Tracking = noTracking
    for (const [i, found] of (await look(name)).entries()) {
      tracking = follow(tracking, found, instant(i * 500))
      const wrong = openTracks(tracking).filter(({ label }) => labelGroup(label) === 'two-wheeler')
      assert.deepEqual(wrong, [])
    }
  })
}

test('the same scene is drawn with the same bytes, and noise repeats with its seed', () => {
  const first = drawScene('fire-lane-bicycle', size.width, size.height)
  const again = drawScene('fire-lane-bicycle', size.width, size.height)
  assert.equal(Buffer.compare(again.rgb, first.rgb), 0)
  assert.equal(Buffer.compare(addNoise(first.rgb, 7), addNoise(again.rgb, 7)), 0)
  assert.notEqual(Buffer.compare(addNoise(first.rgb, 7), addNoise(first.rgb, 8)), 0)
})

/** A zone as a site file has it. */
function mutable(kind: keyof typeof keptFree): number[][] {
  return keptFree[kind].map((corner) => [...corner])
}
