import { Type, type Static } from 'typebox'
import { Feeds } from './circuit.ts'
import { EnabledCommands } from './enabled-commands.ts'
import { calendarKeys } from './calendar.ts'
import { DoorEntry } from './door-entry.ts'
import { DoorAccess } from './door/issuer.ts'
import { Exemption } from './exemption.ts'
import { FilingLimits } from './filing-rate.ts'
import { HistoryKeep } from './history/keep.ts'
import { SiteHolding } from './holding-settings.ts'
import { PushEntry } from './push.ts'
import { Broker } from './broker.ts'
import { Bilingual, Hours, Id, Position, SecretRef, Span } from './words.ts'

/** The shapes of `box.yaml` and `<siteId>.yaml`. JSON Schemas for editors are generated from these. */

const closed = { additionalProperties: false } as const

const Listen = Type.String({
  pattern: '^(\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-f:]+\\]):\\d{1,5}$',
  description: 'address:port to listen on, such as 127.0.0.1:1883',
})

/** Settings whose schema belongs to the file that `kind` names; checked by it at load. */
const OwnSettings = Type.Record(Type.String(), Type.Unknown())

export const BoxFile = Type.Object(
  {
    id: Id,
    name: Bilingual,
    listen: Type.Object(
      {
        api: Listen,
        mqtt: Type.Optional(Listen),
        tcp: Type.Optional(Listen),
        push: Type.Optional(Listen),
      },
      closed,
    ),
    limits: Type.Optional(
      Type.Object(
        {
          messagesPerSecond: Type.Optional(
            Type.Integer({
              minimum: 1,
              description: 'per wire account; the rest is refused. Default 50, bridges 1,000',
            }),
          ),
        },
        closed,
      ),
    ),
    catalogue: Id,
    packs: Type.Array(Id, { minItems: 1, uniqueItems: true }),
    /** MQTT brokers that are not ours: Ganglion connects to them. */
    brokers: Type.Optional(Type.Array(Broker, { maxItems: 20 })),
    /** Who speaks for other devices on MQTT: Zigbee2MQTT, ChirpStack. */
    bridges: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: Id,
            codec: Id,
            base: Type.String({
              pattern: '^[^#+/\\0][^#+\\0]{0,100}$',
              description:
                'base topic, such as zigbee2mqtt or application. Tasmota: its FullTopic up to %topic%, such as %prefix% or shed-7/%prefix%',
            }),
            broker: Type.Optional(
              Type.String({
                pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
                description: 'id of the external broker it speaks on; the embedded one by default',
              }),
            ),
          },
          closed,
        ),
      ),
    ),
    /** Operators' clouds that post what NB-IoT devices say. */
    pushes: Type.Optional(Type.Array(PushEntry, { maxItems: 50 })),
    connectors: Type.Array(Type.Object({ id: Id, kind: Id }, { additionalProperties: true }), {
      maxItems: 10,
    }),
    doorAccess: Type.Optional(DoorAccess),
    /** 立案率: a rule whose cases the platform files too seldom falls back to shadow. */
    filingRate: Type.Optional(FilingLimits),
    /** 历史: how much of what was said is kept for graphs, replay and backtest. Cases and evidence are never what goes. */
    history: Type.Optional(HistoryKeep),
  },
  { ...closed, $id: 'box', title: 'A Ganglion box: listeners, packs, connectors' },
)
export type BoxFile = Static<typeof BoxFile>

/** 区域用途: what a zone of a camera's picture is for; each rule says which of them it judges. */
export const zoneUses = [
  'no-parking',
  'fire-lane',
  'shop-front',
  'stairwell',
  'lift-lobby',
  'bays',
  'aisle',
  'exit',
  'gathering',
  'litter',
] as const
export const ZoneUse = Type.Enum(zoneUses)
export type ZoneUse = Static<typeof ZoneUse>

