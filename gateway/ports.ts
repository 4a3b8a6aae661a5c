import type { TSchema } from 'typebox'
import type { Clock, Duration, Instant } from '../base/clock.ts'
import type { Broker } from './broker.ts'
import type { Case } from './case.ts'
import type { Detection, ZoneStay } from './detection.ts'
import type { Device } from './device.ts'
import type { Order, Sent } from './order.ts'
import type { Push } from './push.ts'
import type { Reading } from './reading.ts'
import type { StageMove } from './stage.ts'

/** The sockets of the hub: what plugs into `gateway/` implements one of these. */

/** What a codec found in a payload, by name; nested as the device nests it. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * 出示: what a reader was shown, and waits for an answer. It is decided and forgotten: it never stands in a log, an error,
 * a reading or a row.
 */
export interface Presented {
  /** The reader's own number of this ask: its answer carries it. */
  readonly askId: string
  readonly shown:
    | { readonly is: 'card'; readonly uid: string }
    | { readonly is: 'code'; readonly text: string }
    | { readonly is: 'unreadable' }
  /** The reader gives up after this. */
  readonly within?: Duration
  /** The wire brings it again: who showed it has left. */
  readonly isRepeated: boolean
}

/** One message of a device, decoded but not yet judged. */
export interface Arrival {
  readonly deviceId: string
  readonly fields: Fields
  /** The message's own id, where it has one. */
  readonly messageId?: string
  /** The message's own time, where it has one. */
  readonly time?: Instant
  readonly presented?: Presented
  /** Its sender may send it again for so long; 10 minutes by default, and never less. */
  readonly repeatsFor?: Duration
  /** A broker had kept it and tells it again: a state, but no sign of life, for the device may be long dead. */
  readonly retained?: true
  /** What is known of an MQTT QoS 1 publish, so that a redelivery after a crash is told apart. */
  readonly publish?: {
    readonly account: string
    readonly packetId: number
    readonly dup: boolean
    readonly hash: string
  }
}

/** What a camera saw: readings whose time is the picture's, and the tracks behind them. */
export interface Observation {
  readonly deviceId: string
  readonly at: Instant
  readonly readings: readonly Reading[]
  readonly stays: readonly ZoneStay[]
  readonly model: string
  /** The score a label had to reach, for `why`. */
  readonly thresholds: Readonly<Record<string, number>>
}

export type Accepted = 'taken' | 'seen-before'

/** The door of the hub. Readings are never dropped: `accept` answers when all that follows is committed. */
export interface Intake {
  /** @throws GanglionError `store-failed` or `store-full` (retry later): do not acknowledge. */
  accept(arrival: Arrival): Promise<Accepted>
  observe(observation: Observation): Promise<void>
  /** The line to a device is lost: its values are bad from now on. */
  lost(deviceId: string, reason: string): void
  /** It was asked again and again and does not answer: it is missing, until it is heard. Follows `lost`. */
  unanswered(deviceId: string, reason: string): void
  /** Something bad came in: counted, shown in health, logged once with its repetition count. */
  trouble(what: string, example: string): void
  /** The state of a connection or camera for `/api/health`. */
  state(subject: string, word: string, detail?: string): void
  /** A device that no site has: shown in `/api/strangers`, so that people can take it in. */
  stranger(stranger: Stranger): void
}

/** 陌生设备: it spoke, or its bridge named it, but it is in no site. */
export interface Stranger {
  readonly transport: string
  /** Of the bridge or broker that it is behind; none where the stranger came as an account itself. */
  readonly account?: string
  /** What `via:` would say. */
  readonly address: string
  /** A file in device-drivers/codecs. */
  readonly codec?: string
  readonly vendor?: string
  readonly model?: string
  /** What it said, as text. */
  readonly example: string
}

/** Who may speak on a wire. Secrets are 128 bits at random, kept as SHA-256 and compared in constant time. */
export interface Accounts {
  verify(id: string, secret: string): boolean
}

/** 网桥: an account that speaks for other devices below its base topic. */
export interface Bridge {
  readonly id: string
  /** A file in device-drivers/codecs. */
  readonly codec: string
  readonly base: string
  /** The external broker it speaks on; the embedded one where there is none. */
  readonly broker?: string
}

export interface MqttRow {
  readonly kind: string
  readonly key: string
  readonly value: Uint8Array
}

/** What an MQTT broker has to remember over a restart: retained messages, wills, sessions. */
export interface MqttStore {
  load(): Iterable<MqttRow>
  put(kind: string, key: string, value: Uint8Array): Promise<void>
  delete(kind: string, key: string): Promise<void>
}

