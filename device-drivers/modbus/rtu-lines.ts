import { parseDuration } from '../../base/amount.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportContext } from '../../gateway/ports.ts'
import { describeRtu } from '../../wire/modbus-rtu.ts'
import { readParts } from '../codecs/modbus.ts'
import { runPolledLines } from '../polled-lines.ts'
import type { LineTiming, Opener } from '../serial/byte-line.ts'
import { HalfDuplexLine } from '../serial/half-duplex.ts'
import { RtuLine } from './rtu-line.ts'
import { askUnit } from './unit.ts'
import type { WritableUnit } from './write-unit.ts'

export interface RtuLines {
  /** The transport's name. */
  readonly name: string
  readonly context: TransportContext
  /** The same text for all devices of one line. */
  readonly lineOf: (device: Device) => string
  readonly unitOf: (device: Device) => number
  readonly everyOf: (device: Device) => string
  readonly open: (device: Device) => { readonly opener: Opener; readonly timing: LineTiming }
  /** By device: where it is written to. */
  readonly units: Map<string, WritableUnit>
}

/** Reads every device's registers over RTU lines, whatever carries their bytes. */
export function runRtuLines(given: RtuLines, signal: AbortSignal): Promise<void> {
  const { name, context, lineOf, unitOf } = given
  const { clock, intake } = context
  return runPolledLines(
    {
      name,
      context,
      lineOf,
      open(devices, events) {
        const { opener, timing } = given.open(devices[0])
        const line = new HalfDuplexLine({ open: opener, timing, clock, events, describe: describeRtu })
        const requests = [...Map.groupBy(devices, unitOf)].map(
          ([unit, those]) =>
            [unit, those.flatMap(({ profile }) => readParts(profile).map(({ request }) => request))] as const,
        )
        return new RtuLine(line, new Map(requests))
      },
      ask(device, line, share) {
        const every = parseDuration(given.everyOf(device))
        const firstAfter = every * share
        const unit = unitOf(device)
        const asked = askUnit({ transport: name, device, line, clock, intake, unit, every, firstAfter })
        given.units.set(device.id, { line, unit, asked })
        return asked
      },
    },
    signal,
  )
}
