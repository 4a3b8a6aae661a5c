import type { Change } from './store/schema.ts'
import type { Unit } from './store/store.ts'

/** A unit in the making: what one message changes, how to take it back, and what follows once it is stored. */
export class Draft implements Unit {
  readonly changes: Change[] = []
  lifeSafety = false
  /** It came of what a broker had kept: it happened some time ago, so nothing is done about it at the spot. */
  isRetained = false
  readonly #undos: (() => void)[] = []
  readonly #afters: (() => void)[] = []

  /** A write, and how memory forgets it should the write fail. */
  add(change: Change, undo?: () => void): void {
    this.changes.push(change)
    if (undo) this.#undos.push(undo)
  }

  onUndo(undo: () => void): void {
    this.#undos.push(undo)
  }

  /** Runs once the unit is on the disk. */
  afterwards(work: () => void): void {
    this.#afters.push(work)
  }

  undo(): void {
    for (const undo of this.#undos.reverse()) undo()
  }

  stored(): void {
    for (const work of this.#afters) work()
  }
}
