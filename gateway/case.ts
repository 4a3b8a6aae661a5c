import { createHash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { isoTime, type Instant } from '../base/clock.ts'
import { quantityIds } from './quantity.ts'
import { Stage } from './stage.ts'
import { Bilingual, Position } from './words.ts'

/** The version of the platform contract. Fields are only ever added within one version. */
export const CONTRACT = 1

const Time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  description: 'RFC 3339, UTC',
})
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const closed = { additionalProperties: false } as const

/** A reading that moved the rule, beside the threshold it was judged by. */
export const WhyReading = Type.Object(
  {
    deviceId: Text(63),
    quantity: Type.Enum(quantityIds),
    part: Type.String({ maxLength: 63 }),
    value: Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 64 })]),
    unit: Type.String({ maxLength: 8 }),
    quality: Type.Enum(['good', 'at-limit', 'bad'] as const),
    at: Time,
    threshold: Type.Optional(Type.Number()),
    /** How far beyond the threshold, in the same unit. */
    margin: Type.Optional(Type.Number()),
  },
  closed,
)
export type WhyReading = Static<typeof WhyReading>

const PlainValue = Type.Union([Type.Number(), Type.Boolean(), Type.String({ maxLength: 64 })])

/** A comparison of the rule as its pack writes it, and what it came to when the case was raised. */
export const WhyCondition = Type.Object(
  {
    text: Text(200),
    /** Absent where nothing was known. */
    value: Type.Optional(PlainValue),
    threshold: Type.Optional(PlainValue),
    /** How far beyond the threshold, in `unit`; below zero it was not reached. */
    margin: Type.Optional(Type.Number()),
    unit: Type.String({ maxLength: 16 }),
    met: Type.Boolean(),
  },
  closed,
)
export type WhyCondition = Static<typeof WhyCondition>

export const WhyDetection = Type.Object(
  {
    deviceId: Text(63),
    zone: Text(63),
    label: Text(40),
    score: Type.Number({ minimum: 0, maximum: 1 }),
    threshold: Type.Number({ minimum: 0, maximum: 1 }),
    margin: Type.Number(),
    trackId: Type.Integer(),
    box: Type.Object(
      { x: Type.Number(), y: Type.Number(), width: Type.Number(), height: Type.Number() },
      { ...closed, description: 'parts of the frame, 0,0 is top left' },
    ),
    firstSeen: Time,
    lastSeen: Time,
    model: Text(80),
  },
  closed,
)
export type WhyDetection = Static<typeof WhyDetection>

/** Why the case was raised: the rule, its version and what it saw. */
export const Why = Type.Object(
  {
    rule: Text(63),
    ruleVersion: Type.Integer({ minimum: 1 }),
    /** SHA-256 of all that the rule's pack says of it. */
    ruleHash: Type.Optional(Sha256),
    text: Bilingual,
    readings: Type.Array(WhyReading, { maxItems: 50 }),
    conditions: Type.Optional(Type.Array(WhyCondition, { maxItems: 20 })),
    detections: Type.Array(WhyDetection, { maxItems: 50 }),
    /** 劝导次数: how often a voice or lamp at the spot asked for it to end before the case was raised. */
    reminders: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  },
  closed,
)
export type Why = Static<typeof Why>

/** A media file that proves the case, named by its hash. Proof made of readings lies inline in `why`. */
export const Proof = Type.Object(
  {
    sha256: Sha256,
    size: Type.Integer({ minimum: 1 }),
    mediaType: Text(80),
    takenAt: Time,
    /** `sent` goes to the platform; `kept` is the sealed original, which never leaves the box. */
    keep: Type.Enum(['sent', 'kept'] as const),
    role: Type.Enum(['original', 'annotated'] as const),
    deviceId: Text(63),
  },
  closed,
)
export type Proof = Static<typeof Proof>

export const severities = ['life-safety', 'serious', 'ordinary'] as const
export const Severity = Type.Enum(severities)
export type Severity = Static<typeof Severity>

/** 案件: an auto-generated grid case, as the platform receives it. */
export const Case = Type.Object(
  {
    contract: Type.Literal(CONTRACT),
    /** SHA-256 over class, place, since (and `drill`): the same breach has the same key on every retry. */
    key: Sha256,
    /** Grows by one with each raise, clear or new proof. */
    revision: Type.Integer({ minimum: 1 }),
    boxId: Text(63),
    class: Text(63),
    /** 大类+小类, or the catalogue's own code where no national number exists (`classLocal`). */
    classCode: Text(40),
    classLocal: Type.Boolean(),
    className: Bilingual,
    severity: Severity,
    source: Type.Enum(['sensor', 'camera', 'both'] as const),
    siteId: Text(63),
    siteName: Bilingual,
    /** `<siteId>/<part>` */
    place: Text(200),
    /** The sentence a person walks by. */
    address: Text(200),
    /** 单元网格, 14 digits. */
    gridCode: Type.String({ pattern: '^\\d{14}$' }),
    position: Position,
    since: Time,
    raisedAt: Time,
    clearedAt: Type.Union([Time, Type.Null()]),
    /** How often the breach began again within this case. */
    count: Type.Integer({ minimum: 1 }),
    /** Still open and still true after the n-th span of its rule's `escalate`. */
    escalated: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    /** The case that was closed while this breach still stood. */
    follows: Type.Optional(Sha256),
    why: Why,
    proof: Type.Array(Proof, { maxItems: 20 }),
    /** Why proof that the rule asked for is not there. */
    proofMissing: Type.Union([Type.String({ maxLength: 300 }), Type.Null()]),
    /** 演练: walks the whole chain, never a real case. */
    drill: Type.Boolean(),
    use: Type.Enum(['lead', 'reviewed-evidence'] as const),
    /** The clock of the box was not set when this was made. */
    timeUnsure: Type.Boolean(),
    stage: Stage,
    stageVersion: Type.Integer({ minimum: 0 }),
    platformStage: Type.Union([Type.String({ maxLength: 100 }), Type.Null()]),
    platformCase: Type.Union([Type.String({ maxLength: 100 }), Type.Null()]),
    /** The platform has verified every proof marked `sent`. */
    complete: Type.Boolean(),
  },
  closed,
)
export type Case = Static<typeof Case>

/** The part of a case's identity that never changes. */
export interface CaseIdentity {
  readonly class: string
  readonly place: string
  readonly since: Instant
  readonly drill: boolean
}

export function caseKey({ class: cls, place, since, drill }: CaseIdentity): string {
  const text = [cls, place, isoTime(since), ...(drill ? ['drill'] : [])].join('\n')
  return createHash('sha256').update(text).digest('hex')
}
