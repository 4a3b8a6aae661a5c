import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { FakeClock, systemClock } from '../base/clock.ts'
import { readYaml } from '../base/yaml.ts'
import type { Device } from '../gateway/device.ts'
import type { Order, Sent } from '../gateway/order.ts'
import type {
  Accepted,
  Arrival,
  Fields,
  Intake,
  MqttStore,
  Stranger,
  TransportContext,
  TransportPlug,
} from '../gateway/ports.ts'
import { ProfileFile } from '../gateway/profile-file.ts'
import { compileProfile } from '../gateway/profile.ts'

/** Waiting in vain ends here; what is waited for takes milliseconds. */
const LONGEST_WAIT_MS = 20_000

/** A device of a shipped profile, as the site file would give it. */
export function deviceOf(id: string, profile: string, settings: Readonly<Record<string, unknown>>): Device {
  const file = new URL(`../device-drivers/profiles/${profile}.yaml`, import.meta.url).pathname
  return {
    id,
    siteId: 'site',
    profile: compileProfile(profile, readYaml(file, ProfileFile).value).profile,
    address: { transport: 'under test', settings },
    part: id,
    silentAfter: 60_000,
    zones: [],
    drillOnly: false,
  }
}

/** A door of the hub that keeps what came and can be held shut. */
export class OpenIntake implements Intake {
  readonly accepted: Arrival[] = []
  readonly losses: string[] = []
  readonly missing: string[] = []
  readonly troubles: string[] = []
  readonly states: string[] = []
  readonly strangers: Stranger[] = []
  listening: string | undefined
  /** Called for each arrival before it is taken; a rejection is the store's. */
  gate: (arrival: Arrival) => Promise<void> = () => Promise.resolve()
  /** Arrivals that stand at the gate. */
  waiting = 0

  async accept(arrival: Arrival): Promise<Accepted> {
    this.waiting++
    try {
      await this.gate(arrival)
    } finally {
      this.waiting--
    }
    this.accepted.push(arrival)
    return 'taken'
  }

  async observe(): Promise<void> {
    throw new Error('no camera here')
  }

  lost(deviceId: string, reason: string): void {
    this.losses.push(`${deviceId}: ${reason}`)
  }

  unanswered(deviceId: string, reason: string): void {
    this.missing.push(`${deviceId}: ${reason}`)
  }

  trouble(what: string, example: string): void {
    this.troubles.push(`${what}: ${example}`)
  }

  state(subject: string, word: string, detail?: string): void {
    this.states.push(`${subject} ${word}`)
    if (word === 'listening') this.listening = detail
  }

  stranger(stranger: Stranger): void {
    this.strangers.push(stranger)
  }

  hasTrouble(text: string): boolean {
    return this.troubles.some((trouble) => trouble.includes(text))
  }
}

export class MemoryMqttStore implements MqttStore {
  readonly rows = new Map<string, { kind: string; key: string; value: Uint8Array }>()

  load(): Iterable<{ kind: string; key: string; value: Uint8Array }> {
    return [...this.rows.values()]
  }

  async put(kind: string, key: string, value: Uint8Array): Promise<void> {
    this.rows.set(`${kind} ${key}`, { kind, key, value })
  }

  async delete(kind: string, key: string): Promise<void> {
    this.rows.delete(`${kind} ${key}`)
  }
}

/** A transport that runs, with everything around it that a test looks at. */
export interface Running {
  readonly intake: OpenIntake
  readonly clock: FakeClock
  readonly store: MemoryMqttStore
  /** Where it listens, once it does. */
  readonly port: number
  /** Turns the clock and lets real sockets work until the condition holds. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>
  /** As the hub does it; a transport that sends nothing answers `away`. */
  readonly send: (deviceId: string, order: Order, signal?: AbortSignal) => Promise<Sent>
  /** Lets real sockets work for a while in which nothing is to happen. */
  readonly idle: () => Promise<void>
  /** Aborts and waits until it has ended. */
  readonly stop: () => Promise<void>
}

