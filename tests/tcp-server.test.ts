import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { GanglionError } from '../base/errors.ts'
import tcpServer from '../device-drivers/transports/tcp-server.ts'
import { DnyParser, encodeDny, type DnyEvent } from '../wire/dny.ts'
import { encodeDnyPayload, type DnyPayload } from '../wire/dny-payload.ts'
import { deviceOf, OpenIntake, startTransport, type Running } from './transport-suite.ts'

const devices = [
  deviceOf('station', 'dny-station', { physId: '04AB373B' }),
  deviceOf('host', 'dny-leakage-host', { physId: '0aab373b' }),
]

const start = (t: TestContext, intake = new OpenIntake(), limits = {}): Promise<Running> =>
  startTransport(t, tcpServer, { devices, limits, listen: '127.0.0.1:0' }, { intake })

/** A station's modem: sends bytes, keeps the answers. */
class Modem {
  readonly answers: DnyEvent[] = []
  readonly socket: Socket
  isClosed = false

  constructor(t: TestContext, { port }: Running) {
    const parser = new DnyParser()
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', (chunk) => this.answers.push(...parser.push(chunk)))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => (this.isClosed = true))
    t.after(() => this.socket.destroy())
  }

  say(payload: Exclude<DnyPayload, { kind: 'other' }>, { physId = 0x04ab373b, messageId = 1 } = {}): void {
    this.socket.write(encodeDny({ physId, messageId, ...encodeDnyPayload(payload) }))
  }
}

const heartbeat = { kind: 'heartbeat', heartbeat: { voltageV: 220, portStates: [0, 1] } } as const
const smoke = { kind: 'alarm', alarm: { type: 4, source: 0, triggers: 0 } } as const
const settlement = {
  kind: 'settlement',
  settlement: { chargedS: 60, powerMaxW: 90, energyKwh: 1, port: 1 },
} as const

test('register, heartbeat and settlement are answered with their own number, alarms and power are not', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.say({ kind: 'register', register: { firmware: 200, ports: 2 } }, { messageId: 1 })
  modem.say({ kind: 'port-power', portPower: { port: 0, state: 1, chargedS: 5 } }, { messageId: 2 })
  modem.say(heartbeat, { messageId: 3 })
  modem.say(smoke, { messageId: 4 })
  modem.say(settlement, { messageId: 5 })
  await running.until('all', () => running.intake.accepted.length === 5 && modem.answers.length >= 3)
  await running.idle()
  assert.deepEqual(
    modem.answers.map(
      (answer) => answer.kind === 'frame' && [answer.command, answer.messageId, [...answer.data]],
    ),
    [
      [0x20, 1, [0]],
      [0x21, 3, [0]],
      [0x03, 5, [0]],
    ],
  )
})

test('an alarm that cannot be stored now is kept and stored as soon as it can be, though it is said only once', async (t) => {
  const intake = new OpenIntake()
  let tries = 0
  intake.gate = () =>
    ++tries < 4
      ? Promise.reject(new GanglionError('store-full', 'the disk is full', { retry: 'later' }))
      : Promise.resolve()
  const running = await start(t, intake)
  const modem = new Modem(t, running)
  modem.say(smoke)
  await running.until('first try', () => tries === 1)
  modem.socket.destroy()
  await running.until('stored', () => intake.accepted.length === 1)
  assert.equal(intake.accepted[0]?.fields['smoke'], true)
})

test('what comes behind a message that waits for the store is read only after it', async (t) => {
  const intake = new OpenIntake()
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  intake.gate = () => opened
  const running = await start(t, intake)
  const modem = new Modem(t, running)
  modem.say(heartbeat, { messageId: 1 })
  await running.until('at the gate', () => intake.waiting === 1)
  modem.say(heartbeat, { messageId: 2 })
  await running.idle()
  assert.equal(intake.waiting, 1)
  open()
  await running.until('both answered', () => modem.answers.length === 2)
})

test('a number that is in no site file is counted and gets no answer', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.say(heartbeat, { physId: 0x04000001 })
  await running.until('counted', () => running.intake.hasTrouble('device-unknown'))
  await running.idle()
  assert.deepEqual(modem.answers, [])
  assert.deepEqual(running.intake.accepted, [])
})

test('two devices may share a line, and both are lost with it', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.say(heartbeat)
  modem.say({ kind: 'host-state', hostState: { breaker: 1 } }, { physId: 0x0aab373b })
  await running.until('both', () => running.intake.accepted.length === 2)
  modem.socket.destroy()
  await running.until('lost', () => running.intake.losses.length === 2)
})

test('a station that dials anew before its old line is gone is not lost', async (t) => {
  const running = await start(t)
  const old = new Modem(t, running)
  old.say(heartbeat)
  await running.until('first', () => running.intake.accepted.length === 1)
  const anew = new Modem(t, running)
  anew.say(heartbeat)
  await running.until('second', () => running.intake.accepted.length === 2)
  old.socket.destroy()
  await running.until('closed', () => old.isClosed)
  await running.idle()
  assert.deepEqual(running.intake.losses, [])
})

test('noise is thrown away up to a bound, then the connection is closed', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.socket.write(Buffer.alloc(9 * 1024, 0x55))
  await running.until('closed', () => modem.isClosed)
  assert.ok(running.intake.hasTrouble('too much rubbish'))
})

test('a peer that trickles is closed: bytes without a message keep no line open', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  let sent = 0
  await running.until('closed', () => {
    if (!modem.isClosed && sent++ % 50 === 0) modem.socket.write('l')
    return modem.isClosed
  })
  assert.ok(running.intake.hasTrouble('silent connection closed'))
  assert.ok(running.clock.ticks() >= 60_000)
})

test('a station that falls silent is closed after ten minutes, one that says link is not', async (t) => {
  const running = await start(t)
  const silent = new Modem(t, running)
  const living = new Modem(t, running)
  silent.say(heartbeat)
  living.say({ kind: 'host-state', hostState: { breaker: 1 } }, { physId: 0x0aab373b })
  await running.until('both', () => running.intake.accepted.length === 2)
  const began = running.clock.ticks()
  let next = 0
  await running.until('closed', () => {
    if (running.clock.ticks() - began >= next) {
      living.socket.write('link')
      next += 30_000
    }
    return silent.isClosed
  })
  assert.ok(!living.isClosed)
})

test('a wrong length holds an alarm back for a moment only', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.socket.write(Buffer.from('444e59fb00', 'hex'))
  modem.say(smoke)
  await running.until('the alarm', () => running.intake.accepted.length === 1)
  assert.equal(running.intake.accepted[0]?.fields['smoke'], true)
  assert.ok(running.intake.hasTrouble('frame-invalid'))
})

test('frames beyond the rate close the line', async (t) => {
  const running = await start(t, new OpenIntake(), { messagesPerSecond: 5 })
  const modem = new Modem(t, running)
  for (let id = 1; id <= 200; id++) modem.say(heartbeat, { messageId: id })
  await running.until('closed', () => modem.isClosed)
  assert.ok(running.intake.hasTrouble('rate-exceeded'))
  assert.ok(running.intake.accepted.length < 200)
})

test('an alarm of a type that nobody knows is told and is a sign of life', async (t) => {
  const running = await start(t)
  const modem = new Modem(t, running)
  modem.say({ kind: 'alarm', alarm: { type: 99, source: 0, triggers: 0 } })
  await running.until('accepted', () => running.intake.accepted.length === 1)
  assert.ok(running.intake.hasTrouble('alarm of type 99'))
})