export const Zone = Type.Object(
  {
    id: Id,
    name: Bilingual,
    use: Type.Optional({ ...ZoneUse, description: 'what the zone is for; no-parking by default' }),
    /** Corners in parts of the picture: 0,0 is top left, 1,1 bottom right. */
    polygon: Type.Array(Type.Array(Type.Number({ minimum: 0, maximum: 1 }), { minItems: 2, maxItems: 2 }), {
      minItems: 3,
      maxItems: 32,
    }),
  },
  closed,
)
export type Zone = Static<typeof Zone>

/** Where a device is reached: one key, the transport; its value has that transport's own schema. */
export const Via = Type.Record(Type.String(), OwnSettings, { minProperties: 1, maxProperties: 1 })

export interface Address {
  readonly transport: string
  /** Obeys the transport's `address` schema. */
  readonly settings: Readonly<Record<string, unknown>>
}

export const DeviceEntry = Type.Object(
  {
    id: Id,
    profile: Id,
    variant: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9-]{0,30}$',
        description:
          'which firmware it has, where its profile knows several; `ganglion profile list` names them',
      }),
    ),
    name: Type.Optional(Bilingual),
    via: Via,
    part: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
        description:
          'the part of the site it watches; its own id by default. Two devices at one part share one case',
      }),
    ),
    silentAfter: Type.Optional(Span),
    drill: Type.Optional(Type.Boolean({ description: 'true: all its cases are drills' })),
    zones: Type.Optional(Type.Array(Zone, { maxItems: 16 })),
    /** What may be asked of it; all that is not named is off. */
    commands: Type.Optional(EnabledCommands),
    feeds: Type.Optional(Feeds),
    door: Type.Optional(DoorEntry),
    /** Cameras: without purpose, controller and the photo of its sign, its cases are drills (PIPL art. 26). */
    purpose: Type.Optional(Bilingual),
    controller: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    signPhoto: Type.Optional(
      Type.String({ pattern: '^[^\\0]{1,200}$', description: 'file in the box folder' }),
    ),
  },
  closed,
)
export type DeviceEntry = Static<typeof DeviceEntry>

export const SiteFile = Type.Object(
  {
    name: Bilingual,
    kind: Type.Enum(['ebike-shed', 'storefront', 'stairwell', 'street', 'other'] as const),
    address: Type.String({ minLength: 1, maxLength: 200, description: 'the sentence a person walks by' }),
    gridCode: Type.String({
      pattern: '^\\d{14}$',
      description: '单元网格: 6 district + 3 street + 3 community + 2 serial',
    }),
    position: Position,
    timeZone: Type.Optional(Type.String({ description: 'IANA name; Asia/Shanghai by default' })),
    /** A shop's opening hours; rules marked `during: hours` speak only then. */
    hours: Type.Optional(Hours),
    ...calendarKeys,
    /** What is permitted here for a time: the rule or class raises nothing then. */
    exemptions: Type.Optional(Type.Array(Exemption, { maxItems: 200 })),
    onDuty: Type.Optional(
      Type.Array(
        Type.Object(
          { name: Type.String({ maxLength: 60 }), phone: Type.Optional(Type.String({ maxLength: 30 })) },
          closed,
        ),
      ),
    ),
    /** Numbers of this site in place of a rule's defaults: `{ beam-blocked: { for: 8 s } }`. */
    settings: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()))),
    /** What holds a rule back or makes it speak up at this site, in place of its pack's. */
    holding: Type.Optional(Type.Record(Type.String(), SiteHolding)),
    /** Rules whose would-be cases are only counted here, until they are promoted. */
    shadow: Type.Optional(Type.Array(Id, { maxItems: 1000, uniqueItems: true })),
    trialDays: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 365,
        description:
          'so long a new site only counts would-be cases, but for life-safety; 7 by default, 0: it speaks at once. Afterwards a person looks and takes it live',
      }),
    ),
    devices: Type.Array(DeviceEntry, { maxItems: 5000 }),
  },
  { ...closed, $id: 'site', title: 'A site: an e-bike shed, a shop front, a stairwell, a street corner' },
)
export type SiteFile = Static<typeof SiteFile>

export { SecretRef }
