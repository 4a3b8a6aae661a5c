import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GanglionError } from '../../base/errors.ts'
import { countLooks } from './looks.ts'
import type { Parser, Target } from './target.ts'
import { tryTarget } from './trial.ts'

const BYTES = 400
const plan = { inputs: 600, seed: 1 }

const target = (open: () => Parser, more: Partial<Target> = {}): Target => ({
  name: 'under test',
  kind: 'stream',
  make: (random) => ({ bytes: random.bytes(BYTES), form: 0 }),
  open,
  ...more,
})
const failures = (one: Target): readonly string[] => tryTarget(one, plan).failures

test('a parser that reads each byte and refuses some inputs by a typed error does not fail', () => {
  const trial = tryTarget(
    target(() => ({
      push(chunk) {
        for (const byte of chunk)
          if (byte === 7) throw new GanglionError('frame-invalid', 'wanted no 7; got one')
      },
    })),
    plan,
  )
  assert.deepEqual(trial.failures, [])
  assert.ok(trial.refused > 0)
  assert.equal(trial.bytes, plan.inputs * BYTES)
})

test('a crash is told with its input', () => {
  const [first] = failures(
    target(() => ({
      push(chunk) {
        if (chunk.includes(7)) throw new TypeError('no 7 please')
      },
    })),
  )
  assert.match(first ?? '', /^crashed with TypeError: no 7 please.*in \d+ chunks, form 0$/)
})

test('a parser that looks at bytes too often, copies them too often or holds too many is told of', () => {
  const few = { inputs: 20, seed: 1 }
  const told = (open: () => Parser): string =>
    tryTarget({ ...target(open), mostHeld: 10_000 }, few).failures[0] ?? ''
  const five = [1, 2, 3, 4, 5]
  assert.match(
    told(() => ({ push: (chunk) => five.every(() => chunk.every((byte) => byte < 300)) })),
    /^2000 looks at 400 bytes/,
  )
  assert.match(
    told(() => ({ push: (chunk) => void Buffer.concat(five.map(() => chunk)) })),
    /^2000 bytes copied of 400/,
  )
  const holds = (): Parser => {
    let held = 0
    return { push: (chunk) => void (held += chunk.length), held: () => held * 30 }
  }
  assert.match(told(holds), /^\d+ bytes are held back/)
})

test('a parser that is slow with every byte is told of, and one that was interrupted once is not', () => {
  let isFirst = true
  const wait = (ms: number): void => {
    const until = performance.now() + ms
    while (performance.now() < until);
  }
  const once = target(() => ({
    push() {
      if (isFirst) wait(15)
      isFirst = false
    },
  }))
  assert.deepEqual(tryTarget(once, { inputs: 3, seed: 1 }).failures, [])
  const always = target(() => ({ push: () => wait(11) }), { kind: 'payload' })
  assert.match(tryTarget(always, { inputs: 1, seed: 1 }).failures[0] ?? '', /^took \d+\.\d ms/)
})

test('memory that a parser keeps of what it was given is told of', () => {
  const kept: Uint8Array[] = []
  const hoarder = target(() => ({ push: () => void kept.push(new Uint8Array(100_000)) }), { kind: 'payload' })
  assert.match(failures(hoarder).at(-1) ?? '', /MB were kept/)
  assert.ok(kept.length >= plan.inputs)
})

test('looks are counted whichever way bytes are read', () => {
  const looks = (work: (bytes: Uint8Array) => unknown): number =>
    countLooks(Buffer.alloc(100, 0x41), work).looks
  assert.equal(
    looks((bytes) => (bytes[3] ?? 0) + (bytes[99] ?? 0)),
    2,
  )
  assert.equal(
    looks((bytes) => [...bytes].length),
    100,
  )
  assert.equal(
    looks((bytes) => {
      const [first] = bytes
      return first
    }),
    1,
  )
  assert.equal(
    looks((bytes) => (bytes as Buffer).readUInt32LE(4) + (bytes as Buffer).readUIntBE(0, 6)),
    10,
  )
  assert.equal(
    looks((bytes) => bytes.subarray(10).indexOf(0x42)),
    90,
  )
  assert.equal(
    looks((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, 50).toString('latin1')),
    50,
  )
  assert.equal(
    looks((bytes) => new TextDecoder().decode(bytes.slice(0, 30))),
    30,
  )
  assert.equal(
    looks((bytes) => new DataView(bytes.buffer, bytes.byteOffset).getUint16(0)),
    2,
  )
  assert.equal(
    looks((bytes) => Buffer.concat([bytes, bytes]).subarray(150)[0]),
    1,
  )
  const ofJson = countLooks(Buffer.from('{"a":1}'), (bytes) => {
    JSON.parse(Buffer.from(bytes).toString('utf8'))
  })
  assert.deepEqual(ofJson, { looks: 7, copies: 7, characters: 7 })
  const before = [Uint8Array, Buffer, DataView, JSON.parse]
  assert.throws(() => countLooks(Buffer.alloc(1), () => assert.fail('it goes wrong')))
  assert.deepEqual([Uint8Array, Buffer, DataView, JSON.parse], before)
})