/** All that a transport may use of the box; each takes what it needs. */
export interface TransportContext {
  readonly clock: Clock
  readonly intake: Intake
  /** The devices of all sites that this transport speaks to. */
  readonly devices: readonly Device[]
  /** address:port of `listen.<name>` in box.yaml; what dials out has none. */
  readonly listen?: string
  readonly bridges: readonly Bridge[]
  /** The external brokers of box.yaml. */
  readonly brokers: readonly Broker[]
  readonly boxId: string
  readonly pushes: readonly Push[]
  readonly accounts: Accounts
  readonly limits: {
    /** For every account, in place of the defaults. */
    readonly messagesPerSecond?: number
  }
  readonly mqttStore: MqttStore
  /** What the box knows of itself, for the transport that says it. */
  readonly ownState: () => Fields
  /** @throws GanglionError `secret-missing` */
  readonly secret: (reference: string) => string
  /** Where set-up put converted models, and the folder of the manifests that name them. */
  readonly modelsCache: string
  readonly manifestsFolder: string
  /** Where what the cameras learned of their views is kept. */
  readonly viewsFolder: string
}

/**
 * How bytes arrive. It runs until aborted and throws when it cannot; the supervisor runs it again.
 * What listens says so by `intake.state(name, 'listening', 'address:port')`.
 */
export interface Transport {
  readonly name: string
  run(signal: AbortSignal): Promise<void>
  /** Tells a device something, once: what may have been heard is never said again but under the same number. Never
   * throws for an expected trouble. The signal gives up waiting for its answer. */
  send?(deviceId: string, order: Order, signal: AbortSignal): Promise<Sent>
}

/** The default export of a file in device-drivers/transports, and of what else brings devices in. */
export interface TransportPlug {
  /** The key below `via:` in a site file. */
  readonly name: string
  /** What stands below that key. */
  readonly address: TSchema
  /** The forms of commands that it can send; none by default. */
  readonly orders?: readonly Order['is'][]
  /** What of box.yaml it is given beside its devices, and is set up anew for when it changes; empty where not named. */
  readonly uses?: readonly ('bridges' | 'brokers' | 'pushes' | 'limits')[]
  /** A transport of cameras takes pictures too. */
  create(context: TransportContext): Transport & Partial<PictureSource>
}

/** A picture of a camera, taken when a rule asked for proof. */
export interface Picture {
  readonly bytes: Uint8Array
  readonly mediaType: 'image/jpeg'
  readonly takenAt: Instant
  readonly role: 'original' | 'annotated'
  readonly keep: 'sent' | 'kept'
}

export interface PictureSource {
  /** The original (to be sealed) and the annotated, pixelated copy (to be sent) of what is seen now.
   * @throws GanglionError (`camera-stalled` …) when there is none. */
  take(deviceId: string, mark: readonly Detection[]): Promise<readonly Picture[]>
}

/** One case revision on its way to a platform. */
export interface Delivery {
  readonly key: string
  readonly revision: number
  /** The case as JSON text: `data` of the event. */
  readonly body: string
  readonly at: Instant
}

export type DeliveryAnswer =
  | { readonly is: 'taken' }
  | { readonly is: 'later'; readonly reason: string }
  | { readonly is: 'refused'; readonly reason: string }

/** The whole connector is away or asks to wait: its back-off, not the entry's. */
export interface Away {
  readonly is: 'away'
  readonly reason: string
  /** The platform's Retry-After. */
  readonly waitMs?: Duration
}

export interface Connector {
  readonly name: string
  /** Answers per delivery, in order; `Away` when none of them reached the platform. Never throws for an expected trouble. */
  send(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly DeliveryAnswer[] | Away>
  /** Sends one proof file; resumes where an earlier try broke off. */
  sendProof(file: ProofFile, signal: AbortSignal): Promise<DeliveryAnswer | Away>
  /** Waits for moves after the cursor (long poll) and answers with them and the next cursor; empty when none came. */
  stages(
    cursor: string,
    signal: AbortSignal,
  ): Promise<{ readonly moves: readonly StageMove[]; readonly cursor: string } | Away>
  close(): Promise<void>
}

export interface ProofFile {
  readonly sha256: string
  readonly size: number
  readonly mediaType: string
  readonly path: string
}

/** What a connector is given. */
export interface ConnectorContext {
  readonly id: string
  /** Obeys the plug's `settings` schema. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly boxId: string
  readonly clock: Clock
  /** Signs with the box's Ed25519 key. */
  readonly sign: (text: Uint8Array) => Uint8Array
  /** Told what the platform's clock says, so that the box can tell that its own is off. */
  readonly peerTime?: ((at: Instant) => void) | undefined
  /** @throws GanglionError `secret-missing` */
  readonly secret: (reference: string) => string
}

/** A connector's file default-exports this; `kind` is its name in box.yaml. */
export interface ConnectorPlug {
  readonly kind: string
  /** The schema of its settings beside `id` and `kind`. */
  readonly settings: TSchema
  create(context: ConnectorContext): Connector
}

/** Onlookers hear of what was committed; they can neither slow nor change it. */
export interface Onlooker {
  caseCommitted?(committed: Case): void
}
