import { cameraFaults, type CameraFault, type SimulatedCamera } from '../camera.ts'
import { isScene } from '../scenes.ts'
import type { SimulatedDevice } from './device.ts'

export interface CameraDeviceOptions {
  readonly id: string
  readonly camera: SimulatedCamera
  readonly scene: string
}

const isCameraFault = (name: string | undefined): name is CameraFault =>
  cameraFaults.some((known) => known === name)

/** The camera's own process, as a device of the scenario; its one value is the scene it sees. */
export function cameraDevice({ id, camera, scene }: CameraDeviceOptions): SimulatedDevice {
  let seen = scene
  return {
    id,
    isReady: true,
    set({ scene: next }) {
      if (typeof next !== 'string' || !isScene(next)) return
      seen = next
      // A camera whose process is gone shows nothing any more; the judge sees what that costs.
      camera.setScene(next).catch(() => undefined)
    },
    setFault: (name) => camera.setFault(isCameraFault(name) ? name : undefined),
    // It serves whoever dials: it has nothing to say anew.
    reannounce: () => undefined,
    shown: () => seen,
    stop: () => camera.stop(),
  }
}
