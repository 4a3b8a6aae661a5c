import { Type, type TProperties } from 'typebox'
import type { Clock } from '../../base/clock.ts'
import type { Device } from '../../gateway/device.ts'
import type { TransportPlug } from '../../gateway/ports.ts'
import { Span } from '../../gateway/words.ts'
import type { LineTiming, Opener } from '../serial/byte-line.ts'
import { runRtuLines } from './rtu-lines.ts'
import { writeUnit, type WritableUnit } from './write-unit.ts'

const unitFields = {
  unit: Type.Optional(Type.Integer({ minimum: 1, maximum: 247, description: 'default 1' })),
  every: Type.Optional({ ...Span, description: 'how often it is read; default 1 s' }),
} as const

interface UnitSettings {
  readonly unit?: number
  readonly every?: string
}

/** What carries the bytes of RTU frames. */
export interface RtuCarrier<Settings> {
  /** The transport's name. */
  readonly name: string
  /** The part of an address that says which line. */
  readonly fields: TProperties
  /** The same text for all units of one line. */
  readonly lineOf: (settings: Settings) => string
  readonly open: (
    settings: Settings,
    clock: Clock,
  ) => { readonly opener: Opener; readonly timing: LineTiming }
}

/** Modbus RTU over any line: units are read one at a time. */
export function rtuPlug<Settings>({ name, fields, lineOf, open }: RtuCarrier<Settings>): TransportPlug {
  const settingsOf = ({ address }: Device): Settings & UnitSettings =>
    address.settings as Settings & UnitSettings // checked by the schema below
  return {
    name,
    address: Type.Object({ ...fields, ...unitFields }, { additionalProperties: false }),
    orders: ['write'],
    create(context) {
      const units = new Map<string, WritableUnit>()
      return {
        name,
        send: (deviceId, order) => writeUnit(units.get(deviceId), order),
        run: (signal) =>
          runRtuLines(
            {
              name,
              context,
              units,
              lineOf: (device) => lineOf(settingsOf(device)),
              unitOf: (device) => settingsOf(device).unit ?? 1,
              everyOf: (device) => settingsOf(device).every ?? '1 s',
              open: (device) => open(settingsOf(device), context.clock),
            },
            signal,
          ),
      }
    },
  }
}
