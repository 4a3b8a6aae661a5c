import type { ErrorCode } from '../base/errors.ts'
import type { Detection } from '../gateway/detection.ts'
import type { Observation, Picture } from '../gateway/ports.ts'
import type { Zone } from '../gateway/site-file.ts'
import type { CameraState } from './camera-state.ts'

/** What the gateway and its vision child say to each other, over IPC only: credentials never stand in argv. */

export interface CameraTask {
  readonly deviceId: string
  /** Without credentials. */
  readonly url: string
  readonly user: string
  readonly password: string
  /** The manifest's name. */
  readonly model: string
  readonly zones: readonly Zone[]
}

export type ToVision =
  | {
      readonly kind: 'watch'
      readonly cameras: readonly CameraTask[]
      readonly manifestsFolder: string
      readonly modelsCache: string
      /** Where what the cameras learned of their views outlives this process. */
      readonly viewsFolder: string
    }
  | {
      readonly kind: 'take'
      readonly id: number
      readonly deviceId: string
      readonly mark: readonly Detection[]
    }

/** What became of a camera's frames since the child began. */
export interface FrameCounts {
  readonly decoded: number
  readonly sampled: number
  /** Sampled, but a newer one came before the detector was free. */
  readonly dropped: number
  /** Decoded more than 2 s late and not looked at. */
  readonly late: number
  readonly inferences: number
  /** Bytes and packets between the frames that were thrown away. */
  readonly rubbish: number
}

export type FromVision =
  | { readonly kind: 'beat'; readonly counts: Readonly<Record<string, FrameCounts>> }
  | {
      readonly kind: 'state'
      readonly deviceId: string
      readonly state: CameraState
      readonly detail: string
    }
  | { readonly kind: 'seen'; readonly observation: Observation }
  | { readonly kind: 'pictures'; readonly id: number; readonly pictures: readonly Picture[] }
  | { readonly kind: 'no-picture'; readonly id: number; readonly code: ErrorCode; readonly message: string }

/** Said by the child every second; without it for longer than BEAT_LIMIT_MS it hangs. */
export const BEAT_MS = 1000
export const BEAT_LIMIT_MS = 5000
