/**
 * What each device says next: in a cycle of `length` messages the first is the alarm, the second the clear, the rest
 * repeat that nothing is wrong. Devices stand at different points of their cycle, so that alarms come evenly.
 *
 * A message that changes the device's state becomes exactly one case revision: the n-th change of a device is
 * revision n of its case. That is how an answer of the platform is led back to the message that caused it.
 */
export class Turns {
  readonly #steps: Uint32Array
  readonly #isOn: Uint8Array
  readonly #changes: Uint32Array
  #next = 0

  constructor(devices: number) {
    this.#steps = new Uint32Array(devices)
    this.#isOn = new Uint8Array(devices)
    this.#changes = new Uint32Array(devices)
  }

  /** The device whose turn it is. */
  nextDevice(): number {
    const device = this.#next
    this.#next = (this.#next + 1) % this.#steps.length
    return device
  }

  /** The device's next message; `revision` is 0 when it changes nothing. */
  step(device: number, length: number): { readonly isOn: boolean; readonly revision: number } {
    const step = this.#steps[device] ?? 0
    this.#steps[device] = step + 1
    const isOn = (step + device) % length === 0
    const wasOn = this.#isOn[device] === 1
    if (isOn === wasOn) return { isOn, revision: 0 }
    this.#isOn[device] = isOn ? 1 : 0
    const revision = (this.#changes[device] ?? 0) + 1
    this.#changes[device] = revision
    return { isOn, revision }
  }

  /** How often each device has changed: the last revision that must exist. */
  get changes(): Uint32Array {
    return this.#changes
  }
}
