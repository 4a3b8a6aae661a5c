import type { SerialPort as Port } from 'serialport'
import { Type } from 'typebox'
import { messageOf } from '../../base/errors.ts'
import type { LineTiming, Opener } from './byte-line.ts'

export const bauds = [1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200] as const

/** The part of an address that says which serial port, and how it is set. */
export const serialFields = {
  port: Type.String({
    pattern: '^(/[A-Za-z0-9._:+@/-]{1,200}|COM\\d{1,3})$',
    description: 'such as /dev/ttyUSB0; names in /dev/serial/by-id stay the same when adapters are moved',
  }),
  baud: Type.Optional(Type.Enum(bauds)),
  parity: Type.Optional(Type.Enum(['none', 'even', 'odd'] as const)),
  stopBits: Type.Optional(Type.Enum([1, 2] as const)),
} as const

export interface SerialSettings {
  readonly port: string
  readonly baud: (typeof bauds)[number]
  readonly parity: 'none' | 'even' | 'odd'
  readonly stopBits: 1 | 2
}

/** `/dev/ttyUSB0 9600 8N1`: the same for all devices of one line. */
export const serialText = ({ port, baud, parity, stopBits }: SerialSettings): string =>
  `${port} ${baud} 8${parity.slice(0, 1).toUpperCase()}${stopBits}`

/** A start bit, 8 data bits, parity or a second stop bit, a stop bit. */
export const characterMs = (baud: number): number => 11_000 / baud

/** @param gapMs what the protocol wants between frames */
export function serialTiming(baud: number, gapMs: number): LineTiming {
  return {
    characterMs: characterMs(baud),
    gapMs,
    // USB adapters hand on what they have every 16 ms: shorter silences are none.
    quietMs: Math.max(gapMs, 50),
    waitMs: 600,
    betweenMs: Math.max(20 * characterMs(baud), 50),
  }
}

/** Opens a serial port and keeps it for this process alone. */
export function serialLine({ port: path, baud, parity, stopBits }: SerialSettings): Opener {
  return (events) => {
    let port: Port | undefined
    let reason: string | undefined
    let isEnded = false
    const end = (why: string): void => {
      if (isEnded) return
      isEnded = true
      events.closed(reason ?? why)
    }
    const close = (why: string): void => {
      reason ??= why
      // One that is being opened is closed as soon as it is open.
      // What was not sent yet is given up: closing would wait for it.
      if (port?.isOpen) port.flush(() => port?.close((error) => end(reasonOf(error))))
      else if (!port?.opening) end(why)
    }
    const open = ({ SerialPort }: { readonly SerialPort: typeof Port }): void => {
      if (isEnded) return
      const opening = new SerialPort({
        path,
        baudRate: baud,
        dataBits: 8,
        parity,
        stopBits,
        lock: true,
        autoOpen: false,
      })
      port = opening
      opening.on('data', (chunk: Uint8Array) => {
        if (!isEnded) events.data(chunk)
      })
      opening.on('error', (error) => close(reasonOf(error)))
      opening.on('end', () => close('the port ended'))
      opening.on('close', (error: unknown) => end(error ? 'the port is gone' : 'closed'))
      opening.open((error) => {
        if (error) end(reasonOf(error))
        else if (reason !== undefined) close(reason)
        else opening.flush(() => (reason === undefined ? events.opened() : undefined))
      })
    }
    // Loaded when a port is wanted: a machine without its binary can do all the rest.
    import('serialport').then(open, (error: unknown) => end(`no serial ports here: ${messageOf(error)}`))
    return { write: (bytes) => void port?.write(bytes), close }
  }
}

/** What the system says, in the words of somebody who stands at the box. */
function reasonOf(error: unknown): string {
  const text = error === null || error === undefined ? 'closed' : messageOf(error)
  if (text.includes('No such file')) return 'there is no such port'
  if (text.includes('Permission denied'))
    return 'no permission: the account must be in the group of the port (dialout)'
  if (text.includes('Cannot lock port'))
    return 'in use: by another program, or by devices of this box with other settings'
  // A write may notice before the port's own close does.
  if (/\b(EIO|ENXIO|ENODEV|EBADF)\b/.test(text)) return 'the port is gone'
  return text.replace(/^Error:? /, '')
}
