import { isGanglionError, messageOf } from '../../base/errors.ts'
import { seededRandom } from '../../simulator/random.ts'
import { countLooks } from './looks.ts'
import { chunksOf } from './mutate.ts'
import type { Input, Parser, Target } from './target.ts'

/** What came of one target. */
export interface Trial {
  readonly name: string
  readonly inputs: number
  readonly bytes: number
  /** How many inputs were told by a typed error that they are none. */
  readonly refused: number
  readonly worstMs: number
  /** Looks at a byte: of all inputs that were counted, and of the worst of them. */
  readonly looks: number
  readonly worstLooks: number
  readonly worstCopies: number
  /** Of texts. */
  readonly worstReads: number
  readonly mostHeld: number
  readonly failures: readonly string[]
}

export interface TrialPlan {
  readonly inputs: number
  readonly seed: number
}

const SLOW_MS = 10
const RUNS_OF_SLOW = 5
/** Looks are counted at one input of so many: it takes a hundred times as long. */
const COUNTED_EVERY = 200
const MOST_LOOKS = 4
const MOST_READS = 8
/** Short inputs are asked for more than they have: where a frame begins, and for its length. */
const LOOKS_OF_ANY = 64
const MOST_OF_A_KIND = 2
/** What a parser that lives through all inputs may have kept of them. */
const MOST_KEPT_MB = 48

export function tryTarget(target: Target, { inputs, seed }: TrialPlan): Trial {
  const random = seededRandom(seed).fork(target.name)
  const failures: string[] = []
  const kinds = new Map<string, number>()
  const fail = (what: string, input: Input): void => {
    // So that one kind of failure does not hide another.
    const kind = what.replace(/\d+(\.\d+)?/g, '#')
    const known = kinds.get(kind) ?? 0
    kinds.set(kind, known + 1)
    if (known < MOST_OF_A_KIND) failures.push(`${what}: ${shown(input)}`)
  }
  /** One parser for each form that never sees the end of its stream. */
  const living = new Map<number, Parser>()
  let [bytes, refused, worstMs, mostHeld] = [0, 0, 0, 0]
  let [looked, lookedBytes, worstLooks, worstCopies, worstReads] = [0, 0, 0, 0, 0]
  const before = heldMb()
  for (let number = 0; number < inputs; number++) {
    const made = target.make(random)
    const chunks = target.kind === 'stream' ? chunksOf(made.bytes.length, random) : [made.bytes.length]
    const input = { ...made, chunks }
    bytes += input.bytes.length
    const startedAt = performance.now()
    const outcome = outcomeOf(() => feed(target.open(input.form), input))
    let tookMs = performance.now() - startedAt
    if (outcome === 'refused') refused++
    else if (outcome !== 'taken') fail(outcome, input)
    if (tookMs > SLOW_MS)
      tookMs = Math.min(tookMs, ...Array.from({ length: RUNS_OF_SLOW }, () => timeOf(target, input)))
    if (tookMs > SLOW_MS) fail(`took ${tookMs.toFixed(1)} ms`, input)
    worstMs = Math.max(worstMs, tookMs)
    if (number % COUNTED_EVERY === 0) {
      let countedOutcome = ''
      const count = countLooks(input.bytes, (counted) => {
        countedOutcome = outcomeOf(() => feed(target.open(input.form), { ...input, bytes: counted }))
      })
      // The stand-ins must be taken for what they stand for.
      if (countedOutcome !== outcome) fail(`counted: ${countedOutcome}`, input)
      const size = input.bytes.length
      if (count.looks > (target.mostLooks ?? MOST_LOOKS) * size + LOOKS_OF_ANY)
        fail(`${count.looks} looks at ${size} bytes`, input)
      if (count.copies > MOST_LOOKS * size + LOOKS_OF_ANY)
        fail(`${count.copies} bytes copied of ${size}`, input)
      if (count.characters > (target.mostReads ?? MOST_READS) * size + LOOKS_OF_ANY)
        fail(`${count.characters} characters read of ${size} bytes`, input)
      looked += count.looks
      lookedBytes += size
      if (size >= LOOKS_OF_ANY) {
        worstLooks = Math.max(worstLooks, count.looks / size)
        worstCopies = Math.max(worstCopies, count.copies / size)
        worstReads = Math.max(worstReads, count.characters / size)
      }
    }
    if (target.kind === 'stream') {
      const held = live(target, living, input)
      mostHeld = Math.max(mostHeld, held)
      if (target.mostHeld !== undefined && held > target.mostHeld) fail(`${held} bytes are held back`, input)
    }
  }
  const keptMb = heldMb() - before
  if (keptMb > MOST_KEPT_MB) failures.push(`${keptMb.toFixed(0)} MB were kept of ${bytes} bytes`)
  return {
    ...{ name: target.name, inputs, bytes, refused, worstMs, mostHeld, failures },
    ...{ looks: lookedBytes === 0 ? 0 : looked / lookedBytes, worstLooks, worstCopies, worstReads },
  }
}

function feed(parser: Parser, { bytes, chunks }: Input): void {
  let at = 0
  for (const length of chunks) {
    parser.push(bytes.subarray(at, at + length))
    at += length
  }
  parser.end?.()
}

/** A typed error is an answer; whatever else is thrown is a crash. */
function outcomeOf(work: () => void): string {
  try {
    work()
    return 'taken'
  } catch (error) {
    if (isGanglionError(error)) return 'refused'
    return `crashed with ${error instanceof Error ? (error.stack ?? messageOf(error)).split('\n').slice(0, 3).join(' ') : String(error)}`
  }
}

function timeOf(target: Target, input: Input): number {
  const startedAt = performance.now()
  outcomeOf(() => feed(target.open(input.form), input))
  return performance.now() - startedAt
}

/** Answers how much it holds back now. One that has given up its stream is followed by a new one, as connections are. */
function live(target: Target, living: Map<number, Parser>, input: Input): number {
  const parser = living.get(input.form) ?? target.open(input.form)
  living.set(input.form, parser)
  let most = 0
  const outcome = outcomeOf(() => {
    let at = 0
    for (const length of input.chunks) {
      parser.push(input.bytes.subarray(at, at + length))
      at += length
      most = Math.max(most, parser.held?.() ?? 0)
    }
  })
  if (outcome !== 'taken') living.delete(input.form)
  return most
}

/** Memory of what is alive: typed arrays live outside of the heap. */
function heldMb(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 ** 2
}

function shown({ bytes, chunks, form }: Input): string {
  const hex = Buffer.from(bytes.subarray(0, 200)).toString('hex')
  return `${hex}${bytes.length > 200 ? `… (${bytes.length} bytes)` : ''} in ${chunks.length} chunks, form ${form}`
}
