import { readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { AV_LOG_ERROR, Log } from 'node-av'
import { systemClock } from '../base/clock.ts'
import { GanglionError, isGanglionError } from '../base/errors.ts'
import { convertCenternet, defaultCacheFolder, defaultManifest } from '../models/convert-centernet.ts'
import { openDetector } from '../models/detector.ts'
import { readPhoto } from './photo.ts'

/**
 * `npm run accuracy -- <folder> [manifest.yaml] [folder of models]`: what a detector finds on outside photos.
 * One line a photo, best first, and what it cost. Nobody's photos are in the repository, so this is no test.
 */
async function main(args: readonly string[]): Promise<void> {
  const [folder, manifestFile = defaultManifest, cacheFolder = defaultCacheFolder] = args
  if (folder === undefined) {
    throw new GanglionError(
      'usage',
      'wanted: npm run accuracy -- <folder with .jpg files> [manifest.yaml] [models]',
    )
  }
  const photos = (await readdir(folder)).filter((name) => /^\.jpe?g$/i.test(extname(name))).sort()
  if (photos.length === 0) throw new GanglionError('usage', `${folder}: no .jpg files in it`)
  if (manifestFile === defaultManifest) await convertCenternet({ cacheFolder })

  Log.setLevel(AV_LOG_ERROR) // JPEG's full colour range is worth a warning to it, for each photo
  const detector = await openDetector(manifestFile, cacheFolder)
  const { name, input, thresholds } = detector.manifest
  const limits = Object.entries(thresholds).map(([label, score]) => `${label} ${score.toFixed(2)}`)
  say(`${name} at ${input.width}×${input.height}; least scores: ${limits.join(', ')}\n`)
  for (const photo of photos) {
    const frame = await readPhoto(join(folder, photo), detector)
    const start = systemClock.ticks()
    const found = await detector.detect(frame.rgb, frame.width, frame.height)
    const tookMs = systemClock.ticks() - start
    const words = found.map(({ label, score, box }) => {
      const place = [box.x, box.y, box.width, box.height].map((side) => Math.round(side * 100)).join(' ')
      return `${label} ${score.toFixed(2)} [${place}]`
    })
    say(`${photo.padEnd(24)} ${tookMs.toFixed(0).padStart(4)} ms  ${words.join(' · ') || 'nothing'}`)
  }
  say('\n[left top width height] in % of the photo')
  await detector.close()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2))
  } catch (error) {
    if (!isGanglionError(error)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  }
}
