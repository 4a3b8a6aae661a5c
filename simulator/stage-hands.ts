import type { BoxFolder } from './box-folder.ts'
import type { SimulatedDevice } from './devices/device.ts'
import { isWireFault } from './fault-proxy.ts'
import { makerOf, type FaultName } from './faults.ts'
import type { Step } from './play.ts'
import { EVERYTHING, targetOf } from './scenario.ts'
import { wireOf } from './wire-names.ts'
import type { Wires } from './wires.ts'

export interface StageHandsOptions {
  readonly box: BoxFolder
  readonly devices: ReadonlyMap<string, SimulatedDevice>
  readonly wires: Pick<Wires, 'setFault'>
  /** The platform's own faults. */
  readonly setPlatformFault: (name: FaultName | undefined) => Promise<void>
}

/** Does what the time line says, each fault by whoever makes it. */
export class StageHands {
  readonly #options: StageHandsOptions
  /** The fault that stands on each target: a later one takes its place. */
  readonly #standing = new Map<string, FaultName>()

  constructor(options: StageHandsOptions) {
    this.#options = options
  }

  faultOn(target: string): FaultName | undefined {
    return this.#standing.get(target)
  }

  async act(step: Step): Promise<void> {
    const { devices } = this.#options
    switch (step.kind) {
      case 'set':
        devices.get(step.device)?.set(step.values)
        return
      case 'scene':
        devices.get(step.device)?.set({ scene: step.scene })
        return
      case 'fault':
        if (step.name === 'reannounce') {
          this.#reannounce(step.on)
          return
        }
        await this.#clear(step.on)
        this.#standing.set(step.on, step.name)
        await this.#put(step.on, step.name, true)
        return
      case 'fault-ends':
        if (this.#standing.get(step.on) === step.name) await this.#clear(step.on)
        return
    }
  }

  async #clear(on: string): Promise<void> {
    const name = this.#standing.get(on)
    this.#standing.delete(on)
    if (name !== undefined) await this.#put(on, name, false)
  }

  async #put(on: string, name: FaultName, begins: boolean): Promise<void> {
    const { box, devices, wires, setPlatformFault } = this.#options
    const target = targetOf(on, { box })
    const maker = target && makerOf(name, target)
    if (maker === 'wire')
      await wires.setFault(wireOf(box, on), begins && isWireFault(name) ? name : undefined)
    else if (maker === 'platform') await setPlatformFault(begins ? name : undefined)
    else await devices.get(on)?.setFault(begins ? name : undefined)
  }

  /** Devices behind a bridge are announced by it. */
  #reannounce(on: string): void {
    const { box, devices } = this.#options
    if (on !== EVERYTHING) {
      devices.get(on)?.reannounce()
      return
    }
    for (const device of devices.values()) {
      const wire = wireOf(box, device.id)
      if (wire === device.id || !devices.has(wire)) device.reannounce()
    }
  }
}
