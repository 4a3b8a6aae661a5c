import type { Clock, Duration } from '../base/clock.ts'
import { AccessUnits } from '../wire/rtp-video.ts'
import { CameraTrouble } from './camera-trouble.ts'
import { RtspClient, type CameraAddress } from './rtsp-client.ts'
import { VideoDecoder, type DecodedPicture } from './video-decoder.ts'

const SILENT_LIMIT: Duration = 5000

export interface StreamContext {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Each decoded picture, in order; it is freed when the answer comes. */
  readonly onPicture: (picture: DecodedPicture) => Promise<void>
  /** Bytes and packets of this stream that were thrown away as rubbish, whenever there are more. */
  readonly onRubbish: (count: number) => void
}

/** Decodes a camera's stream until aborted. @throws CameraTrouble when it cannot: a live stream has no end. */
export async function decodeStream(camera: CameraAddress, context: StreamContext): Promise<void> {
  const { clock, signal } = context
  const client = await RtspClient.play(camera, clock, signal)
  const stop = (): void => client.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await decodeAll(client, context)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    client.close()
  }
}

async function decodeAll({ line, track }: RtspClient, context: StreamContext): Promise<void> {
  const { signal, onPicture, onRubbish } = context
  const units = new AccessUnits(track)
  const decoder = await VideoDecoder.open(track.codec)
  let rubbish = 0
  let cameBytes = false
  const patience = (): (() => void) =>
    line.breakAfter(SILENT_LIMIT, () =>
      cameBytes
        ? new CameraTrouble('garbled', `no picture could be decoded for ${SILENT_LIMIT / 1000} s`)
        : line.silence(SILENT_LIMIT),
    )
  let callOff = patience()
  try {
    while (!signal.aborted) {
      const item = await line.next()
      if (line.skippedBytes + units.skippedPackets > rubbish) {
        rubbish = line.skippedBytes + units.skippedPackets
        onRubbish(rubbish)
      }
      if (item.kind !== 'interleaved' || item.channel !== 0) continue
      cameBytes = true
      for (const unit of units.push(item.payload)) {
        for (const picture of await decoder.decode(unit)) {
          callOff()
          cameBytes = false
          callOff = patience()
          await onPicture(picture)
          picture.frame.free()
        }
      }
    }
  } finally {
    callOff()
    decoder.close()
  }
}
