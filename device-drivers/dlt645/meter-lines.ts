import { Type } from 'typebox'
import { parseDuration } from '../../base/amount.ts'
import { Span } from '../../gateway/words.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportContext } from '../../gateway/ports.ts'
import { describeDlt645 } from '../../wire/dlt645.ts'
import { runPolledLines } from '../polled-lines.ts'
import type { LineTiming, Opener } from '../serial/byte-line.ts'
import { HalfDuplexLine } from '../serial/half-duplex.ts'
import { askMeter } from './meter.ts'

/** The part of an address that says which meter, and how often it is read. */
export const meterFields = {
  address: Type.String({
    pattern: '^\\d{1,12}$',
    description: 'the number on the meter, in quotes; leading zeros may be left out',
  }),
  every: Type.Optional({ ...Span, description: 'how often it is read; default 30 s' }),
} as const

export interface MeterSettings {
  readonly address: string
  readonly every?: string
}

export interface MeterLines {
  /** The transport's name. */
  readonly name: string
  readonly context: TransportContext
  /** The same text for all meters of one line. */
  readonly lineOf: (device: Device) => string
  readonly settingsOf: (device: Device) => MeterSettings
  readonly open: (device: Device) => { readonly opener: Opener; readonly timing: LineTiming }
}

/** Reads every meter over its line, whatever carries the bytes. */
export function runMeterLines(given: MeterLines, signal: AbortSignal): Promise<void> {
  const { name, context, lineOf, settingsOf } = given
  const { clock, intake } = context
  return runPolledLines(
    {
      name,
      context,
      lineOf,
      open(devices, events) {
        const { opener, timing } = given.open(devices[0])
        return new HalfDuplexLine({ open: opener, timing, clock, events, describe: describeDlt645 })
      },
      ask(device, line, share) {
        const { address, every: span = '30 s' } = settingsOf(device)
        const every = parseDuration(span)
        return askMeter({
          transport: name,
          device,
          line,
          clock,
          intake,
          address: address.padStart(12, '0'),
          every,
          firstAfter: every * share,
        })
      },
    },
    signal,
  )
}
