import { parseItem } from './structured-fields.ts'

/**
 * The vocabulary of resumed uploads that both ends speak: a subset of the draft below. The resource is known
 * beforehand (it is named by its hash), so there is no creation step and no interim response.
 * `PATCH` at offset 0 begins it, `HEAD` says how far it came.
 */
export const RESUMABLE_UPLOAD_DRAFT = 'draft-ietf-httpbis-resumable-upload-15'

export const PARTIAL_UPLOAD = 'application/partial-upload'

/** The problem type of a 409: the offset of a `PATCH` is not where the upload stands. */
export const MISMATCHING_OFFSET = 'https://iana.org/assignments/http-problem-types#mismatching-upload-offset'

/** How far an upload came: headers of a `PATCH` and of the answers to `HEAD` and `PATCH`. */
export interface UploadState {
  readonly offset: number
  readonly isComplete: boolean
  /** Size of the whole, where it is known. */
  readonly length: number | undefined
}

export function uploadHeaders({ offset, isComplete, length }: UploadState): Readonly<Record<string, string>> {
  return {
    'upload-offset': String(offset),
    'upload-complete': isComplete ? '?1' : '?0',
    ...(length === undefined ? {} : { 'upload-length': String(length) }),
  }
}

/** Reads the three headers; undefined when one of the first two is missing or any is not what it should be. */
export function parseUploadHeaders(
  fields: Readonly<Record<string, string | readonly string[] | undefined>>,
): UploadState | undefined {
  const offset = itemOf(fields['upload-offset'])
  const isComplete = itemOf(fields['upload-complete'])
  const length = fields['upload-length'] === undefined ? undefined : itemOf(fields['upload-length'])
  if (!isCount(offset) || typeof isComplete !== 'boolean') return undefined
  if (length !== undefined && !isCount(length)) return undefined
  if (fields['upload-length'] !== undefined && length === undefined) return undefined
  return { offset, isComplete, length }
}

/** A field that came twice is none. */
const itemOf = (field: string | readonly string[] | undefined): unknown =>
  typeof field === 'string' ? parseItem(field) : undefined

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0 // an integer, by the first half
