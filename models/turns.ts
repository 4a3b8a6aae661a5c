/** One thing at a time for many that ask: in the order in which they began to wait, the newest offer of each. */
export class Turns {
  readonly #waiting = new Map<string, { readonly work: () => Promise<void>; readonly drop: () => void }>()
  #isBusy = false

  /**
   * @param work done when its turn comes; it must not throw
   * @param drop called instead when a newer offer of the same one took its place
   */
  offer(who: string, work: () => Promise<void>, drop: () => void): void {
    // Set on a key that is there keeps its place: a quick camera gains nothing by offering often.
    this.#waiting.get(who)?.drop()
    this.#waiting.set(who, { work, drop })
    if (!this.#isBusy) void this.#workOff()
  }

  async #workOff(): Promise<void> {
    this.#isBusy = true
    for (;;) {
      const [next] = this.#waiting
      if (!next) break
      const [who, { work }] = next
      this.#waiting.delete(who)
      await work()
    }
    this.#isBusy = false
  }
}
