import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { GanglionError, codeOf } from '../base/errors.ts'
import { nalType } from '../wire/rtp-h264.ts'
import { RtspSession, type CameraFault, type Door, type EncodedPicture } from './rtsp-session.ts'

/** A client that reads slower than this loses pictures up to the next key picture, as on a real camera. */
const LARGEST_BACKLOG_BYTES = 1_000_000

/** An RTSP server as cameras have one: Digest, media in the same TCP connection, several clients. */
export class RtspServer {
  readonly #server: Server
  readonly #sessions = new Map<Socket, RtspSession>()
  readonly #onPlay: () => void
  #fault: CameraFault | undefined

  /** @param onPlay a client that plays has spoken; it may have just begun. */
  constructor(door: Door, onPlay: () => void) {
    this.#onPlay = onPlay
    this.#server = createServer({ noDelay: true }, (socket) => this.#open(socket, new RtspSession(door)))
  }

  /** Answers with the port: 0 picks a free one. @throws GanglionError `listen-failed`. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const message = `wanted to listen on ${host}:${port}; got ${codeOf(error)}`
        reject(new GanglionError('listen-failed', message, { cause: error }))
      })
      this.#server.listen(port, host, resolve)
    })
    return (this.#server.address() as AddressInfo).port // it listens on TCP: neither a path nor nothing
  }

  get isWatched(): boolean {
    return [...this.#sessions.values()].some((session) => session.isPlaying)
  }

  /** Faults that speak at the door end open connections too, so that they are met at once. */
  setFault(fault: CameraFault | undefined): void {
    this.#fault = fault
    if (fault === undefined || fault === 'stall' || fault === 'garbage') return
    for (const socket of this.#sessions.keys()) {
      if (fault === 'reset') socket.resetAndDestroy()
      else socket.destroy()
    }
  }

  send(picture: EncodedPicture): void {
    const isKey = picture.nals.some((nal) => nalType(nal) === 5)
    for (const [socket, session] of this.#sessions) {
      if (!session.isPlaying || this.#fault === 'stall') continue
      if (socket.writableLength > LARGEST_BACKLOG_BYTES) session.waitsForKey = true
      if (session.waitsForKey && !isKey) continue
      session.waitsForKey = false
      if (this.#fault === 'garbage') socket.write(randomBytes(211))
      socket.write(session.frames(picture))
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sessions.keys()) socket.destroy()
    await closed
  }

  #open(socket: Socket, session: RtspSession): void {
    this.#sessions.set(socket, session)
    socket.on('error', () => undefined) // a client that goes away is everyday; 'close' follows
    socket.on('close', () => this.#sessions.delete(socket))
    socket.on('data', (bytes) => {
      if (this.#fault === 'stall') return
      if (this.#fault === 'reset') {
        socket.resetAndDestroy()
        return
      }
      for (const answer of session.take(bytes, this.#fault)) socket.write(answer)
      if (session.isOver) socket.end()
      if (session.isPlaying) this.#onPlay()
    })
  }
}
