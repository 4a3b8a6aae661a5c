import type { Instant } from '../base/clock.ts'

/** A rectangle in parts of the frame: 0,0 is top left, 1,1 bottom right. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** 检出: a labelled box with a score in one frame. */
export interface Detection {
  readonly label: string
  readonly score: number
  readonly box: Box
}

/** A detection that was followed over frames. */
export interface Track extends Detection {
  readonly trackId: number
  /** PTS time of the first hit. */
  readonly firstSeen: Instant
  readonly lastSeen: Instant
}

/** What stands in one zone of a camera's picture, with the tracks that prove it. */
export interface ZoneStay {
  readonly zone: string
  readonly tracks: readonly Track[]
}
