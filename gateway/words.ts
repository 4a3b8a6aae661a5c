import { Type, type Static } from 'typebox'
import { DURATION_PATTERN } from '../base/amount.ts'

/** Shapes that many files of a box use. */

/** What people read on screen and in cases stands in both languages. */
export const Bilingual = Type.Object(
  { zh: Type.String({ minLength: 1, maxLength: 200 }), en: Type.String({ minLength: 1, maxLength: 200 }) },
  { additionalProperties: false },
)
export type Bilingual = Static<typeof Bilingual>

/** An id that may stand in topics, file names and URLs. */
export const Id = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
  description: 'lower-case letters, digits and -',
})

export const Span = Type.String({
  pattern: DURATION_PATTERN,
  description: 'a span of time with its unit: 500 ms, 8 s, 10 min, 25 h',
})

export const Hours = Type.String({
  pattern: '^([01]\\d|2[0-3]):[0-5]\\d-(([01]\\d|2[0-3]):[0-5]\\d|24:00)$',
  description: 'hours such as 09:00-21:30; over midnight too',
})

/** Secrets never stand in a file: `env:NAME`, or `file:PATH` relative to the data folder. */
export const SecretRef = Type.String({
  pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\\0]{1,200})$',
  description: 'env:NAME or file:PATH',
})

/** A position always names its coordinate system. */
export const Position = Type.Object(
  {
    lng: Type.Number({ minimum: -180, maximum: 180 }),
    lat: Type.Number({ minimum: -90, maximum: 90 }),
    crs: Type.Enum(['WGS84', 'CGCS2000', 'GCJ-02', 'BD-09'] as const),
  },
  { additionalProperties: false },
)
export type Position = Static<typeof Position>
