/** Bytes in the making. */
export class ByteWriter {
  #bytes = new Uint8Array(256)
  #length = 0

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#length++] = value
  }

  /** 7 bits a byte, the lowest first; for 0 … 2^53. */
  varint(value: number): void {
    this.#room(8)
    let left = value
    while (left > 127) {
      this.#bytes[this.#length++] = (left % 128) + 128
      left = Math.floor(left / 128)
    }
    this.#bytes[this.#length++] = left
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  text(text: string): void {
    const bytes = Buffer.from(text)
    this.varint(bytes.length)
    this.bytes(bytes)
  }

  /** A part that a reader can pass over: its length stands before it. */
  part(write: (out: ByteWriter) => void): void {
    const out = new ByteWriter()
    write(out)
    const bytes = out.done()
    this.varint(bytes.length)
    this.bytes(bytes)
  }

  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}

/** Reads what a ByteWriter wrote. @throws Error beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at: number
  readonly #end: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  byte(): number {
    if (this.#at >= this.#end) throw new Error('the chunk ends too early')
    return this.#bytes[this.#at++] ?? 0
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  /** A list with its length before it. */
  varints(): number[] {
    const values: number[] = []
    for (let left = this.varint(); left > 0; left--) values.push(this.varint())
    return values
  }

  bytes(length: number): Uint8Array {
    const start = this.#at
    this.skip(length)
    return this.#bytes.subarray(start, this.#at)
  }

  text(): string {
    return Buffer.from(this.bytes(this.varint())).toString()
  }

  part(): ByteReader {
    const length = this.varint()
    const start = this.#at
    this.skip(length)
    return new ByteReader(this.#bytes, start, this.#at)
  }

  skipPart(): void {
    this.skip(this.varint())
  }

  skip(length: number): void {
    if (this.#at + length > this.#end) throw new Error('the chunk ends too early')
    this.#at += length
  }
}
