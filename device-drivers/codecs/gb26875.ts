import type { Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'
import { gbInstant } from '../../wire/gb26875-time.ts'
import { decodeGbUnit, type GbComponent, type GbUnit } from '../../wire/gb26875-units.ts'

/** Whom a part of a frame speaks of: the transmission device itself, a system behind it, or one of its components. */
export interface GbSubject {
  readonly system?: number
  readonly component?: GbComponent
}

/** What a frame says of one of them. */
export interface GbSaid {
  readonly of: GbSubject
  readonly fields: Fields
  /** The event's own time, where it has one that exists. */
  readonly time?: Instant
  /** As people know it, for those who look for a component that is in no site file. */
  readonly called?: string
  /** The panel was reset: what its components alarmed stands no more, or is said again. */
  readonly resets?: true
}

export interface GbFields {
  readonly said: readonly GbSaid[]
  /** Something in the frame that nobody here understands; where `isWrong`, the frame is to be denied. */
  readonly complaint?: string
  readonly isWrong?: true
}

/**
 * What the application data of a GB/T 26875.3 frame say, under names that profiles use. Bit 0 of a state
 * says "normal run" or "test", and makers send fires with 0 there: it never turns an alarm into a drill.
 */
export function decodeGb26875(data: Uint8Array): GbFields {
  const decoded = decodeGbUnit(data)
  switch (decoded.is) {
    case 'empty':
      return { said: [{ of: {}, fields: {} }] }
    case 'unknown':
      return { said: [{ of: {}, fields: {} }], complaint: `data of type ${decoded.type}` }
    case 'wrong':
      return { said: [], complaint: decoded.reason, isWrong: true }
    case 'unit':
      return ofUnit(decoded.unit)
  }
}

function ofUnit(unit: GbUnit): GbFields {
  switch (unit.type) {
    case 1:
      return said(unit.objects, ({ system, state, time }) => ({
        of: { system },
        fields: systemState(state),
        ...at(time),
        ...(isSet(state, 13) && !isSet(state, 1) && { resets: true }),
      }))
    case 2:
      return said(unit.objects, ({ system, component, componentType, state, description, time }) => ({
        of: { system, component },
        fields: { ...componentState(state), componentType },
        ...at(time),
        called: `type ${componentType}${description === '' ? '' : ` "${description}"`}`,
      }))
    case 3:
      return said(unit.objects, ({ system, component, componentType, analog, value, time }) => ({
        of: { system, component },
        fields: analogValue(analog, value),
        ...at(time),
        called: `type ${componentType}`,
      }))
    case 4:
      return said(unit.objects, ({ system, operation, time }) => ({
        of: { system },
        fields: operated(operation),
        ...at(time),
        ...(endsAlarms(operation) && { resets: true }),
      }))
    case 21:
      return said(unit.objects, ({ state, time }) => ({ of: {}, fields: ownState(state), ...at(time) }))
    case 24:
      return said(unit.objects, ({ operation, time }) => ({
        of: {},
        fields: operated(operation),
        ...at(time),
      }))
    case 5:
    case 6:
    case 7:
    case 8:
    case 25:
    case 26:
    case 28:
      // Versions, configurations, clocks: nothing of them is a reading.
      return { said: [{ of: {}, fields: {} }] }
    default:
      return { said: [{ of: {}, fields: {} }], complaint: `data of type ${unit.type}, which go down` }
  }
}

function said<T>(objects: readonly T[], toSaid: (object: T) => GbSaid): GbFields {
  if (objects.length === 0) return { said: [{ of: {}, fields: {} }], complaint: 'data without an object' }
  return { said: objects.map(toSaid) }
}

const at = (time: Parameters<typeof gbInstant>[0]): { time?: Instant } => {
  const found = gbInstant(time)
  return found === undefined ? {} : { time: found }
}

const isSet = (state: number, bit: number): boolean => ((state >> bit) & 1) === 1

/** Figure 7. */
const componentState = (state: number): Fields => ({
  normal: isSet(state, 0),
  fire: isSet(state, 1),
  fault: isSet(state, 2),
  shielded: isSet(state, 3),
  supervised: isSet(state, 4),
  started: isSet(state, 5),
  feedback: isSet(state, 6),
  delayed: isSet(state, 7),
  powerFault: isSet(state, 8),
})

/** Figure 6: the lower eight bits are those of a component. */
const systemState = (state: number): Fields => ({
  ...componentState(state & 0xff),
  mainsFault: isSet(state, 8),
  backupFault: isSet(state, 9),
  busFault: isSet(state, 10),
  manual: isSet(state, 11),
  configChanged: isSet(state, 12),
})

/** The transmission device's own. */
const ownState = (state: number): Fields => ({
  normal: isSet(state, 0),
  fire: isSet(state, 1),
  fault: isSet(state, 2),
  mainsFault: isSet(state, 3),
  backupFault: isSet(state, 4),
  centreFault: isSet(state, 5),
  lineFault: isSet(state, 6),
})

/** Bits of what a person did: 0 reset, 1 mute, 2 manual alarm, 3 alarm over, 4 self-test, 5 duty answered, 6 test. */
function operated(operation: number): Fields {
  if (isSet(operation, 2)) return { fire: true }
  return endsAlarms(operation) ? { fire: false } : {}
}

const endsAlarms = (operation: number): boolean =>
  !isSet(operation, 2) && (isSet(operation, 0) || isSet(operation, 3))

/** Name and step of the standard's analog values (table 5); from 128 on they are agreed between maker and centre. */
const analogs: Readonly<Record<number, { readonly name: string; readonly perStep: number }>> = {
  1: { name: 'count', perStep: 1 },
  2: { name: 'height', perStep: 100 },
  3: { name: 'temperature', perStep: 10 },
  4: { name: 'pressureMpa', perStep: 10 },
  5: { name: 'pressureKpa', perStep: 10 },
  6: { name: 'gasLel', perStep: 10 },
  7: { name: 'seconds', perStep: 1 },
  8: { name: 'voltage', perStep: 10 },
  9: { name: 'current', perStep: 10 },
  10: { name: 'flow', perStep: 10 },
  11: { name: 'volumePerMinute', perStep: 10 },
  12: { name: 'windSpeed', perStep: 1 },
}

/** A maker's own type is given raw, as `user.128`: its unit is the profile's. */
function analogValue(analog: number, value: number): Fields {
  const known = analogs[analog]
  return known ? { [known.name]: value / known.perStep } : { user: { [analog]: value } }
}
