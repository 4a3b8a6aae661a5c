import { connect } from 'node:net'
import { Type } from 'typebox'
import type { Clock, Duration } from '../../base/clock.ts'
import { codeOf } from '../../base/errors.ts'

/** Something that carries bytes both ways: a serial port, or a TCP connection to one elsewhere. */
export interface ByteLine {
  write(bytes: Uint8Array): void
  /** `closed` follows, with this reason. */
  close(reason: string): void
}

export interface ByteEvents {
  opened(): void
  /** The bytes belong to the receiver. */
  data(chunk: Uint8Array): void
  /** It could not be opened, or is open no more: said exactly once, and nothing after it. */
  closed(reason: string): void
}

/** Begins to open; what comes of it is said by the events. */
export type Opener = (events: ByteEvents) => ByteLine

/** How long things take on a line. */
export interface LineTiming {
  /** One character on the wire; 0 where only the far end knows. */
  readonly characterMs: Duration
  /** Silence between one frame and the next. */
  readonly gapMs: Duration
  /** Silence that must be heard after a request whose reply did not come whole. */
  readonly quietMs: Duration
  /** How long a reply may take to begin. */
  readonly waitMs: Duration
  /** Silence within a reply that ends it. */
  readonly betweenMs: Duration
}

/** `192.0.2.7:502`, `[2001:db8::1]:502` */
export const hostText = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`

/** The part of an address that says where a far line is reached. */
export const hostFields = {
  host: Type.String({ pattern: '^[A-Za-z0-9.:_-]{1,253}$', description: 'name or IP address' }),
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
} as const

/** A line at the other end of a network, mobile ones among them: only silence of some length means anything. */
export const farTiming: LineTiming = { characterMs: 0, gapMs: 5, quietMs: 100, waitMs: 2000, betweenMs: 200 }

const CONNECT_WAIT_MS = 3000

/** A TCP connection: a serial device server, a 4G modem that passes bytes on, a Modbus gateway. */
export function tcpLine(host: string, port: number, clock: Clock): Opener {
  return (events) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 })
    let reason = 'closed by the other side'
    const close = (why: string): void => {
      reason = why
      socket.destroy()
    }
    const cancelWait = clock.after(CONNECT_WAIT_MS, () => close('no connection in 3 s'))
    socket.on('connect', () => {
      cancelWait()
      events.opened()
    })
    socket.on('data', (chunk) => events.data(chunk))
    socket.on('error', (error) => (reason = codeOf(error)))
    socket.on('close', () => {
      cancelWait()
      events.closed(reason)
    })
    return { write: (bytes) => void socket.write(bytes), close }
  }
}
