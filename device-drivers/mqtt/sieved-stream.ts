import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { messageOf } from '../../base/errors.ts'
import type { Sieve } from './sieve.ts'

/** A connection whose incoming bytes go through a sieve first. */
export class SievedStream extends Duplex {
  readonly #socket: Socket

  constructor(socket: Socket, sieve: Sieve) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const piece of sieve.push(chunk)) if (!this.push(piece)) socket.pause()
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(messageOf(error)))
      }
    })
    socket.on('end', () => this.push(null))
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
