import { Encoder, Scaler } from 'node-av/api'
import { AV_LOG_QUIET, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV420P, FF_ENCODER_LIBX264 } from 'node-av/constants'
import { Frame, Log, Rational } from 'node-av/lib'
import { nalUnits } from '../wire/rtp-h264.ts'
import { TICKS_PER_MS } from '../wire/rtp.ts'

export interface PictureSize {
  readonly width: number
  readonly height: number
  readonly framesPerSecond: number
}

/** A tightly packed RGB picture as H.264, the way a cheap camera encodes: no B pictures, two key pictures a second. */
export class H264Encoder {
  readonly #encoder: Encoder
  readonly #scaler = new Scaler()
  readonly #size: PictureSize
  #pictures: readonly Buffer[] = []
  #next = 0

  private constructor(encoder: Encoder, size: PictureSize) {
    this.#encoder = encoder
    this.#size = size
  }

  static async open(size: PictureSize): Promise<H264Encoder> {
    // A client waits for a key picture before it sees anything, and node-av forces none.
    const keyEvery = Math.ceil(size.framesPerSecond / 2)
    Log.setLevel(AV_LOG_QUIET)
    const encoder = await Encoder.create(FF_ENCODER_LIBX264, {
      context: {
        gopSize: keyEvery,
        maxBFrames: 0,
        threadCount: 1,
        timeBase: new Rational(1, TICKS_PER_MS * 1000),
        framerate: new Rational(size.framesPerSecond, 1),
      },
      options: {
        preset: 'ultrafast',
        tune: 'zerolatency',
        crf: 20,
        // Parameter sets before every key picture: clients come at any time.
        'x264-params': `repeat-headers=1:keyint=${keyEvery}:scenecut=0`,
      },
    })
    return new H264Encoder(encoder, size)
  }

  /** What `encode` sends from now on, in turn: the same picture several times, each with another noise. */
  async show(pictures: readonly Uint8Array[]): Promise<void> {
    const shown: Buffer[] = []
    for (const rgb of pictures) shown.push(await this.#toYuv(rgb))
    this.#pictures = shown
  }

  /** The NAL units of one picture; none before anything is shown. */
  async encode(timestamp: number): Promise<Uint8Array[]> {
    const { width, height } = this.#size
    const yuv = this.#pictures[this.#next++ % this.#pictures.length]
    if (!yuv) return []
    const frame = Frame.fromVideoBuffer(yuv, {
      width,
      height,
      format: AV_PIX_FMT_YUV420P,
      pts: BigInt(timestamp),
      timeBase: { num: 1, den: TICKS_PER_MS * 1000 },
    })
    try {
      const packets = await this.#encoder.encodeAll(frame)
      return packets.flatMap((packet) => {
        const units = packet.data ? nalUnits(Uint8Array.from(packet.data)) : []
        packet.free()
        return units
      })
    } finally {
      frame.free()
    }
  }

  close(): void {
    this.#scaler.close()
    this.#encoder.close()
  }

  async #toYuv(rgb: Uint8Array): Promise<Buffer> {
    const { width, height } = this.#size
    const frame = Frame.fromVideoBuffer(Buffer.from(rgb), { width, height, format: AV_PIX_FMT_RGB24 })
    try {
      return await this.#scaler.toBuffer(frame, { format: 'yuv420p' })
    } finally {
      frame.free()
    }
  }
}
