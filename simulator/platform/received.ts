import type { Instant } from '../../base/clock.ts'

/** The parts of a case that the simulator reads. It knows them from docs/platform/case.schema.json alone. */
export interface CaseData {
  readonly key: string
  readonly revision: number
  readonly boxId: string
  readonly class: string
  readonly classCode: string
  readonly className: Words
  readonly severity: string
  readonly siteName: Words
  readonly place: string
  readonly address: string
  readonly gridCode: string
  readonly since: string
  readonly clearedAt: string | null
  readonly count: number
  readonly why: {
    readonly text: Words
    readonly readings: readonly unknown[]
    readonly detections: readonly unknown[]
  }
  readonly proof: readonly { readonly sha256: string; readonly keep: 'sent' | 'kept' }[]
  readonly proofMissing: string | null
  readonly drill: boolean
  readonly stage: string
}

export interface Words {
  readonly zh: string
  readonly en: string
}

export interface CaseEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly data: CaseData
}

/** One case revision that came for the first time. */
export interface ReceivedRevision {
  readonly key: string
  readonly revision: number
  readonly class: string
  readonly place: string
  readonly since: string
  readonly clearedAt: string | null
  readonly drill: boolean
  readonly at: Instant
  /** When the first 2xx for it was written, in milliseconds of the platform's `stamp`; undefined while none was. */
  readonly answeredAt: number | undefined
  /** How often it came again. */
  readonly repeats: number
  /** The case as it came; left out where history is `receipts`. */
  readonly data: CaseData | undefined
}

/** A case as the platform knows it now. */
export interface PlatformCase {
  readonly key: string
  readonly class: string
  readonly place: string
  readonly drill: boolean
  readonly hasCleared: boolean
  /** Every stage it was walked to, in order. */
  readonly stages: readonly string[]
  /** Media files of proof that the platform has verified. */
  readonly proofs: number
  readonly isComplete: boolean
  readonly firstAt: Instant
  readonly revisions: number
}

export interface Counters {
  readonly requests: number
  readonly events: number
  /** Revisions that came for the first time. */
  readonly revisions: number
  /** Revisions that came again. */
  readonly repeats: number
  readonly refused: number
  /** Requests whose signature, digest or nonce did not hold. */
  readonly unsigned: number
  readonly proofs: number
  readonly moves: number
}

/** What a person or a judge may want to hear of. */
export type Fact =
  | {
      readonly is: 'arrival'
      readonly at: Instant
      readonly data: CaseData
      readonly stage: string
      readonly proofs: number
    }
  | { readonly is: 'move'; readonly key: string; readonly stage: string; readonly complete: boolean }
  | { readonly is: 'proof'; readonly sha256: string; readonly size: number }
  | { readonly is: 'complaint'; readonly status: number; readonly detail: string }
