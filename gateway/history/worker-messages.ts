import type { Instant } from '../../base/clock.ts'
import type { HistoryFigures } from './figures.ts'
import type { Keep } from './keeper.ts'
import type { HistoryAnswer, HistoryQuery } from './query.ts'

/** What history.ts and its worker thread say to each other. */

export interface WorkerStart {
  readonly historyFile: string
  readonly logFile: string
  readonly keep: Keep
}

export type Ask =
  /** Move what is ready, and let go what is too old. */
  | { readonly id: number; readonly is: 'tail'; readonly now: Instant; readonly isStoreFull: boolean }
  | { readonly id: number; readonly is: 'query'; readonly query: HistoryQuery }
  | { readonly id: number; readonly is: 'end' }

export interface Tailed {
  readonly figures: HistoryFigures
  /** The last row of the log that was looked at. */
  readonly seen: number
}

export type Answered =
  | { readonly id: number; readonly is: 'tailed'; readonly tailed: Tailed }
  | { readonly id: number; readonly is: 'found'; readonly answer: HistoryAnswer }
  | { readonly id: number; readonly is: 'ended' }
  | { readonly id: number; readonly is: 'failed'; readonly code: string; readonly message: string }
