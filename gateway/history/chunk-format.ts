/** What the writer and the reader of a chunk have to agree on. */

/** The first byte of a chunk; a reader of a later format must still bear this one. */
export const FORMAT = 1

/** Of a point's columns most have nothing to say, and are left out. */
export const NOT_ALL_GOOD = 1
export const NOT_ALL_AT_ONCE = 2
export const SOME_LAST = 4

/** Whether the messages' own times are their arrivals. */
export const AS_ARRIVED = 0
export const OWN_TIMES = 1

/** What a message is, where it is no plain one: one of these, or a mark. */
export const RETAINED_MARK = 'retained'
export const NOTED_MARK = 'noted'

/** Whose chunk it is. */
export interface ChunkOwner {
  readonly siteId: string
  readonly deviceId: string
}

export interface PointName {
  readonly quantity: string
  readonly part: string
}

/** Names of points as small numbers, kept beside the chunks. */
export interface PointNumbers {
  numberOf(quantity: string, part: string): number
}

export interface PointNames {
  nameOf(point: number): PointName
}
