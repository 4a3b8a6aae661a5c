import type { CameraFault } from './camera-state.ts'

/** Why a camera gives no pictures, in the word that `/api/health` shows; everyday news, and no mistake of ours. */
export class CameraTrouble extends Error {
  readonly fault: CameraFault

  constructor(fault: CameraFault, detail: string) {
    super(detail)
    this.fault = fault
  }
}
