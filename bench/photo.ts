import { Decoder, Demuxer, Scaler } from 'node-av'
import { GanglionError } from '../base/errors.ts'
import type { Detector } from '../models/detector.ts'
import type { Frame } from '../models/frame.ts'
import { fitInto } from '../models/letterbox.ts'

/** Decodes a JPEG, scaled to what the detector takes, as the vision child hands its frames on. */
export async function readPhoto(file: string, detector: Detector): Promise<Frame> {
  using demuxer = Demuxer.openSync(file)
  const stream = demuxer.video()
  if (!stream) throw new GanglionError('payload-invalid', `${file}: not a picture`)
  using decoder = await Decoder.create(stream, { threadCount: 1 })
  using scaler = new Scaler()
  for await (const frame of decoder.frames(demuxer.packets(stream.index))) {
    if (!frame) continue
    using decoded = frame
    const { width, height } = fitInto(decoded, detector.manifest.input)
    const rgb = await scaler.toBuffer(decoded, { resize: { width, height }, format: 'rgb' })
    return { rgb, width, height }
  }
  throw new GanglionError('payload-invalid', `${file}: could not be decoded`)
}
