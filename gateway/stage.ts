import { Type, type Static } from 'typebox'

/** Every stage a case can be in, from the first commit to the closed file. */
export const stages = [
  'raised',
  'delivered',
  'accepted',
  'rejected',
  'filed',
  'dispatched',
  'processing',
  'handled',
  'verifying',
  'closed',
  'rework',
  'suspended',
  'deferred',
  'withdrawn',
  'reopened',
] as const

export const Stage = Type.Enum(stages)
export type Stage = Static<typeof Stage>

export const stageNames: Readonly<Record<Stage, string>> = {
  raised: '已产生',
  delivered: '已送达',
  accepted: '已受理',
  rejected: '不立案',
  filed: '已立案',
  dispatched: '已派遣',
  processing: '处理中',
  handled: '已处置',
  verifying: '核查中',
  closed: '已结案',
  rework: '返工',
  suspended: '挂账',
  deferred: '延期',
  withdrawn: '已撤销',
  reopened: '重新立案',
}

/** After these a further alarm at the place is a new case. */
export const isEnded = (stage: Stage): boolean =>
  stage === 'closed' || stage === 'rejected' || stage === 'withdrawn'

/** 案件流转: one move of a case as the platform reports it. */
export const StageMove = Type.Object(
  {
    key: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    stage: Stage,
    /** Grows with each move of one case; tells late from new. */
    version: Type.Integer({ minimum: 1 }),
    at: Type.String({ maxLength: 40, description: 'RFC 3339' }),
    /** The platform's own word for the stage, kept beside ours. */
    platformStage: Type.Optional(Type.String({ maxLength: 100 })),
    platformCase: Type.Optional(Type.String({ maxLength: 100 })),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    /** The platform has verified every proof that was to be sent. */
    complete: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type StageMove = Static<typeof StageMove>
