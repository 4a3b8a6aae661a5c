/** Every error that Ganglion throws on purpose has one of these codes. */
export const errorCodes = {
  'config-invalid': 'A box, site, profile, pack, catalogue, manifest or scenario file is wrong',
  'config-missing': 'A file that was named does not exist',
  'secret-missing': 'A secret reference leads nowhere',
  usage: 'The command line is wrong',
  'store-newer': 'The database was written by a newer Ganglion',
  'store-full': 'The disk of the data folder is full',
  'store-failed': 'The database refused a commit',
  'store-locked': 'Another gateway holds the data folder',
  'listen-failed': 'A port could not be opened',
  'payload-too-large': 'More bytes came than the bound allows',
  'payload-invalid': 'A payload could not be decoded',
  'frame-invalid': 'A frame is wrong: length, sum or content',
  'not-allowed': 'The account or token may not do this',
  'rate-exceeded': 'More came in a second than the account may send',
  'device-unknown': 'A message names a device that is in no site',
  'device-refused': 'A device answered with an exception',
  'device-silent': 'A device did not answer in time',
  'device-unreachable': 'The connection to a device or camera failed',
  'camera-auth': 'The camera refused the user name or password',
  'camera-full': 'The camera has no free session',
  'camera-missing': 'The camera has no such stream',
  'camera-stalled': 'The camera stopped sending pictures',
  'model-invalid': 'A model file is missing or is not the one its manifest names',
  'platform-refused': 'The platform refused a case for good',
  'platform-away': 'The platform did not answer or asked to wait',
  'platform-nonsense': 'The platform answered something outside the contract',
  'signature-invalid': 'A request signature or digest does not hold',
} as const

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  /** `later`: the same call may succeed when the world has changed. Default `never`. */
  readonly retry?: 'never' | 'later'
  /** What the reader can do about it. */
  readonly hint?: string
  readonly cause?: unknown
}

/** The one error class: the message says what was wanted and what came. */
export class GanglionError extends Error {
  override readonly name = 'GanglionError'
  readonly code: ErrorCode
  readonly retry: 'never' | 'later'
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retry = details.retry ?? 'never'
    this.hint = details.hint
  }
}

export function isGanglionError(error: unknown, code?: ErrorCode): error is GanglionError {
  return error instanceof GanglionError && (code === undefined || error.code === code)
}

/** The code of an error, also of those that others throw (`ECONNREFUSED`, `SQLITE_FULL`). */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : 'unknown'
}

/** One readable line for logs and health. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
