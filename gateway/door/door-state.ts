import type { Duration } from '../../base/clock.ts'
import type { QuantityId } from '../quantity.ts'
import type { Reading } from '../reading.ts'

/** A clock that only ever grows, in ms: the wall clock may jump, and no door is forced by that. */
export type Ticks = number

/** 门的状态: what is remembered of one door. */
export interface DoorState {
  /** Undefined: not known, as at the start and after its line was lost. */
  readonly isOpen: boolean | undefined
  readonly openSince: Ticks
  /** Until then somebody has been let through. */
  readonly expectedUntil: Ticks
  /** The fire alarm holds it open. */
  readonly isReleased: boolean
  readonly isForced: boolean
  readonly isHeld: boolean
}

export const unseen: DoorState = {
  isOpen: undefined,
  openSince: 0,
  expectedUntil: -Infinity,
  isReleased: false,
  isForced: false,
  isHeld: false,
}

export interface DoorLimits {
  readonly expectedMs: Duration
  readonly heldAfterMs: Duration
  /** False where it cannot be seen that somebody leaves: then nothing is called forced. */
  readonly seesLeaving: boolean
}

export type DoorSeen =
  | { readonly kind: 'readings'; readonly readings: readonly Reading[] }
  /** Somebody was let through: a credential, a person or a rule opened it. */
  | { readonly kind: 'let-through' }
  /** Nothing is known of it any more. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'wake' }

export interface DoorStep {
  readonly state: DoorState
  /** What has just become so. */
  readonly says: Readonly<Partial<Record<Extract<QuantityId, 'doorForced' | 'doorHeldOpen'>, boolean>>>
  readonly wakeAt?: Ticks
}

/** The strike has power: also where the board itself links the exit button to it. */
const STRIKE = 'strike'

/** One step of a door. Pure. */
export function stepDoor(limits: DoorLimits, before: DoorState, seen: DoorSeen, now: Ticks): DoorStep {
  const moved = movedBy(limits, before, seen, now)
  const isHeld = moved.isOpen === true && (before.isHeld || isOverdue(limits, moved, now))
  const isForced = moved.isOpen !== false && moved.isForced
  const state = { ...moved, isHeld: moved.isOpen === undefined ? before.isHeld : isHeld, isForced }
  const isFirst = before.isOpen === undefined && state.isOpen !== undefined
  return {
    state,
    says: {
      ...((isFirst || state.isHeld !== before.isHeld) && { doorHeldOpen: state.isHeld }),
      ...(limits.seesLeaving &&
        (isFirst || state.isForced !== before.isForced) && { doorForced: state.isForced }),
    },
    ...(state.isOpen === true &&
      !state.isHeld &&
      !state.isReleased && { wakeAt: state.openSince + limits.heldAfterMs }),
  }
}

const isOverdue = ({ heldAfterMs }: DoorLimits, { isReleased, openSince }: DoorState, now: Ticks): boolean =>
  !isReleased && now - openSince >= heldAfterMs

function movedBy(limits: DoorLimits, before: DoorState, seen: DoorSeen, now: Ticks): DoorState {
  switch (seen.kind) {
    case 'wake':
      return before
    case 'lost':
      return { ...before, isOpen: undefined }
    case 'let-through':
      return { ...before, expectedUntil: Math.max(before.expectedUntil, now + limits.expectedMs) }
    case 'readings':
      return bySaid(limits, before, seen.readings, now)
  }
}

/** Of one message: that somebody was let through counts before that the door opened. */
function bySaid(limits: DoorLimits, before: DoorState, readings: readonly Reading[], now: Ticks): DoorState {
  const said = (quantity: QuantityId, part = ''): boolean | undefined => {
    const reading = readings.findLast((one) => one.quantity === quantity && one.part === part)
    return reading?.quality === 'good' && typeof reading.value === 'boolean' ? reading.value : undefined
  }
  const isReleased = said('fireRelease') ?? before.isReleased
  const isLetThrough = said('exitButton') === true || said('switchOn', STRIKE) === true || isReleased
  const expectedUntil = isLetThrough
    ? Math.max(before.expectedUntil, now + limits.expectedMs)
    : before.expectedUntil
  const isOpen = said('doorOpen') ?? before.isOpen
  const hasOpened = isOpen === true && before.isOpen !== true
  const isForced = hasOpened
    ? before.isForced || (before.isOpen === false && limits.seesLeaving && now > expectedUntil)
    : before.isForced
  // What the fire alarm held open is held by nobody until it lets go.
  const begins = hasOpened || (isOpen === true && before.isReleased && !isReleased)
  return {
    ...before,
    isOpen,
    isReleased,
    expectedUntil,
    isForced,
    openSince: begins ? now : before.openSince,
  }
}
