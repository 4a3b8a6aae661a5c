import type { TSchema } from 'typebox'
import type { Duration, Instant } from '../../base/clock.ts'
import type { Fields } from '../../gateway/ports.ts'

/** What is known of a request before a byte of its body is read. */
export interface PushHead {
  readonly method: 'GET' | 'POST'
  /** What stands behind the push's own path; empty where nothing does. */
  readonly below: string
  /** Behind the `?`, as it came. */
  readonly query: string
  /** One header by its lower-case name; a header that came twice is joined by a comma. */
  readonly header: (name: string) => string | undefined
}

export interface PushRequest extends PushHead {
  /** The raw bytes: signatures hold over these and over nothing that was parsed. */
  readonly body: Buffer
}

export type Verdict = { readonly is: 'ok' } | { readonly is: 'refused'; readonly reason: string }

export const ok: Verdict = { is: 'ok' }
export const refused = (reason: string): Verdict => ({ is: 'refused', reason })

/** What a push says of one device. */
export type PushSaid =
  | {
      readonly is: 'message'
      /** What the cloud calls the device, the surest name first: its id there, its IMEI. */
      readonly names: readonly string[]
      /** An object as the cloud decoded it, or the bytes that the device sent. */
      readonly payload: Fields | Buffer
      readonly messageId?: string
      readonly time?: Instant
    }
  /** The cloud's word for it. Sleepers are offline most of the day: no device is lost by that. */
  | { readonly is: 'presence'; readonly names: readonly string[]; readonly online: boolean }
  /** Known and of no use here: answers to commands, scenes. */
  | { readonly is: 'ignored' }
  /** A part that nobody understands beside others that are fine. */
  | { readonly is: 'wrong'; readonly reason: string }

export type PushRead =
  | { readonly is: 'messages'; readonly said: readonly PushSaid[] }
  /** The cloud asks whether this is our address: it wants exactly this text back. */
  | { readonly is: 'handshake'; readonly text: string }

/** What became of a push, for senders that read it. */
export interface PushOutcome {
  readonly taken: number
  readonly seenBefore: number
  readonly unknown: number
  readonly wrong: number
}

/** A form with its secrets, ready to judge. It may remember: one is made for each push. */
export interface OpenForm {
  /** By the head alone. A refusal tells the sender nothing. */
  admit(head: PushHead, now: Instant): Verdict
  /** By the raw body; for forms whose signature covers it. */
  verify?(request: PushRequest, now: Instant): Verdict
  /** @throws GanglionError `payload-invalid`: it never can be read */
  read(request: PushRequest): PushRead
  /** JSON for the sender; without it the answer is `ok`. */
  reply?(outcome: PushOutcome): object
}

/** The default export of a file in device-drivers/push-forms: how one cloud pushes. Its name is the file's. */
export interface PushForm {
  readonly name: string
  /** Of what stands beside `id`, `form`, `path` and `from` in box.yaml. */
  readonly settings: TSchema
  readonly methods: readonly ('GET' | 'POST')[]
  /** Nothing is signed: one more part of the path is the secret. */
  readonly hasSecretPath: boolean
  /** The same push may come again for so long after it was taken. Default: as any message, 10 minutes. */
  readonly repeatsFor?: Duration
  /** What cannot be read is answered: clouds would send it again and stop the subscription, ours are told. */
  readonly onUnreadable: 'taken' | 'refused'
  /**
   * @param settings obeys the schema
   * @throws GanglionError `secret-missing`, or `config-invalid` for a secret that cannot be one
   */
  open(settings: Readonly<Record<string, unknown>>, secret: (reference: string) => string): OpenForm
}
