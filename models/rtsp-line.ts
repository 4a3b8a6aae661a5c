import { createConnection, type Socket } from 'node:net'
import type { Clock, Duration } from '../base/clock.ts'
import { codeOf } from '../base/errors.ts'
import { RtspReader, type RtspItem } from '../wire/rtsp.ts'
import { CameraTrouble } from './camera-trouble.ts'

const RTSP_PORT = 554
/** We set up one stream: its packets come on channel 0, its reports on 1. */
const HIGHEST_CHANNEL = 1

/** A TCP connection to a camera, read item by item: what is not asked for is not read, and the camera is slowed. */
export class RtspLine {
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  readonly #reader = new RtspReader(HIGHEST_CHANNEL)
  readonly #clock: Clock
  #items: RtspItem[] = []
  #isConnected = false
  #reason: CameraTrouble | undefined

  constructor(url: string, clock: Clock) {
    const { hostname, port } = new URL(url)
    this.#clock = clock
    this.#socket = createConnection({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? RTSP_PORT : Number(port),
      noDelay: true,
    })
    this.#socket.on('connect', () => (this.#isConnected = true))
    this.#socket.on('error', () => undefined) // the reader of `#chunks` is told
    this.#chunks = this.#socket[Symbol.asyncIterator]() as AsyncIterator<Buffer> // no encoding is set
  }

  /** Bytes that were no RTSP. */
  get skippedBytes(): number {
    return this.#reader.skippedBytes
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** The next message or frame. @throws CameraTrouble when there is none any more. */
  async next(): Promise<RtspItem> {
    for (;;) {
      const item = this.#items.shift()
      if (item) return item
      this.#items = this.#reader.push(await this.#chunk())
    }
  }

  /** Breaks the line after a wait, so that whoever reads it hears why. The answer calls that off. */
  breakAfter(wait: Duration, reason: () => CameraTrouble): () => void {
    return this.#clock.after(wait, () => this.break(reason()))
  }

  break(reason: CameraTrouble): void {
    this.#reason ??= reason
    this.#socket.destroy()
  }

  /** What the silence of a peer means. */
  silence(limitMs: Duration): CameraTrouble {
    if (!this.#isConnected)
      return new CameraTrouble('unreachable', `no connection within ${limitMs / 1000} s`)
    return this.skippedBytes > 0
      ? new CameraTrouble('garbled', 'what it sends is not RTSP')
      : new CameraTrouble('stalled', `nothing came for ${limitMs / 1000} s`)
  }

  /** Sends what is written and ends. */
  end(): void {
    this.#socket.end()
    // A peer that never closes its side must not keep ours.
    const cancel = this.#clock.after(500, () => this.#socket.destroy())
    this.#socket.on('close', cancel)
    this.#socket.resume()
  }

  async #chunk(): Promise<Buffer> {
    let failure = 'it closed the connection'
    try {
      const chunk = await this.#chunks.next()
      if (chunk.done !== true) return chunk.value
    } catch (error) {
      failure = `the connection failed (${codeOf(error)})`
    }
    throw this.#reason ?? new CameraTrouble('unreachable', failure)
  }
}
