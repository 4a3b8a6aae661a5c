import type { Random } from '../../simulator/random.ts'

/** Bytes as they come over a wire: where they are cut into chunks is a part of what is tried. */
export interface Input {
  readonly bytes: Uint8Array
  /** Lengths of the chunks; their sum is that of the bytes. */
  readonly chunks: readonly number[]
  /** Which of its forms the parser is opened in. */
  readonly form: number
}

/** One parser under test. What it throws must be a GanglionError. */
export interface Parser {
  push(chunk: Uint8Array): void
  /** Nothing more comes for now. */
  end?(): void
  /** Bytes held back, where it says so. */
  held?(): number
}

export interface Target {
  readonly name: string
  /** Streams are cut into chunks; payloads and texts come whole. */
  readonly kind: 'stream' | 'payload'
  /** What a stream parser may hold back, where it can say how much that is. */
  readonly mostHeld?: number
  /** How often each byte may be looked at; 4 unless it is said why not. */
  readonly mostLooks?: number
  /** How often each character of a text may be looked at; 8 unless it is said why not. */
  readonly mostReads?: number
  make(random: Random): Pick<Input, 'bytes' | 'form'>
  open(form: number): Parser
}

/** A target whose input is read whole by a function of its bytes. */
export const payloadTarget = (
  name: string,
  make: (random: Random) => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
): Target => ({
  name,
  kind: 'payload',
  make: (random) => ({ bytes: make(random), form: 0 }),
  open: () => ({ push: (bytes) => void read(bytes) }),
})