/** Runs until the test ends, however it ends. */
export async function startTransport(
  t: TestContext,
  plug: TransportPlug,
  context: Partial<TransportContext> & { readonly devices: readonly Device[] },
  doors: {
    readonly intake?: OpenIntake
    readonly store?: MemoryMqttStore
    readonly waitToListen?: boolean
  } = {},
): Promise<Running> {
  const clock = new FakeClock()
  const intake = doors.intake ?? new OpenIntake()
  const store = doors.store ?? new MemoryMqttStore()
  const abort = new AbortController()
  const transport = plug.create({
    clock,
    intake,
    bridges: [],
    brokers: [],
    boxId: 'box',
    pushes: [],
    accounts: { verify: (id, secret) => secret === `secret of ${id}` },
    limits: {},
    mqttStore: store,
    ownState: () => ({}),
    secret: () => '',
    modelsCache: '',
    manifestsFolder: '',
    viewsFolder: '',
    ...context,
  })
  let ended: unknown
  const run = transport.run(abort.signal).catch((error: unknown) => {
    ended = error
  })
  const stop = async (): Promise<void> => {
    abort.abort()
    await run
    if (ended !== undefined) throw ended as Error // of the transport's run
  }
  t.after(stop)
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    const began = systemClock.ticks()
    while (!condition()) {
      if (ended !== undefined) throw ended as Error // of the transport's run
      if (systemClock.ticks() - began > LONGEST_WAIT_MS)
        throw new Error(`waited in vain: ${what}; troubles: ${intake.troubles.join(' | ')}`)
      await clock.turn(5)
    }
  }
  if (context.listen !== undefined && doors.waitToListen !== false)
    await until('listening', () => intake.listening !== undefined)
  return {
    intake,
    clock,
    store,
    port: Number(intake.listening?.split(':').at(-1)),
    until,
    send: (deviceId, order, signal = abort.signal) =>
      transport.send?.(deviceId, order, signal) ??
      Promise.resolve({ is: 'away', reason: 'it sends nothing' }),
    async idle() {
      for (let round = 0; round < 100; round++) await clock.turn(0)
    },
    stop,
  }
}

/** One device on its line, as the suite needs it. */
export interface TrialLine {
  /** The device has this value from now on, and says so if it is one that speaks by itself. */
  say(value: number): void
  /** How many of its messages were acknowledged, or how often it was asked again. */
  acknowledged(): number
  /** The line breaks; the device takes it up again as real ones do. */
  lose(): void
  rubbish(): void
  close(): Promise<void>
}

export interface Trial {
  readonly plug: TransportPlug
  /** `listen` or nothing, and the device: opens what the device needs before the transport runs. */
  prepare(): Promise<{
    readonly context: Partial<TransportContext> & { readonly devices: readonly Device[] }
    connect(running: Running): Promise<TrialLine>
  }>
  valueOf(fields: Fields): unknown
}

/** What every transport owes the hub, whatever bytes it speaks. */
export function transportSuite(name: string, trial: Trial): void {
  const options = { timeout: 30_000 }
  async function begin(
    t: TestContext,
    intake = new OpenIntake(),
  ): Promise<{ running: Running; line: TrialLine }> {
    const prepared = await trial.prepare()
    const running = await startTransport(t, trial.plug, prepared.context, { intake })
    const line = await prepared.connect(running)
    t.after(() => line.close())
    return { running, line }
  }
  const has =
    ({ intake }: Running, value: number) =>
    (): boolean =>
      intake.accepted.some(({ fields }) => trial.valueOf(fields) === value)

  test(`${name}: what a device says is accepted under its id`, options, async (t) => {
    const { running, line } = await begin(t)
    line.say(17)
    await running.until('17', has(running, 17))
    assert.ok(running.intake.accepted.every(({ deviceId }) => deviceId === 'device-1'))
  })

  test(`${name}: nothing is acknowledged before it is accepted`, options, async (t) => {
    const intake = new OpenIntake()
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    intake.gate = () => opened
    const { running, line } = await begin(t, intake)
    line.say(18)
    await running.until('a message at the gate', () => intake.waiting > 0)
    await running.idle()
    assert.equal(line.acknowledged(), 0)
    open()
    await running.until('the acknowledgement', () => line.acknowledged() > 0)
  })

  test(`${name}: the line may break and comes back`, options, async (t) => {
    const { running, line } = await begin(t)
    line.say(19)
    await running.until('19', has(running, 19))
    line.lose()
    line.say(20)
    await running.until('20', has(running, 20))
  })

  test(`${name}: rubbish is counted and what comes after it is heard`, options, async (t) => {
    const { running, line } = await begin(t)
    line.say(21)
    await running.until('21', has(running, 21))
    line.rubbish()
    await running.until('a trouble', () => running.intake.troubles.length > 0)
    line.say(22)
    await running.until('22', has(running, 22))
  })

  test(`${name}: it ends at once when it is told to, also with a message at the gate`, options, async (t) => {
    const intake = new OpenIntake()
    intake.gate = () => new Promise(() => undefined)
    const { running, line } = await begin(t, intake)
    line.say(23)
    await running.until('a message at the gate', () => intake.waiting > 0)
    // No clock is turned any more: an end that waits for a timer would never come.
    await running.stop()
    assert.equal(line.acknowledged(), 0)
  })
}
