const FIRST_SIZE = 4096

/** A list of numbers that grows without objects: a bench's own garbage must not show in its figures. */
export class Column {
  #values = new Float64Array(FIRST_SIZE)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length++] = value
  }

  at(index: number): number {
    return this.#values[index] ?? NaN
  }

  set(index: number, value: number): void {
    this.#values[index] = value
  }

  /** A copy of its own length. */
  toArray(): Float64Array {
    return this.#values.slice(0, this.#length)
  }
}
