import { Type, type Static } from 'typebox'
import { Bilingual, Id, Position, SecretRef, Span } from './words.ts'

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
    /** Who speaks for other devices on MQTT: Zigbee2MQTT, ChirpStack. */
    bridges: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: Id,
            codec: Id,
            base: Type.String({ pattern: '^[^#+/\\0][^#+\\0]{0,100}$', description: 'base topic' }),
          },
          closed,
        ),
      ),
    ),
    connectors: Type.Array(Type.Object({ id: Id, kind: Id }, { additionalProperties: true }), {
      maxItems: 10,
    }),
  },
  { ...closed, $id: 'box', title: 'A Ganglion box: listeners, packs, connectors' },
)
export type BoxFile = Static<typeof BoxFile>

export const Zone = Type.Object(
  {
    id: Id,
    name: Bilingual,
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

const Clock = Type.String({
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d-(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
  description: 'hours such as 09:00-21:30; over midnight too',
})

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
    hours: Type.Optional(Clock),
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
    devices: Type.Array(DeviceEntry, { maxItems: 5000 }),
  },
  { ...closed, $id: 'site', title: 'A site: an e-bike shed, a shop front, a stairwell, a street corner' },
)
export type SiteFile = Static<typeof SiteFile>

export { SecretRef }
