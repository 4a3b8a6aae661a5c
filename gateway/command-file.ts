import { Type, type Static, type TOptional } from 'typebox'
import { parseDuration } from '../base/amount.ts'
import type { Duration } from '../base/clock.ts'
import { commandKindIds, type CommandKind } from './command-kind.ts'
import { frameNames } from './order.ts'
import { quantityIds } from './quantity.ts'
import { Span } from './words.ts'

/** The shape of the `commands:` of a profile. */

const closed = { additionalProperties: false } as const
const Word = Type.Integer({ minimum: 0, maximum: 65_535 })
const Plain = Type.Union([Type.Boolean(), Type.Number(), Type.String({ maxLength: 64 })])

const Write = Type.Object(
  {
    function: Type.Enum([5, 6, 15, 16] as const, { description: '5 and 15 coils, 6 and 16 registers' }),
    address: Type.Integer({ minimum: 0, maximum: 65_535, description: 'address, 0-based' }),
    stride: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'from part to part' })),
    set: Type.Optional(Type.Enum(['on', 'off'] as const, { description: 'function 5: FF00 or 0000' })),
    bits: Type.Optional(Type.Array(Type.Boolean(), { minItems: 1, maxItems: 64 })),
    words: Type.Optional(
      Type.Array(Word, {
        minItems: 1,
        maxItems: 16,
        description:
          'one for functions 5 and 6; boards and lamps know words beside FF00 and 0000 for function 5',
      }),
    ),
    pulse: Type.Optional(
      Type.Object(
        {
          span: Span,
          tick: { ...Span, description: 'the board’s unit of time' },
        },
        {
          ...closed,
          description:
            'span divided by tick is written as the last word: the board itself lets go again, also when the gateway is gone',
        },
      ),
    ),
  },
  closed,
)
export type WriteEntry = Static<typeof Write>

const Publish = Type.Object(
  {
    topic: Type.Optional(
      Type.String({
        pattern: '^[^#+\\0]{1,120}$',
        description:
          'the last levels, behind the device’s name: default set (Zigbee2MQTT), POWER{n} (Tasmota); {n} is the part. A JSON device is told on its "down" topic',
      }),
    ),
    payload: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.String({ maxLength: 200 })]),
  },
  closed,
)

const Confirm = Type.Object(
  {
    quantity: Type.Enum(quantityIds),
    part: Type.Optional(
      Type.String({ pattern: '^[a-z0-9-]{0,31}$', description: 'default: the part that the command is for' }),
    ),
    is: Type.Optional(Type.Union([Plain, Type.Array(Plain, { minItems: 1, maxItems: 20 })])),
    atMost: Type.Optional(Type.Number()),
    atLeast: Type.Optional(Type.Number()),
    within: Type.Optional({ ...Span, description: 'after it was sent; default 10 s, 5 min at most' }),
  },
  { ...closed, description: 'the reading that shows that it was done: exactly one of is, atMost, atLeast' },
)
export type ConfirmEntry = Static<typeof Confirm>

const CommandEntry = Type.Object(
  {
    each: Type.Optional(
      Type.Object(
        {
          part: Type.String({ pattern: '^[a-z0-9-]*\\{n\\}$', description: 'such as port-{n}' }),
          count: Type.Integer({ minimum: 1, maximum: 64 }),
          first: Type.Optional(Type.Integer({ minimum: 0, maximum: 64, description: 'default 1' })),
        },
        closed,
      ),
    ),
    write: Type.Optional(Write),
    publish: Type.Optional(Publish),
    frame: Type.Optional(
      Type.Enum(frameNames, { description: 'of the device’s own protocol: DNY and JUY charging stations' }),
    ),
    endsAfter: Type.Optional({
      ...Span,
      description: 'the device itself ends it after this; a siren, lamp, voice or door needs this or a pulse',
    }),
    confirm: Type.Optional(Confirm),
  },
  closed,
)
export type CommandEntry = Static<typeof CommandEntry>

/** The `commands:` of a profile: what the model can be told, how it is said and which reading shows that it was done. */
export const Commands = Type.Object(
  Object.fromEntries(commandKindIds.map((kind) => [kind, Type.Optional(CommandEntry)])) as Record<
    CommandKind,
    TOptional<typeof CommandEntry>
  >, // one entry a kind of the closed table
  closed,
)
export type Commands = Static<typeof Commands>

export const DEFAULT_WITHIN = '10 s'

export interface NumberedPart {
  readonly part: string
  /** As labelled; absent for the device itself. */
  readonly n: number | undefined
}

/** The parts that a command is for; the empty one is the device itself. */
export function partsOf({ each }: CommandEntry): readonly NumberedPart[] {
  if (!each) return [{ part: '', n: undefined }]
  return Array.from({ length: each.count }, (_, i) => {
    const n = i + (each.first ?? 1)
    return { part: each.part.replace('{n}', String(n)), n }
  })
}

/** A coil that stays on. */
export const COIL_ON = 0xff00

/** The words that are written; none where bits are. */
export function wordsOf({ set, words = [], pulse }: WriteEntry): readonly number[] {
  if (set) return [set === 'on' ? COIL_ON : 0]
  return pulse ? [...words, ticksOf(pulse)] : words
}

/** A pulse in the board's unit of time. */
export const ticksOf = ({ span, tick }: { readonly span: string; readonly tick: string }): number =>
  Math.round(parseDuration(span) / Math.max(parseDuration(tick), 1))

/** When the device ends it by itself. */
export function endsAfterMs({ endsAfter, write }: CommandEntry): Duration | undefined {
  if (endsAfter !== undefined) return parseDuration(endsAfter)
  return write?.pulse && parseDuration(write.pulse.span)
}
