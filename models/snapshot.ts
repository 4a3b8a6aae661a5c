import { Scaler } from 'node-av/api'
import { AV_PIX_FMT_RGB24 } from 'node-av/constants'
import { Frame as AvFrame } from 'node-av/lib'
import type { Instant } from '../base/clock.ts'
import { GanglionError } from '../base/errors.ts'
import type { Detection } from '../gateway/detection.ts'
import type { Picture } from '../gateway/ports.ts'
import { annotated, pixelated } from './pictures.ts'

const LARGEST_PICTURE = 4 * 1024 * 1024
/** Each tried in turn until the picture is small enough. */
const qualities = [90, 70, 45]

export interface Snapshot {
  readonly frame: AvFrame
  readonly at: Instant
  /** Everything that may have to be hidden. */
  readonly seen: readonly Detection[]
  /** What the rule goes by. */
  readonly mark: readonly Detection[]
  readonly scaler: Scaler
}

/** The original, to be sealed in the box, and the marked copy without faces and plates, to be sent. */
export async function takePictures({ frame, at, seen, mark, scaler }: Snapshot): Promise<readonly Picture[]> {
  const { width, height } = frame
  const original = await toJpeg(frame)
  const rgb = await scaler.toBuffer(frame, { format: 'rgb' })
  const copy = annotated(pixelated({ rgb, width, height }, seen), mark)
  const marked = AvFrame.fromVideoBuffer(Buffer.from(copy.rgb.buffer), {
    width,
    height,
    format: AV_PIX_FMT_RGB24,
  })
  try {
    return [
      { bytes: original, mediaType: 'image/jpeg', takenAt: at, role: 'original', keep: 'kept' },
      {
        bytes: await toJpeg(marked),
        mediaType: 'image/jpeg',
        takenAt: at,
        role: 'annotated',
        keep: 'sent',
      },
    ]
  } finally {
    marked.free()
  }
}

/** A scaler of its own: node-av's pooled JPEG encoder refuses the next picture when it comes from another source. */
async function toJpeg(frame: AvFrame): Promise<Uint8Array> {
  for (const quality of qualities) {
    const scaler = new Scaler()
    try {
      const jpeg = await scaler.toJpeg(frame, { quality })
      if (jpeg.length <= LARGEST_PICTURE) return Uint8Array.from(jpeg)
    } finally {
      scaler.close()
    }
  }
  throw new GanglionError(
    'payload-too-large',
    `wanted a picture of at most ${LARGEST_PICTURE} bytes; got a larger one`,
  )
}
