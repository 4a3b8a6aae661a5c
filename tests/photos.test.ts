import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { AV_LOG_ERROR, Log } from 'node-av'
import { readPhoto } from '../bench/photo.ts'
import { convertCenternet, defaultCacheFolder } from '../models/convert-centernet.ts'
import { openDetector } from '../models/detector.ts'

/** Photos and further models are other people's and not in the repository: beside it, or these tests skip. */
const beside = join(import.meta.dirname, '..', '..', 'shared')
const photos = join(beside, 'images')
const models = join(beside, 'models')
const skipPhotos = existsSync(photos) ? false : 'no folder of photos beside the repository'
const skipModels = existsSync(models) ? skipPhotos : 'no folder of models beside the repository'

before(async () => {
  Log.setLevel(AV_LOG_ERROR)
  await convertCenternet({ cacheFolder: defaultCacheFolder })
})

interface Known {
  readonly photo: string
  readonly label: string
  readonly count: number
  readonly least: number
}

async function demand(manifest: string, folder: string, known: readonly Known[]): Promise<void> {
  const file = join(import.meta.dirname, '..', 'models', 'manifests', `${manifest}.yaml`)
  const detector = await openDetector(file, folder)
  for (const { photo, label, count, least } of known) {
    const frame = await readPhoto(join(photos, photo), detector)
    const found = await detector.detect(frame.rgb, frame.width, frame.height)
    const sure = found.filter((one) => one.label === label && one.score >= least)
    assert.ok(sure.length >= count, `${photo}: ${label} ${sure.length} of ${count}, ${JSON.stringify(found)}`)
  }
  await detector.close()
}

test('the default detector finds the bicycle, its rider, the cars and the bus', { skip: skipPhotos }, () =>
  demand('centernet-coco', defaultCacheFolder, [
    { photo: 'yf2_000230.jpg', label: 'bicycle', count: 1, least: 0.45 },
    { photo: 'yf2_000230.jpg', label: 'person', count: 1, least: 0.55 },
    { photo: 'yf2_000004.jpg', label: 'car', count: 6, least: 0.3 },
    { photo: 'fd_1.jpg', label: 'bus', count: 1, least: 0.6 },
  ]),
)

test('YOLOX-Nano works by its manifest alone', { skip: skipModels }, () =>
  demand('yolox-nano', models, [
    { photo: 'yf2_000230.jpg', label: 'bicycle', count: 1, least: 0.85 },
    { photo: 'yf2_000230.jpg', label: 'person', count: 1, least: 0.85 },
    { photo: 'yf2_000004.jpg', label: 'car', count: 7, least: 0.35 },
    { photo: 'fd_1.jpg', label: 'bus', count: 1, least: 0.9 },
  ]),
)

test('FastestDet works by its manifest alone', { skip: skipModels }, () =>
  demand('fastestdet', models, [
    { photo: 'yf2_000230.jpg', label: 'bicycle', count: 1, least: 0.8 },
    { photo: 'yf2_000004.jpg', label: 'car', count: 6, least: 0.6 },
    { photo: 'fd_1.jpg', label: 'bus', count: 1, least: 0.9 },
  ]),
)
