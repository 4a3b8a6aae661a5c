/** What the bench says to its sender and hears from it, over the channel between parent and child. */

export interface SenderAccount {
  readonly id: string
  readonly secret: string
}

/** One device as the sender plays it. */
export interface SenderDevice {
  /** Index of the account that speaks for it. */
  readonly account: number
  readonly topic: string
  readonly on: string
  readonly off: string
}

export interface OpenLinks {
  readonly is: 'open'
  readonly port: number
  readonly accounts: readonly SenderAccount[]
  readonly devices: readonly SenderDevice[]
  readonly session: 'clean' | 'kept'
  /** How soon a kept connection that broke is made again; 50 by default. */
  readonly againMs?: number
  /** Connections a second. */
  readonly perSecond: number
  /** Each device says its state as soon as it is let in, as after a power cut. */
  readonly greets: boolean
}

export interface SendMessages {
  readonly is: 'send'
  readonly perSecond: number
  readonly seconds: number
  /** Messages of a device's turn: the first alarms, the second clears, the rest change nothing. */
  readonly cycle: number
  /** What is still on its way at the end is waited for this long. */
  readonly patienceMs: number
  /** A device waits for its acknowledgement before it speaks again. */
  readonly oneInFlight: boolean
}

export type ToSender =
  | OpenLinks
  | SendMessages
  /** One alarm of one device, now. */
  | { readonly is: 'alarm'; readonly device: number }
  /** Ends a `send` early. */
  | { readonly is: 'halt' }
  | { readonly is: 'stop' }

/** A message that changed its device's state: it becomes this revision of the device's case. */
export interface Changes {
  readonly device: Float64Array
  readonly revision: Float64Array
  readonly isOn: Float64Array
  readonly sentAt: Float64Array
}

export interface Sent {
  readonly is: 'sent'
  readonly messages: number
  readonly acknowledged: number
  /** Turns that had to wait because too much was on its way: the rate was not held. */
  readonly heldBack: number
  /** What was really sent, a second. */
  readonly perSecond: number
  readonly ackMs: Float64Array
  readonly changes: Changes
  /** Connections that broke, with the last reason. */
  readonly broken: number
  readonly reason: string
}

export interface Opened {
  readonly is: 'opened'
  readonly links: number
  /** Greetings. */
  readonly acknowledged: number
  readonly broken: number
  /** From the first connection to the last acknowledgement. */
  readonly tookMs: number
}

export type FromSender =
  | Opened
  | Sent
  | { readonly is: 'alarm-sent'; readonly device: number; readonly revision: number; readonly sentAt: number }
  | { readonly is: 'first-ack'; readonly at: number }
