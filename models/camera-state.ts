import type { Duration } from '../base/clock.ts'

/** What a camera is at, as `/api/health` says it. Each word but the first two is a fault with its own remedy. */
export const cameraStates = {
  connecting: 'it is being connected',
  seeing: 'pictures come',
  'auth-refused': 'it refused the user name or password',
  'auth-unsupported': 'it asks for a login that the decoder does not speak',
  full: 'it has no free session',
  missing: 'it has no such stream',
  stalled: 'it stopped sending',
  garbled: 'what it sends cannot be read',
  unreachable: 'it cannot be reached',
  'model-invalid': 'the detector cannot be opened',
} as const

export type CameraState = keyof typeof cameraStates
export type CameraFault = Exclude<CameraState, 'connecting' | 'seeing'>

const S = 1000
const MIN = 60 * S

/** Vendors lock an account after five to seven wrong logins: three tries, then long pauses. */
const LOGIN_TRIES = 3

/**
 * How long to leave a camera alone.
 * @param failures how many times in a row it failed with this word, from 1
 * @param chance 0 to 1: spreads the cameras of a box that lost its switch
 */
export function waitAfter(fault: CameraFault, failures: number, chance: number): Duration {
  switch (fault) {
    case 'auth-refused':
      return failures < LOGIN_TRIES ? 2 * S * failures : 5 * MIN
    // A session that was leaked comes free only after the camera's own timeout.
    case 'full':
    case 'auth-unsupported':
      return spread(growing(30 * S, 5 * MIN, failures), chance)
    case 'model-invalid':
      return MIN
    default:
      return spread(growing(S, MIN, failures), chance)
  }
}

const growing = (from: Duration, to: Duration, failures: number): Duration =>
  Math.min(to, from * 2 ** Math.min(failures - 1, 10))

/** Four fifths to all of it: never longer than was promised. */
const spread = (wait: Duration, chance: number): Duration => Math.round(wait * (0.8 + 0.2 * chance))
