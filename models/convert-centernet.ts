import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GanglionError, codeOf } from '../base/errors.ts'
import { centernetToOnnx } from './convert/centernet.ts'
import { readManifest } from './manifest.ts'

export interface Converted {
  readonly file: string
  readonly sha256: string
  /** True when it was made now, false when the one in the folder is the one wanted. */
  readonly fresh: boolean
}

/**
 * Makes the default detector's ONNX file from the weights that npm package `@vladmandic/human` ships.
 * A file that already has the manifest's hash is left alone, so this may run at every start.
 * @throws GanglionError `model-invalid` when the package is missing or its weights are not the known ones.
 */
export async function convertCenternet(options: { readonly cacheFolder: string }): Promise<Converted> {
  const manifest = readManifest(defaultManifest)
  const file = join(options.cacheFolder, manifest.file)
  if ((await hashOf(file)) === manifest.sha256) return { file, sha256: manifest.sha256, fresh: false }

  const weights = weightFiles()
  const bytes = convert(weights)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== manifest.sha256) {
    throw new GanglionError(
      'model-invalid',
      `the weights in ${weights.bin} give a model with SHA-256 ${sha256}; the manifest ${manifest.name} names ${manifest.sha256}`,
      { hint: 'Install the packages of the lock file again: npm ci' },
    )
  }
  await mkdir(options.cacheFolder, { recursive: true })
  await writeWhole(file, bytes)
  return { file, sha256, fresh: true }
}

/** The manifest of the detector that works on a fresh machine. */
export const defaultManifest = fileURLToPath(new URL('manifests/centernet-coco.yaml', import.meta.url))

/** Where converted models lie when nobody says otherwise. */
export const defaultCacheFolder = fileURLToPath(new URL('cache', import.meta.url))

function convert(weights: { readonly json: string; readonly bin: string }): Uint8Array {
  try {
    return centernetToOnnx(weights.json, weights.bin)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new GanglionError('model-invalid', `${weights.json}: the detector's weights are not there`, {
      hint: 'Install the packages again: npm ci',
      cause: error,
    })
  }
}

/** The package exports its code only; the weights lie beside it. */
function weightFiles(): { readonly json: string; readonly bin: string } {
  const models = new URL('../models/', import.meta.resolve('@vladmandic/human'))
  return {
    json: fileURLToPath(new URL('centernet.json', models)),
    bin: fileURLToPath(new URL('centernet.bin', models)),
  }
}

async function hashOf(file: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** A reader finds the old file or the new one, never half of one; two processes may do this at once. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  const part = `${file}.${process.pid}.part`
  const handle = await open(part, 'w')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(part, file)
}

if (import.meta.main) {
  const made = await convertCenternet({ cacheFolder: process.argv[2] ?? defaultCacheFolder })
  process.stdout.write(`${made.fresh ? 'made' : 'found'} ${made.file} (SHA-256 ${made.sha256})\n`)
}
