import { isoTime, type Clock } from '../base/clock.ts'
import { messageOf } from '../base/errors.ts'
import type { CaseBook, StoredProof } from './case-book.ts'
import { Draft } from './draft.ts'
import type { EvidenceFolder } from './evidence.ts'
import type { OpenCase } from './open-cases.ts'
import type { PictureSource } from './ports.ts'
import type { Store } from './store/store.ts'
import type { Sight } from './why.ts'

/** A camera that does not answer must not keep its case in the box. */
const PICTURE_WAIT_MS = 5000
const STORE_RETRY_MS = 1000

export interface ProofContext {
  readonly clock: Clock
  readonly store: Store
  readonly cases: CaseBook
  readonly evidence: EvidenceFolder
  readonly pictures: PictureSource | undefined
}

/**
 * Takes the pictures of a case and stores them whole; only then may its held revisions leave. Where there are none
 * the case says why and leaves all the same.
 */
export async function collectProof(context: ProofContext, open: OpenCase, sight: Sight): Promise<void> {
  let stored: readonly StoredProof[] = []
  let missing: string | null = null
  try {
    stored = await takePictures(context, sight)
    if (stored.length === 0) missing = 'no picture could be taken: the camera gave none'
  } catch (error) {
    missing = `no picture could be taken: ${messageOf(error)}`.slice(0, 300)
  }
  await settleProof(context, open, stored, missing)
}

/** Cases whose pictures a stopped gateway still owed leave without them, and say so. A full disk holds up no start. */
export function settleOldProof(context: ProofContext): void {
  for (const open of context.cases.heldFromBefore()) {
    void settleProof(context, open, [], 'the gateway stopped before the picture was stored')
  }
}

async function settleProof(
  { cases, clock, store }: ProofContext,
  open: OpenCase,
  stored: readonly StoredProof[],
  missing: string | null,
): Promise<void> {
  for (;;) {
    const draft = new Draft()
    cases.settleProof(draft, open, stored, missing)
    try {
      await store.commit(draft)
      draft.stored()
      return
    } catch {
      // The store has said what is wrong; the revisions stay held until it takes them, or until the next start.
      if (store.hasEnded) return
      await new Promise<void>((resolve) => clock.after(STORE_RETRY_MS, resolve))
    }
  }
}

async function takePictures(
  { clock, evidence, pictures }: ProofContext,
  sight: Sight,
): Promise<readonly StoredProof[]> {
  if (!pictures) return []
  const tracks = sight.stays.flatMap((stay) => stay.tracks)
  const taken = await withTimeout(clock, pictures.take(sight.deviceId, tracks))
  const stored: StoredProof[] = []
  for (const picture of taken) {
    const sha256 = await evidence.write(picture.bytes)
    const { mediaType, keep, role, takenAt } = picture
    const size = picture.bytes.byteLength
    const proof = { sha256, size, mediaType, takenAt: isoTime(takenAt), keep, role, deviceId: sight.deviceId }
    stored.push({ proof, path: evidence.pathOf(sha256) })
  }
  return stored
}

function withTimeout<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(PICTURE_WAIT_MS, () =>
      reject(new Error(`the camera gave none within ${PICTURE_WAIT_MS} ms`)),
    )
    work.then(resolve, reject).finally(cancel)
  })
}
