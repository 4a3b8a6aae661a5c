import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../base/clock.ts'
import {
  decodeRequest,
  decodeRtu,
  encodeException,
  encodeReadRequest,
  encodeRegistersReply,
  encodeRtu,
  type ReadRequest,
} from '../../wire/modbus.ts'
import { describeRtu, rtuGapMs } from '../../wire/modbus-rtu.ts'
import type { ByteEvents, Opener } from '../serial/byte-line.ts'
import { HalfDuplexLine } from '../serial/half-duplex.ts'
import { characterMs, serialTiming } from '../serial/port.ts'
import type { Answer } from './line.ts'
import { RtuLine, stepCheck } from './rtu-line.ts'

const BAUD = 9600
const TURN_AROUND_MS = 5

/** What a unit does with a request: after how long it answers with which bytes; undefined: not at all. */
type Unit = (request: ReadRequest) => { readonly afterMs: number; readonly pdu: Uint8Array } | undefined

const answering: Unit = ({ address, count }) => ({
  afterMs: TURN_AROUND_MS,
  pdu: encodeRegistersReply(
    3,
    Array.from({ length: count }, (_, i) => address + i),
  ),
})
const late =
  (afterMs: number): Unit =>
  (request) => ({ ...answering(request), afterMs, pdu: pduOf(request) })
const pduOf = (request: ReadRequest): Uint8Array => answering(request)?.pdu ?? new Uint8Array(0)
const dead: Unit = () => undefined

/** A bus in virtual time: bytes take as long as at 9600 baud, and a unit answers its requests in order. */
function bus(
  clock: FakeClock,
  units: ReadonlyMap<number, Unit>,
): { open: Opener; say: (bytes: Uint8Array) => void } {
  let events: ByteEvents | undefined
  const freeAt = new Map<number, number>()
  const open: Opener = (given) => {
    events = given
    clock.after(0, () => given.opened())
    return {
      write(frame) {
        const asked = decodeRtu(frame)
        const decoded = asked && decodeRequest(asked.pdu)
        if (!asked || decoded?.is !== 'read') throw new Error('no request')
        const answer = units.get(asked.unit)?.(decoded.request)
        if (!answer) return
        const reply = encodeRtu(asked.unit, answer.pdu)
        const heard = clock.ticks() + frame.length * characterMs(BAUD)
        const begun = Math.max(heard, freeAt.get(asked.unit) ?? 0) + answer.afterMs
        const done = begun + reply.length * characterMs(BAUD)
        freeAt.set(asked.unit, done)
        clock.after(done - clock.ticks(), () => given.data(reply))
      },
      close: (reason) => given.closed(reason),
    }
  }
  return { open, say: (bytes) => events?.data(bytes) }
}

interface Started {
  readonly clock: FakeClock
  readonly line: RtuLine
  readonly troubles: string[]
  readonly say: (bytes: Uint8Array) => void
  readonly ask: (unit: number, address: number, count?: number, misses?: number) => Promise<Answer>
  /** Turns the clock until the answer is there. */
  readonly answer: (asked: Promise<Answer>) => Promise<Answer>
  readonly stop: () => Promise<void>
}

async function start(units: ReadonlyMap<number, Unit>, counts: readonly number[] = [1]): Promise<Started> {
  const clock = new FakeClock()
  const troubles: string[] = []
  const { open, say } = bus(clock, units)
  const events = {
    connected: () => undefined,
    lost: () => undefined,
    trouble: (what: string, example: string) => void troubles.push(`${what}: ${example}`),
  }
  const timing = serialTiming(BAUD, rtuGapMs(BAUD))
  const requests = counts.map((count) => ({ function: 3, address: 0, count }) as const)
  const line = new RtuLine(
    new HalfDuplexLine({ open, timing, clock, events, describe: describeRtu }),
    new Map([...units.keys()].map((unit) => [unit, requests])),
  )
  const abort = new AbortController()
  const run = line.run(abort.signal)
  await clock.turn(1)
  return {
    clock,
    line,
    troubles,
    say,
    ask(unit, address, count = 1, misses = 0) {
      const request = { function: 3, address, count } as const
      return line.ask({ unit, request, pdu: encodeReadRequest(request), misses })
    },
    async answer(asked) {
      let got: Answer | undefined
      void asked.then((answer) => (got = answer))
      for (let i = 0; i < 10_000 && !got; i++) await clock.turn(5)
      assert.ok(got, 'it never answers')
      return got
    },
    async stop() {
      abort.abort()
      await run
    },
  }
}

const valueOf = (answer: Answer): number | string =>
  answer.is === 'data' ? Buffer.from(answer.data).readUInt16BE(0) : answer.is

test('reads asked for at the same time go out one by one, each with its own answer', async () => {
  const { ask, answer, stop } = await start(new Map([[1, answering]]))
  const asked = [2, 3, 5, 7, 11].map((address) => ask(1, address))
  const values = []
  for (const one of asked) values.push(valueOf(await answer(one)))
  assert.deepEqual(values, [2, 3, 5, 7, 11])
  await stop()
})

