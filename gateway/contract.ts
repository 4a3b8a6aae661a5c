import { Type, type Static } from 'typebox'
import { Case, CONTRACT } from './case.ts'
import { StageMove } from './stage.ts'

/** What a box and a platform say to each other over HTTP, version 1. docs/platform/ is generated from these shapes. */

export const CASE_SCHEMA = `urn:ganglion:contract:${CONTRACT}:case`

export const limits = {
  /** Events in one batch. */
  batch: 200,
  /** Bytes of one request to /cases. */
  casesBytes: 4 * 1024 * 1024,
  /** A proof file up to this size goes as one PUT; larger ones are resumed. */
  putBytes: 1024 * 1024,
  /** Moves in one answer of /stages. */
  moves: 500,
  /** Bytes of any answer that a box reads. */
  answerBytes: 1024 * 1024,
} as const

/**
 * `raised`: the first revision. `cleared`: the breach has ended (`data.clearedAt` is set).
 * `updated`: everything else, such as more proof, or the breach beginning again (`data.count` grew).
 */
export const eventTypes = {
  raised: 'ganglion.case.raised',
  cleared: 'ganglion.case.cleared',
  updated: 'ganglion.case.updated',
} as const

/** One case revision as a CloudEvent 1.0. Extension attributes may stand beside. */
export const CaseEvent = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: Type.String({ pattern: '^[0-9a-f]{64}:[1-9]\\d{0,9}$', description: '<key>:<revision>' }),
    source: Type.String({ pattern: '^/ganglion/[a-z0-9][a-z0-9-]{0,62}$', description: '/ganglion/<boxId>' }),
    type: Type.Enum(Object.values(eventTypes)),
    time: Type.String({ maxLength: 40, description: 'RFC 3339: when the revision was made' }),
    datacontenttype: Type.Literal('application/json'),
    dataschema: Type.Literal(CASE_SCHEMA),
    data: Case,
  },
  { title: 'One case revision as a CloudEvent' },
)
export type CaseEvent = Static<typeof CaseEvent>

export const CaseEventBatch = Type.Array(CaseEvent, { minItems: 1, maxItems: limits.batch })

export const DeliveryResult = Type.Object({
  id: Type.String({ maxLength: 80, description: 'the id of the event' }),
  status: Type.Enum(['taken', 'later', 'refused'] as const, {
    description:
      'taken: the platform has this revision (also when it had it before). later: send it again. refused: never send it again',
  }),
  reason: Type.Optional(Type.String({ maxLength: 500 })),
})
export type DeliveryResult = Static<typeof DeliveryResult>

export const DeliveryResults = Type.Object(
  { results: Type.Array(DeliveryResult, { maxItems: limits.batch }) },
  { title: 'One answer per event, in the order of the request' },
)
export type DeliveryResults = Static<typeof DeliveryResults>

export const StageFeed = Type.Object(
  {
    moves: Type.Array(StageMove, { maxItems: limits.moves }),
    cursor: Type.String({ minLength: 1, maxLength: 200, description: 'to be given back as ?after=' }),
  },
  { title: 'Moves after the cursor, oldest first; empty when none came while waiting' },
)
export type StageFeed = Static<typeof StageFeed>

/** RFC 9457. */
export const Problem = Type.Object(
  {
    type: Type.Optional(Type.String({ maxLength: 300 })),
    title: Type.Optional(Type.String({ maxLength: 300 })),
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    detail: Type.Optional(Type.String({ maxLength: 2000 })),
  },
  { title: 'Why a request was not done (RFC 9457)' },
)
export type Problem = Static<typeof Problem>
