import { Type, type Static } from 'typebox'

/** `history:` in box.yaml. */
export const HistoryKeep = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({ minimum: 7, maximum: 3650, description: 'readings older than this go; default 30' }),
    ),
    megabytes: Type.Optional(
      Type.Integer({
        minimum: 16,
        maximum: 1_000_000,
        description: 'the oldest readings go when history.db is larger; default 3072',
      }),
    ),
  },
  { additionalProperties: false },
)
export type HistoryKeep = Static<typeof HistoryKeep>