for (const afterMs of [700, 1500, 5000]) {
  test(`a unit that is late by ${afterMs} ms never gives one register's value for another's`, async () => {
    const units = new Map([[1, late(afterMs)]])
    const { clock, ask, answer, stop } = await start(units)
    assert.equal(valueOf(await answer(ask(1, 11))), 'silent')
    units.set(1, answering)
    for (const [round, address] of [22, 33, 44, 55, 66, 77].entries()) {
      const got = valueOf(await answer(ask(1, address, 1, round)))
      assert.ok(got === address || typeof got === 'string', `asked for ${address}, got ${got}`)
      await clock.turn(2000 * 2 ** round)
    }
    assert.equal(valueOf(await answer(ask(1, 88))), 88)
    await stop()
  })
}

test('a unit in step again is asked straight away', async () => {
  let asked = 0
  const units = new Map<number, Unit>([[1, dead]])
  const { ask, answer, stop } = await start(units)
  assert.equal(valueOf(await answer(ask(1, 11))), 'silent')
  units.set(1, (request) => {
    asked++
    return answering(request)
  })
  assert.equal(valueOf(await answer(ask(1, 22))), 22)
  assert.equal(asked, 2, 'the step check, and the read')
  assert.equal(valueOf(await answer(ask(1, 33))), 33)
  assert.equal(asked, 3)
  await stop()
})

test('a unit that knows no register beside its own is in step again in the end', async () => {
  const units = new Map<number, Unit>([[1, dead]])
  const { ask, answer, stop } = await start(units)
  await answer(ask(1, 11))
  units.set(1, (request) =>
    request.count === 1 ? answering(request) : { afterMs: 5, pdu: encodeException(3, 2) },
  )
  const got = [
    valueOf(await answer(ask(1, 22))),
    valueOf(await answer(ask(1, 22))),
    valueOf(await answer(ask(1, 22))),
  ]
  assert.deepEqual(got, ['exception', 'exception', 22])
  await stop()
})

test('the step check has a length that no request of the unit has', () => {
  const of = (...counts: number[]): number | undefined =>
    stepCheck(counts.map((count) => ({ function: 3, address: 7, count })))?.count
  assert.equal(of(8), 1)
  assert.equal(of(1, 2, 4), 3)
  assert.equal(stepCheck([{ function: 3, address: 65_535, count: 1 }]), undefined)
  assert.equal(stepCheck([]), undefined)
})

test('what comes while nobody asked is thrown away and told', async () => {
  const { ask, answer, say, troubles, stop } = await start(new Map([[1, answering]]))
  await answer(ask(1, 2))
  say(encodeRtu(1, encodeRegistersReply(3, [99])))
  assert.equal(valueOf(await answer(ask(1, 3))), 3)
  assert.match(troubles.join(), /late or foreign bytes: a frame of unit 1, function 3/)
  await stop()
})

test('a line that is never quiet is asked all the same, and that is told', async () => {
  const { clock, ask, answer, say, troubles, stop } = await start(new Map([[1, answering]]))
  let isOn = true
  const babble = (): void => {
    if (!isOn) return
    say(Uint8Array.of(0xa5))
    clock.after(2, babble)
  }
  babble()
  assert.equal(valueOf(await answer(ask(1, 3))), 3)
  assert.match(troubles.join(), /the line is never quiet: a5/)
  isOn = false
  await stop()
})

/** Asks 32 units for ten registers as often as they can be; answers how often the first 31 gave them. */
async function pollFor(seconds: number, isDead: (unit: number) => boolean): Promise<number> {
  const numbers = Array.from({ length: 32 }, (_, i) => i + 1)
  const started = await start(new Map(numbers.map((unit) => [unit, isDead(unit) ? dead : answering])), [10])
  const { clock, ask, stop } = started
  let polls = 0
  let isOver = false
  const poll = async (unit: number): Promise<void> => {
    for (let misses = 0; !isOver;) {
      const { is } = await ask(unit, 0, 10, misses)
      misses = is === 'data' ? 0 : misses + 1
      if (is === 'data' && unit !== 32) polls++
      // Real ones wait ever longer; the line itself must bound what a dead one costs.
      if (misses > 0) await new Promise<void>((resolve) => clock.after(2000, resolve))
    }
  }
  const all = numbers.map(poll)
  // What it costs to find out is not what it costs to live with.
  await clock.turn(10_000)
  polls = 0
  await clock.turn(1000 * seconds)
  const counted = polls
  isOver = true
  await stop()
  await clock.turn(120_000)
  await Promise.all(all)
  return counted
}

test('one dead unit of 32 slows the others by a tenth at most', { timeout: 60_000 }, async () => {
  const healthy = await pollFor(60, () => false)
  const besideDead = await pollFor(60, (unit) => unit === 32)
  assert.ok(healthy > 900, `${healthy} polls`)
  assert.ok(besideDead >= 0.9 * healthy, `${besideDead} of ${healthy} polls`)
})
