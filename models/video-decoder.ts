import { AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_FRAME_FLAG_CORRUPT } from 'node-av/constants'
import { Codec, CodecContext, Dictionary, Frame, Packet, Rational } from 'node-av/lib'
import { GanglionError } from '../base/errors.ts'
import { TICKS_PER_MS } from '../wire/rtp.ts'
import type { AccessUnit } from '../wire/rtp-video.ts'
import type { VideoCodec } from '../wire/sdp.ts'

/** 8K. More is a broken or hostile stream, and its pictures would not fit the memory of a box. */
const MOST_PIXELS = 7680 * 4320

/** A decoded picture; whoever gets it frees it. */
export interface DecodedPicture {
  readonly frame: Frame
  /** On the camera's own clock. */
  readonly ptsMs: number
}

/** Coded pictures to raw ones, on one thread: many cameras share the box. */
export class VideoDecoder {
  readonly #context: CodecContext
  readonly #packet = new Packet()

  private constructor(context: CodecContext) {
    this.#context = context
    this.#packet.alloc()
  }

  /** @throws GanglionError `payload-invalid` when this build cannot decode it. */
  static async open(codec: VideoCodec): Promise<VideoDecoder> {
    const found = Codec.findDecoder(codec === 'H264' ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC)
    if (!found)
      throw new GanglionError('payload-invalid', `wanted a decoder for ${codec}; this build has none`)
    const context = new CodecContext()
    context.allocContext3(found)
    context.threadCount = 1
    const options = Dictionary.fromObject({ max_pixels: String(MOST_PIXELS) })
    const opened = await context.open2(found, options)
    options.free()
    if (opened < 0)
      throw new GanglionError('payload-invalid', `the decoder for ${codec} did not open (${opened})`)
    return new VideoDecoder(context)
  }

  /** Damaged pictures are left out: a false shape in one could be taken for a vehicle. */
  async decode(unit: AccessUnit): Promise<readonly DecodedPicture[]> {
    this.#packet.data = Buffer.from(unit.annexB.buffer, unit.annexB.byteOffset, unit.annexB.byteLength)
    this.#packet.pts = BigInt(unit.timestamp)
    this.#packet.dts = BigInt(unit.timestamp)
    this.#packet.isKeyframe = unit.isKey
    await this.#context.sendPacket(this.#packet)
    this.#packet.unref()
    const pictures: DecodedPicture[] = []
    for (;;) {
      const frame = new Frame()
      frame.alloc()
      const received = await this.#context.receiveFrame(frame)
      if (received === 0 && frame.decodeErrorFlags === 0 && !frame.hasFlags(AV_FRAME_FLAG_CORRUPT)) {
        frame.timeBase = new Rational(1, TICKS_PER_MS * 1000)
        pictures.push({ frame, ptsMs: Number(frame.bestEffortTimestamp) / TICKS_PER_MS })
        continue
      }
      frame.free()
      // Nothing more until the next packet, or a unit that cannot be decoded: the next key picture helps.
      if (received !== 0) return pictures
    }
  }

  close(): void {
    this.#packet.free()
    this.#context.freeContext()
  }
}
