import { Type, type Static } from 'typebox'
import { DURATION_PATTERN } from '../base/amount.ts'
import { AvailabilityRule } from './availability.ts'
import { Commands } from './command-file.ts'
import { quantityIds } from './quantity.ts'
import { Bilingual, Id, Span } from './words.ts'

/** The shape of a profile's YAML file; `profile.ts` makes of it what the path uses. */

const closed = { additionalProperties: false } as const

const ByteOrder = Type.Enum(['ABCD', 'DCBA', 'BADC', 'CDAB'] as const, {
  description:
    'how the four bytes of a 32-bit value stand on the wire, A the highest; default ABCD. DCBA and BADC swap the two bytes of a 16-bit value',
})

const ReadFunction = Type.Enum([1, 2, 3, 4] as const, {
  description: 'default 3; coils 1 and inputs 2 have the type bit',
})

/** What a point is read from on Modbus: a register, or one bit of a coil or input. */
export const Register = Type.Object(
  {
    register: Type.Integer({ minimum: 0, maximum: 65_535, description: 'address, 0-based' }),
    function: Type.Optional(ReadFunction),
    type: Type.Enum(['bit', 'u16', 'i16', 'u32', 'i32', 'f32'] as const),
    byteOrder: Type.Optional(ByteOrder),
    bit: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 15, description: 'this bit alone, as a boolean' }),
    ),
  },
  closed,
)
export type Register = Static<typeof Register>

/** 数据标识: an item that a DL/T 645 meter is asked for. */
export const MeterItem = Type.Object(
  {
    item: Type.String({
      pattern: '^([0-9A-F]|\\{n\\}){8}$',
      description: 'data identifier, high byte first, such as 02010100; {n} is the index of a repeated part',
    }),
    format: Type.String({
      pattern: '^X{1,8}(\\.X{1,8})?$',
      description: 'the digits as the standard prints them, such as XXX.X: two of them are one byte',
    }),
    signed: Type.Optional(Type.Boolean({ description: 'the top bit is the sign' })),
  },
  closed,
)
export type MeterItem = Static<typeof MeterItem>

export const Point = Type.Object(
  {
    /** A path into what the codec found (`ports.{n}.power`), a register, or an item of a meter. */
    from: Type.Union([
      Type.String({ pattern: '^[^.\\0]+(\\.[^.\\0]+)*$', maxLength: 120 }),
      Register,
      MeterItem,
    ]),
    /** The point's own key by default. */
    quantity: Type.Optional(Type.Enum(quantityIds)),
    scale: Type.Optional(Type.Number()),
    offset: Type.Optional(Type.Number()),
    invert: Type.Optional(Type.Boolean({ description: 'booleans: contact: true means closed' })),
    bit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 51,
        description: 'this bit of a whole number alone, as a boolean',
      }),
    ),
    /** Raw values that mean "no sensor", "open circuit": the point is left out. */
    absent: Type.Optional(Type.Array(Type.Union([Type.Number(), Type.String()]))),
    /** Raw values at and above this mean "at limit", not a value. */
    limitAt: Type.Optional(Type.Number()),
    /** After scale and offset; what lies outside is bad and keeps its value. */
    range: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        description: '[lowest, highest] that this model can mean, narrower than its quantity: [150, 280]',
      }),
    ),
    /** Raw value (as text) → value. */
    values: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
    others: Type.Optional(
      Type.Enum(['bad', 'left-out'] as const, {
        description:
          'a raw value that "values" does not list is bad by default; left-out: it says nothing of this point, as where one field names every event',
      }),
    ),
    /** Rules of the kind `alarm` obey it. */
    lasts: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        description:
          'an alarm that the device never takes back ends by itself after this; said again it begins anew from the last time: 10 min',
      }),
    ),
    /** The part of the device it speaks of, where it is one alone: `neutral`. */
    part: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' })),
    /**
     * Repeated parts such as ports: `{n}` in `from` is the number from `first`, `{i}` the place in a list from 0;
     * registers move by `stride`.
     */
    each: Type.Optional(
      Type.Object(
        {
          part: Type.String({ pattern: '^[a-z0-9-]*\\{n\\}$', description: 'such as port-{n}' }),
          count: Type.Integer({ minimum: 1, maximum: 64 }),
          first: Type.Optional(Type.Integer({ minimum: 0, maximum: 64, description: 'default 1' })),
          stride: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
        },
        closed,
      ),
    ),
  },
  closed,
)
export type Point = Static<typeof Point>

const Points = Type.Record(Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9]*$' }), Point, closed)

/** What holds for every register that does not say otherwise. */
export const RegisterDefaults = Type.Object(
  { function: Type.Optional(ReadFunction), byteOrder: Type.Optional(ByteOrder) },
  closed,
)
export type RegisterDefaults = Static<typeof RegisterDefaults>

/** Payloads as the device sends them and all the readings they give; each one is a test. */
const Examples = Type.Array(
  Type.Object(
    {
      /** JSON. */
      payload: Type.Optional(Type.Unknown()),
      /** Bytes of frames, and of a Modbus request with the reply behind it. */
      hex: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2} ?)+$' })),
      text: Type.Optional(Type.String({ maxLength: 4096, description: 'a payload that is plain text: ON' })),
      topic: Type.Optional(
        Type.String({
          pattern: '^[^#+\\0]{1,200}$',
          description: 'the levels below the base topic, where the codec looks at them: tele/plug/SENSOR',
        }),
      ),
      /** `quantity` or `part/quantity` → value; `bad` where the value is not believed. */
      gives: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
    },
    closed,
  ),
  { maxItems: 100 },
)

/** One of several firmwares of a model whose maps or scales disagree. */
const Variant = Type.Object(
  {
    /** What tells it apart, for people. */
    name: Bilingual,
    registers: Type.Optional(RegisterDefaults),
    /** Beside the points of the profile, or whole in place of those of the same key. */
    points: Type.Optional(Points),
    examples: Type.Optional(Examples),
  },
  closed,
)

/** 物模型: what one device model can say. The file name is its id. */
export const ProfileFile = Type.Object(
  {
    vendor: Type.String({ minLength: 1, maxLength: 80 }),
    model: Type.String({ minLength: 1, maxLength: 80 }),
    name: Bilingual,
    /** From a payload to fields: a file in device-drivers/codecs. */
    codec: Id,
    power: Type.Optional(Type.Enum(['mains', 'battery'] as const, { description: 'default mains' })),
    /** How often it reports when nothing happens. */
    reportsEvery: Span,
    availability: Type.Optional(AvailabilityRule),
    silentAfter: Type.Optional(
      Type.String({
        ...Span,
        description: 'missing when silent for this long; by default as many check-ins as "availability" says',
      }),
    ),
    /** Modbus: at most this many registers in one request. */
    batch: Type.Optional(Type.Integer({ minimum: 1, maximum: 125 })),
    registers: Type.Optional(RegisterDefaults),
    points: Points,
    /** Firmwares whose maps disagree; a device's site file then names one by `variant`. */
    variants: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,30}$' }), Variant, {
        ...closed,
        minProperties: 1,
        maxProperties: 20,
      }),
    ),
    commands: Type.Optional(Commands),
    examples: Examples,
  },
  { ...closed, $id: 'profile', title: 'A device model: points, units, ranges, example payloads' },
)
export type ProfileFile = Static<typeof ProfileFile>
