import type { Clock } from '../base/clock.ts'
import type { Box } from '../gateway/config.ts'
import type { Device } from '../gateway/device.ts'
import { IntakeDoor } from '../gateway/intake-door.ts'
import type { Intake, PictureSource, Transport, TransportContext, TransportPlug } from '../gateway/ports.ts'
import { toPush } from '../gateway/push.ts'
import { supervise, type SuperviseContext } from '../gateway/supervise.ts'

/** What a transport is given beside what the box says. */
export type WireSurroundings = Omit<
  TransportContext,
  'devices' | 'listen' | 'intake' | 'bridges' | 'brokers' | 'pushes' | 'limits'
>

export interface WiresGiven {
  readonly plugs: readonly TransportPlug[]
  readonly surroundings: WireSurroundings
  readonly hub: Intake
  readonly clock: Clock
  readonly state: SuperviseContext['state']
  readonly forget: (isGone: (subject: string) => boolean) => void
}

type AnyTransport = Transport & Partial<PictureSource>

interface Wire {
  readonly transport: AnyTransport
  readonly door: IntakeDoor
  /** All that it was made from: the same text, the same wire. */
  readonly text: string
}

interface RunningWire extends Wire {
  readonly abort: AbortController
  readonly ended: Promise<void>
}

/** The wires of a changed box, made and not yet run. */
export interface NewWires {
  readonly made: readonly Wire[]
  /** Names of those that run and are no longer wanted as they are. */
  readonly unwanted: readonly string[]
}

const STOP_MS = 3000

/** The transports that run: one of each that the box listens on or a device is reached by. */
export class Wires {
  readonly #given: WiresGiven
  readonly #running = new Map<string, RunningWire>()

  constructor(given: WiresGiven) {
    this.#given = given
  }

  get transports(): readonly AnyTransport[] {
    return [...this.#running.values()].map(({ transport }) => transport)
  }

  /** What would have to be made and to go for this box; nothing has changed yet. */
  plan(box: Box): NewWires {
    const wanted = this.#given.plugs.flatMap((plug) => wantedOf(plug, box))
    const isRunning = ({ name, text }: Wanted): boolean => this.#running.get(name)?.text === text
    const staying = new Set(wanted.filter(isRunning).map(({ name }) => name))
    return {
      made: wanted.filter(({ name }) => !staying.has(name)).map((one) => this.#make(one)),
      unwanted: [...this.#running.keys()].filter((name) => !staying.has(name)),
    }
  }

  /** Answers when they have ended; what a wire that hangs still hears is not taken. */
  async stop(names: readonly string[]): Promise<void> {
    const { clock, forget } = this.#given
    const going = names.flatMap((name) => this.#running.get(name) ?? [])
    for (const { door, abort } of going) {
      door.close()
      abort.abort()
    }
    let cancel = (): void => undefined
    const tooLong = new Promise<void>((resolve) => (cancel = clock.after(STOP_MS, resolve)))
    await Promise.race([Promise.all(going.map(({ ended }) => ended)), tooLong])
    // The timer would keep the process alive.
    cancel()
    for (const { transport, door } of going) {
      this.#running.delete(transport.name)
      forget((subject) => subject === transport.name || door.subjects.has(subject))
    }
  }

  start(made: readonly Wire[]): void {
    const { clock, state } = this.#given
    for (const wire of made) {
      const abort = new AbortController()
      const told: SuperviseContext['state'] = (...said) => {
        if (wire.door.isOpen) state(...said)
      }
      const ended = supervise(wire.transport, { clock, state: told, chance: Math.random }, abort.signal)
      this.#running.set(wire.transport.name, { ...wire, abort, ended })
    }
  }

  async stopAll(): Promise<void> {
    for (const { abort } of this.#running.values()) abort.abort()
    await Promise.all([...this.#running.values()].map(({ ended }) => ended))
  }

  #make({ plug, given, text }: Wanted): Wire {
    const door = new IntakeDoor(this.#given.hub)
    return { transport: plug.create({ ...this.#given.surroundings, ...given, intake: door }), door, text }
  }
}

interface Wanted {
  readonly name: string
  readonly plug: TransportPlug
  readonly given: Omit<TransportContext, keyof WireSurroundings | 'intake'>
  readonly text: string
}

function wantedOf(plug: TransportPlug, box: Box): readonly Wanted[] {
  const { listen: listens, bridges = [], brokers = [], pushes = [], limits = {} } = box.file
  const at: Readonly<Record<string, string | undefined>> = {
    mqtt: listens.mqtt,
    tcp: listens.tcp,
    'http-push': listens.push,
  }
  const devices = [...box.devices.values()].filter(({ address }) => address.transport === plug.name)
  const listen = at[plug.name]
  // Bridges on a broker speak before any device of theirs is in a site.
  const dials = plug.name === 'mqtt-client' && brokers.length > 0
  if (devices.length === 0 && listen === undefined && !dials) return []
  const isGiven = (what: NonNullable<TransportPlug['uses']>[number]): boolean =>
    plug.uses?.includes(what) === true
  const ofBox = {
    bridges: isGiven('bridges') ? bridges : [],
    brokers: isGiven('brokers') ? brokers : [],
    pushes: isGiven('pushes') ? pushes.map(toPush) : [],
    limits: isGiven('limits') ? limits : {},
    ...(listen !== undefined && { listen }),
  }
  const text = JSON.stringify([ofBox, devices.map(wireText).sort()])
  return [{ name: plug.name, plug, given: { ...ofBox, devices }, text }]
}

/** What a transport knows of a device; functions follow from what stands in it. */
const wireText = ({ id, siteId, address, zones, profile }: Device): string =>
  JSON.stringify([id, siteId, address, zones, profile.hash])
